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
engine=podman client=$podman
run_cases
nginx_cases 8091
podman rm -f -t 2 web > /dev/null
expect "rm -f" 0 $?
exec_cases 127
command_cases USER

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
