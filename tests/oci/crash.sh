#!/bin/bash
# What is left when the runtime or something that it needs goes away in the middle: kill -9 at every step (crash.py), a full disk,
# a full group, a console socket that nobody listens at, hooks that hang. `delete --force` cleans up, and an error says what it was.
. "$(dirname "$0")/common"
is_moat || skip "moat's own"
script 'while :; do sleep 100 & wait; done'
cp config.json base.json
timeout -k 5 1500 python3 "$here/crash.py" ${TEST_FULL:+--full} > walk 2>&1
expect "kill -9 at every step" "0 0 left something" "$? $(sed -n 's/.*kills, //p' walk)"
grep -v ' left something\|: up to step ' walk

nothing() { # WHAT: no state, no group, no process of ours in them
	expect "$1: nothing is left" " " "$(moat list --quiet) $(find /sys/fs/cgroup -name c1 -type d)"
}

# A full disk for --root: the state cannot be written.
mkdir full
mount -t tmpfs -o size=16k tmpfs full
for room in 0 1 2 3; do
	rm -rf full/*
	head -c $((room * 4096)) /dev/urandom > full/taken
	head -c 16384 /dev/urandom > full/rest 2> err
	[ $room = 0 ] || truncate -s -$((room * 4096)) full/rest
	timeout 20 "$MOAT" --root "$PWD/full/state" --platform "$PLATFORM" create c1 < /dev/null > out 2> err
	expect "a full disk, $room" "1 1" "$? $(grep -c '^moat: .*No space left on device' err)"
	timeout 20 "$MOAT" --root "$PWD/full/state" delete --force c1
	expect "delete --force" 0 $?
	nothing "a full disk"
done
umount full

# A group with no room for processes.
group=$(find /sys/fs/cgroup -maxdepth 1 -name 'pids*' | head -n 1)
if [ -d "$group" ]; then
	mkdir "$group/moat-crash"
	echo 1 > "$group/moat-crash/pids.max"
	edit '.linux.cgroupsPath = "/moat-crash/c1"'
	moat create c1 < /dev/null > out 2> err
	expect "a full group" "1 1" "$? $(grep -c '^moat: ' err)"
	moat delete --force c1
	nothing "a full group"
	find /sys/fs/cgroup -depth -maxdepth 2 -name moat-crash -exec rmdir {} +
	cp base.json config.json
fi

# A console socket that is gone, is none, and one whose other end closes at once.
edit '.process.terminal = true'
refused() { # WHAT SOCKET
	moat create --console-socket "$2" c1 < /dev/null > out 2> err
	expect "$1" "1 1" "$? $(grep -c '^moat: ' err)"
	nothing "$1"
}
refused "a console socket that is not there" "$dir/absent"
refused "one that is a file" "$PWD/config.json"
python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$dir/dead"
refused "one that nobody listens at" "$dir/dead"
cp base.json config.json

# Hooks.
for kind in prestart createRuntime createContainer; do
	edit '.hooks = {($k): [{path: "/bin/sleep", args: ["sleep", "100"], timeout: 1}]}' --arg k "$kind"
	moat create c1 < /dev/null > out 2> err
	expect "$kind that hangs" "1 moat: hooks.$kind[0]: /bin/sleep did not end within 1 s" "$? $(cat err)"
	nothing "$kind that hangs"
done
edit '.hooks = {prestart: [{path: "/bin/sleep", args: ["sleep", "100"]}]}'
"$MOAT" --root "$dir/state" create c1 < /dev/null > out 2>&1 &
runtime=$!
hook() { pgrep -P $runtime -x sleep; }
await 5 hook
left=$(hook)
kill -KILL $runtime
wait $runtime 2> out
moat delete --force c1
expect "the runtime is killed while a hook hangs" 0 $?
kill "$left" # the engine's own, which it does not lose
nothing "it"
done_testing
