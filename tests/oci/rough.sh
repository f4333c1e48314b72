#!/bin/bash
# What must hold when things are not as they should be: a group that is somebody else's, a sandbox that does not answer, a
# resolv.conf that is no file; and what a host's tool that enters the stand-in's tree can reach.
. "$(dirname "$0")/common"
is_moat || skip "moat's own"
cp config.json base.json
script 'while :; do sleep 100 & wait; done'

# Groups.
group=$(find /sys/fs/cgroup -maxdepth 1 -name 'pids*' | head -n 1)
if [ -d "$group" ]; then
	mkdir "$group/moat-rough"
	sleep 100 &
	echo $! > "$group/moat-rough/cgroup.procs"
	edit '.linux.cgroupsPath = "/moat-rough"'
	moat create c1 < /dev/null > /dev/null 2> err
	expect "a group with processes is refused" "1 moat: container's cgroup is not empty: 1 process(es) found in $group/moat-rough" "$? $(cat err)"
	expect "and left alone" yes "$(kill -0 $! && echo yes)"
	kill $!
	wait $! 2> /dev/null
	find /sys/fs/cgroup -depth -maxdepth 2 -name moat-rough -exec rmdir {} +
	edit '.linux.cgroupsPath = "/"'
	moat create c1 < /dev/null > /dev/null 2> err
	expect "so is the top of all" 1 "$(grep -c 'cgroup is not empty' err)"
	expect "nothing is left" "" "$(moat list --quiet)"
fi
cp base.json config.json

# The tree of the stand-in.
mkdir "$dir/shown" "$dir/moved"
echo right > "$dir/shown/f"
edit '.mounts += [{destination: "/ro", type: "bind", source: $d, options: ["rbind", "ro"]},
	{destination: "/rw", type: "bind", source: "../shown", options: ["bind"]}]' --arg d "$dir/shown"
script 'while :; do sleep 100 & wait; done'
moat create c1 < /dev/null > /dev/null 2> err
expect "create" "0 " "$? $(cat err)"
pid=$(moat state c1 | jq .pid)
enter() { nsenter -t "$pid" -m -p -r -w "$@" 2>&1; }
expect "its binds are there" "right right" "$(enter /bin/sh -c 'echo $(cat /ro/f /rw/f)')"
expect "one of them read-only" "ro" "$(enter /bin/sh -c '(echo x > /ro/g) 2> /dev/null || echo ro; echo x > /rw/g')"
expect "no directory of the host is open in it" "" "$(
	for fd in "/proc/$pid/fd/"*; do [ -d "$fd" ] && readlink "$fd"; done)"

# A sandbox that does not answer: stopped.
moat start c1
expect "start" 0 $?
children=$(pgrep -P "$pid")
for p in $children; do kill -STOP "$p"; done
moat ps c1 > /dev/null 2>&1 &
moat update --pids-limit 100 c1 > /dev/null 2>&1 &
sleep 0.3
started=$SECONDS
moat delete --force c1
expect "delete --force of a dead sandbox" 0 $?
expect "does not wait for it" yes "$([ $((SECONDS - started)) -le 8 ] && echo yes || echo $((SECONDS - started)))"
wait
expect "nor leaves it" "" "$(for p in $children; do [ -e "/proc/$p" ] && cat "/proc/$p/comm"; done)"

# A start that waits for a hook inside, and one that is paused.
cp base.json config.json
edit '.hooks = {startContainer: [{path: "/bin/sleep", args: ["sleep", "100"]}]}'
moat create c1 < /dev/null > /dev/null 2>&1
moat start c1 > /dev/null 2>&1 &
sleep 0.5
moat delete --force c1
expect "delete --force while it starts" 0 $?
wait
cp base.json config.json
script 'while :; do sleep 100 & wait; done'
moat run --detach c1 < /dev/null > /dev/null 2>&1
if moat pause c1 2> /dev/null; then
	moat kill c1 KILL
	expect "SIGKILL thaws" "0 stopped" "$? $(status)"
fi
moat delete --force c1

# resolv.conf.
mkfifo "$dir/fifo"
edit '.mounts += [{destination: "/etc/resolv.conf", type: "bind", source: $d, options: ["bind"]}]' --arg d "$dir/fifo"
script 'echo ok'
expect "a resolv.conf that is a FIFO" ok "$(moat run c1 2>&1)"
expect "nothing is left" "" "$(moat list --quiet)"
cp base.json config.json

# Names, and a great deal of annotations.
script 'sleep 100'
for id in a/b ../c1 . .. '' "$(printf 'x%.0s' $(seq 256))"; do
	moat create -- "$id" < /dev/null > out 2> err
	expect "the name '${id:0:10}'" "1 1" "$? $(grep -c '^moat: container id' err)"
done
python3 -c 'import json
c = json.load(open("config.json"))
c["annotations"] = {f"key.number/{i}": "forty bytes of a value that says nothing" for i in range(20000)}
json.dump(c, open("config.json", "w"))'
moat run --detach c1 < /dev/null > /dev/null 2> err
expect "1 MiB of annotations" "0 20000" "$? $(moat state c1 | jq '.annotations | length')"
moat --log log exec --apparmor some-profile c1 true
expect "exec --apparmor warns" "0 1" "$? $(grep -c "the label 'some-profile' is not applied" log)"
moat delete --force c1
expect "nothing is left" "" "$(moat list --quiet)"
done_testing
