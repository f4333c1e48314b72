#!/bin/bash
# Hooks: which run where, in which order, with the state on standard input. startContainer hooks run inside: their path names a
# program of the container, and the host's program of that name does not run.
. "$(dirname "$0")/common"
log=$dir/log
hook=$dir/hook # exists on the host and in the container, and says where it is
mkdir -p "rootfs$dir"
cat > "$hook" <<X
#!/bin/bash
echo "\$1 on the host: \$(jq -r '.id + " " + .status') \$V" >> $log
X
cat > "rootfs$hook" <<'X'
#!/bin/sh
echo "$1 inside: $(sed -n 's/.*"\(id\|status\|pid\)": *"*\([a-z0-9]*\).*/\2/p' | sort | tr '\n' ' ')$V user $(id -u) in $PWD" >> /tmp/log
[ -z "$EXIT" ] || { echo "it says why" >&2; exit "$EXIT"; }
X
chmod 755 "$hook" "rootfs$hook"
chmod 777 rootfs/tmp
cp config.json base.json
edit '.hooks = ([["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"][] |
	{key: ., value: [{path: $h, args: ["hook", .], env: ["V=v", "PATH=/usr/bin:/bin"]}]}] | from_entries)' --arg h "$hook"
edit '.process.user = {uid: 12, gid: 13} | .process.cwd = "/tmp"'
script 'echo program >> /tmp/log; sleep 100'
moat create c1 < /dev/null > /dev/null 2> err
expect "create" "0 " "$? $(cat err)"
expect "before the start" "prestart on the host: c1 creating v
createRuntime on the host: c1 creating v
createContainer on the host: c1 creating v" "$(cat "$log")"
expect "nothing ran inside" "" "$(cat rootfs/tmp/log 2> /dev/null)"
moat start c1
expect "start" 0 $?
await 5 grep -q program rootfs/tmp/log
expect "inside, before the program" "startContainer inside: 1 c1 created v user 12 in /tmp
program" "$(cat rootfs/tmp/log)"
moat delete --force c1
expect "after it" "poststart on the host: c1 running v
poststop on the host: c1 stopped v" "$(tail -n 2 "$log")"
expect "no startContainer on the host" 0 "$(grep -c startContainer "$log")"

# What a failing or hanging one does.
rm -f rootfs/tmp/log "$log"
cp base.json config.json
script 'echo program >> /tmp/log'
edit '.hooks = {startContainer: [{path: $h, args: ["hook", "one"], env: ["PATH=/bin"]},
	{path: $h, args: ["hook", "two"], env: ["EXIT=3", "PATH=/bin"]}, {path: $h, args: ["hook", "three"], env: ["PATH=/bin"]}]}' \
	--arg h "$hook"
if is_moat; then
	expect "a failing one" "moat: hooks.startContainer[1]: $hook: exit status 3: it says why" "$(moat run c1 2>&1)"
	expect "neither the next nor the program run" 2 "$(wc -l < rootfs/tmp/log)"
	edit '.hooks.startContainer[1] = {path: "/bin/sleep", args: ["sleep", "100"], timeout: 1}'
	expect "a hanging one" "moat: hooks.startContainer[1]: /bin/sleep did not end within 1 s" "$(moat run c1 2>&1)"
	edit '.hooks.startContainer[1] = {path: "/absent"}'
	expect "a missing one" "moat: hooks.startContainer[1]: /absent: exit status 127" "$(moat run c1 2>&1)"
	edit '.hooks.startContainer[1] = {path: "/usr/bin/touch", args: ["touch", "/tmp/log"]}'
	expect "one that only the host has" "moat: hooks.startContainer[1]: /usr/bin/touch: exit status 127" "$(moat run c1 2>&1)"
	expect "nothing is left" "" "$(moat list --quiet)"
fi
done_testing
