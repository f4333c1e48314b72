#!/bin/bash
# docker.sh - docker run with moat as a runtime of dockerd: output and exit statuses, terminals, exec, logs, top, stats, update,
# pause, stop, restart and its policies, copying, networks, options, and that nothing is left.
needs='dockerd docker script pgrep iptables'
. "$(dirname "$0")/common"

start_docker
expect "default runtime" moat "$(docker info --format '{{.DefaultRuntime}}')"
has_status() { [ "$(inspect State.Status "$2")" = "$1" ]; }

engine=docker client=$docker
run_cases
nginx_cases 8080
expect "at the container's address" "nginx in a container" "$(page "http://$(inspect NetworkSettings.IPAddress web)/")"
docker rm -f web > /dev/null
expect "rm -f" 0 $?
exec_cases 126 --init
docker stats --no-stream --format '{{.MemUsage}} {{.CPUPerc}} {{.PIDs}}' d1 > /run/lab/stats
expect_has "stats" "/ 128MiB" "$(cat /run/lab/stats)"
docker update -m 192m --memory-swap 192m --cpus 0.25 d1 > /dev/null 2>&1
expect "update" 0 $?
command_cases UID

step "network"
docker network create --subnet 10.77.17.0/24 n1 > /dev/null
docker run -d --name srv --network n1 busybox httpd -f -p 80 -h /www > /dev/null
await 10 page http://10.77.17.2/
expect "in its network" "busybox in a container" "$(docker run --rm --network container:srv busybox wget -q -O - http://127.0.0.1/ 2>&1)"
docker rm -f srv > /dev/null
docker network rm n1 > /dev/null
expect "network rm" 0 $?

if full; then
	step "options"
	expect "no network" lo "$(docker run --rm --network none busybox sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev 2>&1)"
	expect "--read-only, --tmpfs" "read-only
writable" "$(docker run --rm --read-only --tmpfs /t busybox sh -c 'touch /x 2> /dev/null || echo read-only; touch /t/x && echo writable' 2>&1)"
	expect "--cap-drop" 0000000000000000 "$(docker run --rm --cap-drop ALL busybox grep CapEff /proc/self/status 2>&1 | cut -f2)"
	expect "--user, --workdir" "33 33 /tmp" "$(docker run --rm --user 33:33 --workdir /tmp busybox sh -c 'echo $(id -u) $(id -g) $PWD' 2>&1)"
	if is_moat; then
		expect "--memory" yes "$(docker run --rm -m 64m busybox awk '/MemTotal/ { print $2 <= 65536 ? "yes" : $2 }' /proc/meminfo 2>&1)"
		expect "--cpus" 1 "$(docker run --rm --cpus 1 busybox nproc 2>&1)"
	fi
	expect "--entrypoint" entry "$(docker run --rm --entrypoint echo busybox entry 2>&1)"
	expect "/etc/hosts" yes "$(docker run --rm --add-host other:10.1.2.3 busybox grep -q 10.1.2.3 /etc/hosts 2>&1 && echo yes)"
	tar -C /run/lab -c file | docker import - imported:1 > /dev/null
	expect "an image without a program" 126 "$(docker run --rm imported:1 /file > /dev/null 2>&1; echo $?)"

	step "restart policies"
	docker run -d --name rs --restart on-failure:2 busybox sh -c 'exit 3' > /dev/null
	await 15 has_status exited rs
	expect "tries" "2 3" "$(inspect RestartCount rs) $(inspect State.ExitCode rs)"
	docker rm -f rs > /dev/null

	step "healthcheck"
	docker run -d --name hc --health-cmd true --health-interval 1s busybox sleep 100 > /dev/null
	healthy() { [ "$(inspect State.Health.Status hc)" = healthy ]; }
	await 10 healthy
	expect "status" healthy "$(inspect State.Health.Status hc)"
	docker rm -f hc > /dev/null

	step "memory limit"
	docker run --name oom -m 64m busybox sh -c 'tail /dev/zero' > /dev/null 2>&1
	expect "status" 137 $?
	expect "OOMKilled" true "$(inspect State.OOMKilled oom)"
	docker rm oom > /dev/null

	step "build"
	mkdir -p /run/lab/context
	printf 'FROM busybox\nRUN echo built > /made\nCMD ["cat", "/made"]\n' > /run/lab/context/Dockerfile
	DOCKER_BUILDKIT=0 docker build -q -t made /run/lab/context > /dev/null 2> /run/lab/err
	expect "build" 0 $?
	expect "what was built" built "$(docker run --rm made 2>&1)"

	step "twenty at once"
	for ((i = 0; i < 20; i++)); do
		docker run --rm busybox echo $i 2>&1 &
	done > /run/lab/twenty
	wait $(jobs -p | tail -n 20)
	expect "answers" "$(seq 0 19)" "$(sort -n /run/lab/twenty)"
fi

nothing_left /run/docker/runtime-runc/moby /run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby
done_testing
