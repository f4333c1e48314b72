#!/bin/bash
# The OCI commands on one bundle, by hand as an engine would: create, start, exec, ps, pause, resume, kill, delete, run; what
# each prints and returns, and that nothing is left.
. "$(dirname "$0")/../apps/common"
dir=$(mktemp -d)
trap 'moat delete --force c1 > /dev/null 2>&1; rm -rf "$dir"' EXIT
moat() { timeout 30 "$MOAT" --root "$dir/state" --platform "$PLATFORM" "$@"; }
[ "$(id -u)" = 0 ] || skip "needs root"

mkdir -p "$dir"/rootfs/{bin,dev,proc,sys,tmp}
cp /bin/busybox "$dir/rootfs/bin/"
for tool in sh cat id sleep; do ln -s busybox "$dir/rootfs/bin/$tool"; done
cd "$dir" || exit 1
moat spec
config() { # ARGS as JSON
	sed -i "s/\"terminal\": true/\"terminal\": false/; s/\"args\": .*/\"args\": $1,/" config.json
}

config '["sh", "-c", "echo out; echo err >\&2; exit 7"]'
expect "run: output" "out" "$(moat run c1 2> err)"
expect "run: errors" "err" "$(cat err)"
moat run c1 > /dev/null 2>&1
expect "run: status" 7 $?
expect "run leaves nothing" "" "$(moat list --quiet)"

config '["sh", "-c", "trap \\"exit 5\\" TERM; while :; do sleep 0.1; done"]'
moat create --pid-file pid c1 < /dev/null > /dev/null 2>&1
expect "create" 0 $?
status() { moat state c1 | sed -n 's/.*"status": "\(.*\)".*/\1/p'; }
expect "created" created "$(status)"
expect "the pid-file's process" moat-standin "$(cat "/proc/$(cat pid)/comm")"
expect "a second one" "moat: container with id exists: c1" "$(moat create c1 2>&1)"
moat start c1
expect "start" 0 $?
expect "running" running "$(status)"
expect "exec" in "$(moat exec c1 sh -c 'echo in')"
moat exec c1 sh -c 'exit 9'
expect "exec: status" 9 $?
expect "exec: input" hello "$(echo hello | moat exec c1 cat)"
expect "exec as another user" "65534 /tmp" "$(moat exec --user 65534 --cwd /tmp c1 sh -c 'echo $(id -u) $PWD')"
expect "ps for engines" "[$(cat pid)]" "$(moat ps --format json c1)"
moat delete c1 2> /dev/null
expect "delete of a running one" 1 $?
if moat pause c1 2> /dev/null; then
	expect "paused" paused "$(status)"
	moat kill c1 URG
	expect "kill of a paused one" 0 $?
	moat resume c1
	expect "resumed" running "$(status)"
fi
moat kill c1 TERM
for ((i = 0; i < 50; i++)); do [ "$(status)" = stopped ] && break; sleep 0.1; done
expect "stopped" stopped "$(status)"
moat kill --all c1 KILL
expect "kill --all of a stopped one" 0 $?
moat delete c1
expect "delete" 0 $?
expect "nothing is left" "" "$(moat list --quiet)"
expect "an unknown one" "moat: container 'c1' does not exist" "$(moat state c1 2>&1)"
moat delete --force c1
expect "delete --force of none" 0 $?
done_testing
