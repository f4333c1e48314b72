#!/bin/bash
# docker.sh - docker run with moat as a runtime of dockerd: output and exit statuses, terminals, exec, logs, top, stats, update,
# pause, stop, restart and its policies, copying, networks, options, and that nothing is left.
needs='dockerd docker script pgrep iptables'
. "$(dirname "$0")/common"

start_docker
expect "default runtime" moat "$(docker info --format '{{.DefaultRuntime}}')"
inspect() { docker inspect -f "{{.$1}}" "$2"; }
has_status() { [ "$(inspect State.Status "$2")" = "$1" ]; }

step "run"
out=$(docker run --rm busybox sh -c 'echo hello; echo errors >&2; exit 7' 2> /run/lab/err)
expect "status" 7 $?
expect "output" hello "$out"
expect "errors" errors "$(cat /run/lab/err)"
expect "input" abc "$(echo abc | docker run -i --rm busybox cat)"
expect "terminal" "/dev/pts/0 30 100" "$(at_terminal "$docker run --rm -t busybox sh -c 'sleep 0.4; echo \$(tty) \$(stty size)'")"
docker run --rm busybox /nonexistent > /dev/null 2> /run/lab/err
expect "a missing command: status" 127 $?
expect_has "a missing command" "no such file or directory" "$(cat /run/lab/err)"
docker run --rm busybox /etc/passwd > /dev/null 2>&1
expect "a file that is no program" 126 $?
expect "killed by a signal" 143 "$(docker run --rm busybox sh -c 'sleep 60 & kill $!; wait $!' 2> /dev/null; echo $?)"

step "nginx with a published port"
docker run -d --name web -p 8080:80 nginx > /dev/null
expect "run -d" 0 $?
await 10 page http://127.0.0.1:8080/
expect "published" "nginx in a container" "$(page http://127.0.0.1:8080/)"
expect "at the container's address" "nginx in a container" "$(page "http://$(inspect NetworkSettings.IPAddress web)/")"
expect_has "logs" '"GET / HTTP/1.1" 200' "$(docker logs web 2>&1)"
if is_moat; then
	expect "no nginx on the host" "" "$(pgrep -a nginx)"
	expect_has "dmesg" "moat" "$(docker run --rm --cap-add SYSLOG busybox dmesg 2>&1 | head -n 5)"
	[ "$(docker exec web uname -r)" != "$(uname -r)" ] || expect "uname -r" "not the host's" "$(uname -r)"
fi
docker stop web > /dev/null
expect "after SIGQUIT" 0 "$(inspect State.ExitCode web)"
docker restart web > /dev/null
await 10 page http://127.0.0.1:8080/
expect "after a restart" "nginx in a container" "$(page http://127.0.0.1:8080/)"
docker rm -f web > /dev/null
expect "rm -f" 0 $?

step "exec"
docker run -d --name d1 --init -e A=b -v /run/lab:/vol:ro -m 128m --cpus 0.5 --pids-limit 50 --hostname inside \
	busybox sh -c 'echo started; trap "exit 5" TERM; while :; do sleep 0.1; done' > /dev/null
expect "run -d" 0 $?
expect "environment, host name, volume" "b inside docker.log" "$(docker exec d1 sh -c 'echo $A $(hostname) $(ls /vol | grep docker.log)')"
docker exec d1 sh -c 'exit 9'
expect "status" 9 $?
expect "user and directory" "65534 /tmp" "$(docker exec -u 65534 -w /tmp d1 sh -c 'echo $(id -u) $PWD')"
expect "input" abc "$(echo abc | docker exec -i d1 cat)"
expect "terminal" "/dev/pts/0 30 100" "$(at_terminal "$docker exec -t d1 sh -c 'sleep 0.4; echo \$(tty) \$(stty size)'")"
docker exec d1 /nonexistent > /dev/null 2>&1
expect "a missing command" 126 $?

step "commands"
expect "logs" started "$(docker logs d1)"
docker top d1 > /run/lab/top
expect "top" "0 1" "$? $(grep -c UID /run/lab/top)"
docker stats --no-stream --format '{{.MemUsage}} {{.CPUPerc}} {{.PIDs}}' d1 > /run/lab/stats
expect_has "stats" "/ 128MiB" "$(cat /run/lab/stats)"
docker update -m 192m --memory-swap 192m --cpus 0.25 d1 > /dev/null 2>&1
expect "update" 0 $?
docker pause d1 > /dev/null
expect "paused" paused "$(inspect State.Status d1)"
docker unpause d1 > /dev/null
expect "running again" running "$(inspect State.Status d1)"
echo file > /run/lab/file
docker cp /run/lab/file d1:/tmp/in > /dev/null
expect "cp into it" file "$(docker exec d1 cat /tmp/in)"
docker exec d1 sh -c 'echo out > /tmp/out'
docker cp d1:/tmp/out /run/lab/out > /dev/null
expect "cp out of it" out "$(cat /run/lab/out)"
docker stop -t 5 d1 > /dev/null
expect "after a trapped SIGTERM" 5 "$(inspect State.ExitCode d1)"
docker start d1 > /dev/null
expect "start again" 0 $?
docker kill d1 > /dev/null
expect "after SIGKILL" 137 "$(docker wait d1)"
docker rm d1 > /dev/null
expect "rm" 0 $?

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
