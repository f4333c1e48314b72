#!/bin/bash
# containerd.sh - containerd's client ctr with the runtime io.containerd.runc.v2 and BinaryName = moat: nginx that is not seen
# on the host, exec, signals, exit statuses, a terminal, a network namespace by path, limits, and that nothing is left.
# kvm: short
needs='containerd ctr script pgrep'
. "$(dirname "$0")/common"

cat > /run/lab/containerd.toml <<'X'
version = 2
root = "/run/lab/containerd"
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/lab/opt"
X
daemon containerd.log containerd -c /run/lab/containerd.toml
ctr() { timeout --foreground 60 /usr/bin/ctr "$@"; }
step "start of containerd"
await 20 ctr version || { expect "answers" yes no; done_testing; }
for image in busybox nginx; do
	ctr images import "$images/$image.tar" > /dev/null || { expect "import" 0 1; done_testing; }
done
BUSYBOX=docker.io/library/busybox:latest NGINX=docker.io/library/nginx:latest
run="run --runc-binary $RUNTIME"
status() { ctr task list | awk -v id="$1" '$1 == id { print $3 }'; }
stopped() { [ "$(status "$1")" = STOPPED ]; }
# network NAME PREFIX: a namespace with an eth0 at PREFIX.2, as a CNI plugin makes one; we are PREFIX.1.
network() {
	ip netns add "$1"
	ip link add "h$1" type veth peer name eth0 netns "$1"
	ip addr add "$2.1/24" dev "h$1"
	ip link set "h$1" up
	ip -n "$1" addr add "$2.2/24" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" link set lo up
}
# What somebody types. ctr that sees its end before the task is there waits for ever.
input() { echo abc; [ "${PLATFORM:-}" = kvm ] && sleep 6 || sleep 3; }
# remove ID: its exit status, as ctr tells it.
remove() {
	local text
	text=$(ctr task rm "$1" 2>&1)
	ctr container rm "$1"
	echo "$text" | grep -o 'code [0-9]*' | grep -o '[0-9]*' || echo "0$text"
}

step "run"
out=$(ctr $run --rm $BUSYBOX c1 sh -c 'echo hello; exit 7' 2> /run/lab/err)
expect "status" 7 $?
expect "output" hello "$out"
expect "errors" "" "$(cat /run/lab/err)"
expect "standard error" "to stderr" "$(ctr $run --rm $BUSYBOX c1 sh -c 'echo to stderr >&2' 2>&1 > /dev/null)"
expect "input" abc "$(input | ctr $run --rm $BUSYBOX c1 cat)"

step "nginx"
network n1 10.88.0
ctr $run --detach --with-ns network:/run/netns/n1 $NGINX web > /run/lab/out 2>&1
expect "run --detach" "0 " "$? $(cat /run/lab/out)"
await 10 curl -s -m 2 http://10.88.0.2/
expect "page" "nginx in a container" "$(page http://10.88.0.2/)"
if is_moat; then
	expect "no nginx on the host" "" "$(pgrep -a nginx)"
	expect "moat's processes" "yes" "$(pgrep -x moat-standin > /dev/null && echo yes)"
	expect_has "dmesg" " on ${PLATFORM:-systrap}, " "$(ctr task exec --exec-id e0 web dmesg 2>&1 | grep Sentry)"
	[ "$(ctr task exec --exec-id e1 web uname -r)" != "$(uname -r)" ] || expect "uname -r" "not the host's" "$(uname -r)"
fi
expect "processes inside" "nginx: master process nginx -g daemon off;
nginx: worker process
nginx: worker process" "$(ctr task exec --exec-id e2 web ps -o args | grep nginx: )"
expect "who the workers are" "www-data" "$(ctr task exec --exec-id e3 web ps -o user,args | awk '/worker/ { print $1; exit }')"
ctr task kill --signal QUIT web
await 10 stopped web
expect "after SIGQUIT" 0 "$(remove web)"
ip netns del n1

step "exec"
ctr $run --detach $BUSYBOX d1 sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
expect "run --detach" 0 $?
expect "status" RUNNING "$(status d1)"
expect "output" in "$(ctr task exec --exec-id e1 d1 echo in)"
ctr task exec --exec-id e2 d1 sh -c 'exit 9'
expect "exit status" 9 $?
expect "user and directory" "65534 /tmp" "$(ctr task exec --exec-id e3 --user 65534 --cwd /tmp d1 sh -c 'echo $(id -u) $PWD')"
expect "input" abc "$(input | ctr task exec --exec-id e4 d1 cat)"
ctr task exec --exec-id e5 d1 /nonexistent > /dev/null 2> /run/lab/err
expect "a missing command: status" 1 $?
expect_has "a missing command" "no such file or directory" "$(cat /run/lab/err)"
expect "terminal" "/dev/pts/0 30 100" "$(at_terminal "ctr task exec --tty --exec-id e6 d1 sh -c '$sized'")"

