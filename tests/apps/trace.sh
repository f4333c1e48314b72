#!/bin/bash
# moat do --trace: calls with decoded arguments and results, signals, ends; filters; a program whose trace nobody reads
# goes on.
# files: /bin/busybox
. "$(dirname "$0")/common"
B=/bin/busybox

# traced FILTER PROG ARG...: what goes to stderr
traced() {
	local filter=$1
	shift
	MOAT_OPTS="--trace$filter --cwd /" inside "$@" 2>&1 > /dev/null
}

# has WHAT PATTERN TEXT
has() {
	grep -qE -- "$2" <<< "$3" || {
		printf '%s: no line like %s in:\n%s\n' "$1" "$2" "$3"
		failures=$((failures + 1))
	}
}

t=$(traced '' $B sh -c "echo hello; $B false; kill -TERM \$\$")
has 'a buffer' '^1 write\(1, "hello\\n", 6\) = 6$' "$t"
has 'argv' '^[0-9]+ execve\("/bin/busybox", \["/bin/busybox", "false"\], 0x[0-9a-f]+\) = 0$' "$t"
has 'an exit' '^[0-9]+ exit_group\(1\) = \?$' "$t"
has 'an end' '^[0-9]+ \+\+\+ exited with 1 \+\+\+$' "$t"
has 'a status' '^1 wait4\(-1, \[exited 1\], .*\) = [0-9]+$' "$t"
has 'SIGCHLD' '^1 --- SIGCHLD \{' "$t"
has 'kill' '^1 kill\(1, SIGTERM\) = 0$' "$t"

t=$(traced '=openat,open,close' $B cat /nonesuch)
has 'flags and errno' '^1 open(at\(AT_FDCWD, |\()"/nonesuch", O_RDONLY(\|[A-Z_]+)*(, 0)?\) = -1 ENOENT$' "$t"
expect 'only what was asked for' '' "$(grep -vE '^1 (open|openat|close)\(|^1 \+\+\+|^cat: ' <<< "$t")"

t=$(traced '=process' $B true)
expect 'a family' '' "$(grep -E '^1 (mmap|brk|open|openat|getuid)\(' <<< "$t")"
has 'a family' '^1 exit_group\(0\)' "$t"

t=$(traced '=!process,file' $B true)
expect 'all but' '' "$(grep -E '^1 (exit_group|arch_prctl|open)\(' <<< "$t")"
has 'all but' '^1 getuid\(\) = ' "$t"

t=$(MOAT_OPTS='--trace=nonesuch' inside $B true 2>&1)
expect 'a bad filter: status' 125 $?
expect 'a bad filter' "moat: --trace=nonesuch: 'nonesuch' is no system call and no family of them" "$t"

# Nobody reads stderr for a while: the program waits, or lines are dropped, but it ends.
{ MOAT_OPTS='--trace --cwd /' inside $B sh -c "$B find /bin/ /etc/ > /dev/null; $B true" 2>&1 > /dev/null; echo "status $?"; } |
	{ sleep 2; t=$(cat); tail -n 1 <<< "$t"; } > "${TMPDIR:-/tmp}/trace.$$"
expect 'a slow reader' 'status 0' "$(cat "${TMPDIR:-/tmp}/trace.$$")"
rm -f "${TMPDIR:-/tmp}/trace.$$"

expect 'off' '' "$(inside $B true 2>&1)"
done_testing
