#!/bin/bash
# The closing line that names what a failed program asked for and did not get; --hints=off.
# files: /bin/busybox
. "$(dirname "$0")/common"
B=/bin/busybox

hint='moat: busybox: /proc/kallsyms does not exist here and may be why it failed; --hints=off silences this'
own='cat: can'\''t open '\''/proc/kallsyms'\'': No such file or directory'

t=$(inside $B cat /proc/kallsyms 2>&1)
expect 'a failure: status' 1 $?
expect 'a failure' "$own
$hint" "$t"

expect 'off' "$own" "$(MOAT_OPTS='--hints=off' inside $B cat /proc/kallsyms 2>&1)"
expect 'a success' '' "$(inside $B sh -c "read x < /proc/kallsyms; exit 0" 2>&1 | grep ^moat:)"
expect 'nothing unsupported' '' "$(inside $B false 2>&1)"
expect 'a file elsewhere' '' "$(inside $B cat /nonesuch 2>&1 | grep ^moat:)"
expect 'a name that no Linux has' '' "$(inside $B cat /proc/nonesuch 2>&1 | grep ^moat:)"
expect 'it got on without' '' "$(inside $B sh -c "read x < /proc/kallsyms; read x < $B; exit 1" 2>&1 | grep ^moat:)"
expect 'a closed descriptor' '' "$(inside $B cat /proc/self/fd/77 2>&1 | grep ^moat:)"
expect 'an ended process' '' "$(inside $B cat /proc/31999/stat 2>&1 | grep ^moat:)"
expect 'once' "$hint" "$(inside $B sh -c "$B cat /proc/kallsyms; $B cat /proc/kallsyms" 2>&1 | grep ^moat:)"

t=$(MOAT_OPTS='--hints=maybe' inside $B true 2>&1)
expect 'a bad value: status' 125 $?
expect 'a bad value' "moat: --hints 'maybe': give on or off" "$t"
done_testing