step "run at a terminal"
expect "name and size" "/dev/pts/0 30 100" "$(at_terminal "ctr $run --rm --tty $BUSYBOX t1 sh -c '$sized'")"
expect "status" 6 "$(at_terminal "ctr $run --rm --tty $BUSYBOX t1 sh -c 'exit 6'; echo \$?")"

step "task commands"
[ "$(ctr task ps d1 | tail -n +2 | wc -l)" -ge 1 ] || expect "ps" "processes" "$(ctr task ps d1 2>&1)"
expect "metrics" "" "$(ctr task metrics d1 2>&1 > /run/lab/out | head -n 2)"
ctr task pause d1
expect "paused" PAUSED "$(status d1)"
ctr task resume d1
expect "resumed" RUNNING "$(status d1)"
ctr task kill --signal TERM d1
await 5 stopped d1
expect "after a trapped SIGTERM" 5 "$(remove d1)"
ctr $run --detach $BUSYBOX d2 sleep 1000
ctr task kill --signal KILL d2
await 5 stopped d2
expect "after SIGKILL" 137 "$(remove d2)"

step "errors"
ctr $run --rm $BUSYBOX m1 /nonexistent > /dev/null 2> /run/lab/err
expect "a missing command: status" 1 $?
expect_has "a missing command" "no such file or directory" "$(cat /run/lab/err)"

# One that fails does not take the others: each of its processes is killed, then its kernel crashes.
if is_moat && { full || [ "${PLATFORM:-}" != kvm ]; }; then
	step "sandboxes die"
	network n2 10.88.1
	ctr $run --detach --with-ns network:/run/netns/n2 $NGINX other > /dev/null
	await 10 curl -s -m 2 http://10.88.1.2/
	for role in launcher gofer standin kernel; do
		ctr $run --detach $BUSYBOX victim sleep 1000
		pid=$(ctr task list | awk '$1 == "victim" { print $2 }')
		case $role in
		kernel) "$RUNTIME" --root /run/containerd/runc/default debug --crash victim ;;
		standin) kill -KILL "$pid" ;;
		*) kill -KILL "$(pgrep -P "$pid" -x moat-$role)" ;;
		esac
		await 10 stopped victim || expect "after the end of its $role" STOPPED "$(status victim)"
		expect "after the end of its $role" 137 "$(remove victim)"
		expect "another container's page" "nginx in a container" "$(page http://10.88.1.2/)"
	done
	expect "another container" "RUNNING yes" "$(status other) $(ctr task exec --exec-id e1 other echo yes)"
	ctr task kill --signal QUIT other
	await 5 stopped other
	expect "it ends as ever" 0 "$(remove other)"
	ip netns del n2
fi

if full; then
	step "kill --all"
	ctr $run --detach $BUSYBOX d3 sh -c 'sleep 1000 & sleep 1000'
	ctr task kill --all --signal KILL d3
	await 5 stopped d3
	expect "after it" 137 "$(remove d3)"

	step "options"
	mkdir /run/lab/volume
	echo file > /run/lab/volume/f
	out=$(ctr $run --rm --mount type=bind,src=/run/lab/volume,dst=/v,options=rbind:ro --memory-limit 134217728 --env A=b \
		$BUSYBOX m2 sh -c 'cat /v/f; echo $A; touch /v/x 2> /dev/null || echo read-only' 2>&1)
	expect "mount, environment" "file b read-only" "$(echo $out)"
	expect "--read-only" "read-only" "$(ctr $run --rm --read-only $BUSYBOX m3 sh -c 'touch /x 2> /dev/null || echo read-only' 2>&1)"

	step "native snapshots"
	ctr images import --snapshotter native "$images/busybox.tar" > /dev/null
	expect "run" hello "$(ctr $run --rm --snapshotter native $BUSYBOX s1 echo hello 2>&1)"
fi

nothing_left /run/containerd/runc/default /run/containerd/state/io.containerd.runtime.v2.task/default
done_testing
