#!/bin/bash
# podman.sh - podman with moat as its runtime, through conmon: output and exit statuses, terminals, exec, logs, top, stats, pause,
# stop, restart, networks with a published port and names, pods, user namespaces, rootless, and that nothing is left.
needs='podman conmon script pgrep iptables'
. "$(dirname "$0")/common"

export CONTAINERS_CONF=/run/lab/containers.conf
cat > $CONTAINERS_CONF <<X
[engine]
runtime = "moat"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "/run/podman"
runtime_supports_nocgroup = ["moat"]
runtime_supports_json = ["moat"]
[engine.runtimes]
moat = ["$RUNTIME"]
[network]
network_config_dir = "/run/lab/networks"
X
podman="podman --root /run/lab/podman --runroot /run/podman-run"
podman() { timeout --foreground 60 $(command -v podman) ${podman#podman } "$@"; }
step "load"
for image in busybox nginx pause; do
	podman load -q -i "$images/$image.tar" > /dev/null || { expect "load" 0 1; done_testing; }
done
expect "runtime" "moat $RUNTIME" "$(podman info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}')"
inspect() { podman inspect -f "{{.$1}}" "$2"; }

step "run"
out=$(podman run --rm busybox sh -c 'echo hello; echo errors >&2; exit 7' 2> /run/lab/err)
expect "status" 7 $?
expect "output" hello "$out"
expect "errors" errors "$(cat /run/lab/err)"
expect "input" abc "$(echo abc | podman run -i --rm busybox cat)"
expect "terminal" "/dev/pts/0 30 100" "$(at_terminal "$podman run --rm -t busybox sh -c 'sleep 0.4; echo \$(tty) \$(stty size)'")"
podman run --rm busybox /nonexistent > /dev/null 2> /run/lab/err
expect "a missing command: status" 127 $?
expect_has "a missing command" "no such file or directory" "$(cat /run/lab/err)"
podman run --rm busybox /etc/passwd > /dev/null 2>&1
expect "a file that is no program" 126 $?

step "nginx with a published port"
podman run -d --name web -p 8091:80 nginx > /dev/null
expect "run -d" 0 $?
await 10 page http://127.0.0.1:8091/
expect "published" "nginx in a container" "$(page http://127.0.0.1:8091/)"
expect_has "logs" '"GET / HTTP/1.1" 200' "$(podman logs web 2>&1)"
if is_moat; then
	expect "no nginx on the host" "" "$(pgrep -a nginx)"
	expect_has "dmesg" "moat" "$(podman exec web dmesg 2>&1 | head -n 5)"
	[ "$(podman exec web uname -r)" != "$(uname -r)" ] || expect "uname -r" "not the host's" "$(uname -r)"
fi
podman stop web > /dev/null
expect "after SIGQUIT" 0 "$(inspect State.ExitCode web)"
podman start web > /dev/null
await 10 page http://127.0.0.1:8091/
expect "started again" "nginx in a container" "$(page http://127.0.0.1:8091/)"
podman rm -f -t 2 web > /dev/null
expect "rm -f" 0 $?

step "exec"
podman run -d --name d1 -e A=b -v /run/lab:/vol:ro -m 128m --cpus 0.5 --pids-limit 50 --hostname inside \
	busybox sh -c 'echo started; trap "exit 5" TERM; while :; do sleep 0.1; done' > /dev/null
expect "run -d" 0 $?
expect "environment, host name, volume" "b inside containers.conf" "$(podman exec d1 sh -c 'echo $A $(hostname) $(ls /vol | grep conf)')"
podman exec d1 sh -c 'exit 9'
expect "status" 9 $?
expect "user and directory" "65534 /tmp" "$(podman exec -u 65534 -w /tmp d1 sh -c 'echo $(id -u) $PWD')"
expect "input" abc "$(echo abc | podman exec -i d1 cat)"
expect "terminal" "/dev/pts/0 30 100" "$(at_terminal "$podman exec -t d1 sh -c 'sleep 0.4; echo \$(tty) \$(stty size)'")"
podman exec d1 /nonexistent > /dev/null 2>&1
expect "a missing command" 127 $?

step "commands"
expect "logs" started "$(podman logs d1)"
podman top d1 > /run/lab/top
expect "top" "0 1" "$? $(grep -c USER /run/lab/top)"
podman stats --no-stream d1 > /run/lab/stats
expect_has "stats" "d1" "$(cat /run/lab/stats)"
podman pause d1 > /dev/null
expect "paused" paused "$(inspect State.Status d1)"
podman unpause d1 > /dev/null
expect "running again" running "$(inspect State.Status d1)"
echo file > /run/lab/file
podman cp /run/lab/file d1:/tmp/in > /dev/null
expect "cp into it" file "$(podman exec d1 cat /tmp/in)"
podman stop -t 5 d1 > /dev/null
expect "after a trapped SIGTERM" 5 "$(inspect State.ExitCode d1)"
podman start d1 > /dev/null
expect "start again" 0 $?
podman kill d1 > /dev/null
expect "after SIGKILL" 137 "$(podman wait d1)"
podman rm d1 > /dev/null
expect "rm" 0 $?

step "pod"
podman pod create --name p1 --infra-image docker.io/library/pause:1 > /dev/null
expect "create" 0 $?
podman run -d --pod p1 --name p1web busybox httpd -f -p 80 -h /www > /dev/null
expect "run -d" 0 $?
expect "one network" "busybox in a container" "$(podman run --rm --pod p1 busybox wget -q -O - http://127.0.0.1/ 2>&1)"
podman pod rm -f -t 2 p1 > /dev/null
expect "rm" 0 $?

if full; then
	step "networks"
	for n in none slirp4netns; do
		expect "$n" hello "$(podman run --rm --network $n busybox echo hello 2>&1)"
	done
	podman network create --subnet 10.77.18.0/24 n1 > /dev/null
	podman run -d --name srv --network n1 busybox httpd -f -p 80 -h /www > /dev/null
	await 10 page http://10.77.18.2/
	expect "by name" "busybox in a container" "$(podman run --rm --network n1 busybox wget -q -O - http://srv/ 2>&1)"
	podman rm -f -t 1 srv > /dev/null

	step "options"
	expect "--read-only" "read-only" "$(podman run --rm --network none --read-only busybox sh -c 'touch /x 2> /dev/null || echo read-only' 2>&1)"
	expect "--cgroups=disabled" hello "$(podman run --rm --network none --cgroups=disabled busybox echo hello 2>&1)"
	# Under moat /proc/self/uid_map is that of the Sentry's first user namespace; the host's side is mapped.
	podman run -d --name mapped --network none --uidmap 0:100000:1000 --gidmap 0:100000:1000 busybox sleep 1000 > /dev/null
	expect "--uidmap: inside" "0 0" "$(podman exec mapped sh -c 'echo $(id -u) $(stat -c %u /bin/busybox)' 2>&1)"
	expect "--uidmap: outside" 100000 "$(stat -c %u "/proc/$(inspect State.Pid mapped)")"
	podman rm -f -t 0 mapped > /dev/null
	expect "--user" "33 33" "$(podman run --rm --network none --user 33:33 busybox sh -c 'echo $(id -u) $(id -g)' 2>&1)"
	expect "--privileged" "yes" "$(podman run --rm --network none --privileged busybox echo yes 2>&1)"
fi

nothing_left /run/moat
done_testing
