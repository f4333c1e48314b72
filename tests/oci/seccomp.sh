#!/bin/bash
# linux.seccomp reaches the application, its children and its execs: actions, errnoRet, arguments, what a profile does not name;
# the profiles of docker and podman let a shell work. What moat itself needs is none of its business.
. "$(dirname "$0")/common"

profile() { # DEFAULT RULES
	edit '.linux.seccomp = { defaultAction: $d, architectures: ["SCMP_ARCH_X86_64"], syscalls: $r }' \
		--arg d "$1" --argjson r "$2"
}
run() { # SCRIPT
	script "$1"
	moat run c1 2>&1
}

profile SCMP_ACT_ALLOW '[{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO"},
	{"names": ["unlink", "unlinkat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
	{"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"},
	{"names": ["syncfs", "sync"], "action": "SCMP_ACT_TRAP"},
	{"names": ["chmod", "fchmod", "fchmodat"], "action": "SCMP_ACT_LOG"}]'
expect "ERRNO is EPERM" "mkdir: can't create directory '/tmp/d': Operation not permitted" "$(run 'mkdir /tmp/d')"
expect "errnoRet" "rm: can't remove '/tmp/f': No space left on device" "$(run '> /tmp/f; rm /tmp/f')"
expect "KILL_PROCESS, in a child" "159" "$(run 'hostname x; echo $?' | tail -n 1)"
expect "LOG lets it be" "600" "$(run '> /tmp/g; chmod 600 /tmp/g; stat -c %a /tmp/g')"
expect "mode and filters in /proc" "2 1" \
	"$(run 'echo $(grep -E "^Seccomp" /proc/self/status | tr -cd "0-9\n")')"

script 'sleep 100'
moat run --detach c1 < /dev/null > /dev/null 2>&1
expect "an exec is under it too" "mkdir: can't create directory '/tmp/e': Operation not permitted" \
	"$(moat exec c1 mkdir /tmp/e 2>&1)"
echo '{"args": ["mkdir", "/tmp/e"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}' > process.json
expect "an exec of a file, too" "mkdir: can't create directory '/tmp/e': Operation not permitted" \
	"$(moat exec --process process.json c1 2>&1)"
moat delete --force c1

# Arguments: kill(2) with signal 0 only; personality(2) with one of two values; a mask.
profile SCMP_ACT_ALLOW '[{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95,
	"args": [{"index": 1, "value": 0, "op": "SCMP_CMP_NE"}]}]'
expect "an argument" "0 1 not supported" \
	"$(run 'sleep 9 & kill -0 $!; a=$?; kill $! 2> /tmp/err; echo $a $? $(grep -o "not supported" /tmp/err)')"
profile SCMP_ACT_ALLOW '[{"names": ["kill"], "action": "SCMP_ACT_ERRNO",
	"args": [{"index": 1, "value": 9, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 15, "op": "SCMP_CMP_EQ"}]}]'
expect "several of one argument are alternatives" "1 1 0" \
	"$(run 'sleep 9 & kill -9 $! 2> /dev/null; a=$?; kill $! 2> /dev/null; echo $a $? $(kill -USR1 $!; echo $?)')"
profile SCMP_ACT_ALLOW '[{"names": ["kill"], "action": "SCMP_ACT_ERRNO",
	"args": [{"index": 1, "value": 8, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}]}]'
expect "masked" "1 0" "$(run 'sleep 9 & kill -9 $! 2> /dev/null; a=$?; kill -USR1 -- $! 2> /dev/null || kill -HUP $!; echo $a $?')"

# A refusing default, with a list of what is allowed as long as an engine's: all that there is but some.
allowed=$(sed -n 's/^SYSCALL[0-9]([0-9]*, *\([a-z0-9_]*\).*/\1/p' "$here/../../guest/sys/syscalls.def" |
	grep -vxE 'mkdir|mkdirat|clone|clone3|personality|sethostname' | jq -R . | jq -s .)
profile SCMP_ACT_ERRNO '[{"names": '"$allowed"', "action": "SCMP_ACT_ALLOW"},
	{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
	{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
	{"names": ["clone"], "action": "SCMP_ACT_ALLOW",
		"args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
	{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]'
expect "a list of what is allowed" "hello 1 child" "$(run 'echo hello $(echo 1 | cat) > /tmp/f; cat /tmp/f | tr "\n" " "; rm /tmp/f; (echo child)')"
expect "and of what is not" "mkdir: can't create directory '/tmp/d': Operation not permitted" "$(run 'mkdir /tmp/d')"

if is_moat; then
	profile SCMP_ACT_NOTIFY '[]'
	expect "NOTIFY is refused" "moat: linux.seccomp: SCMP_ACT_NOTIFY is not supported: no process of the host can answer for the sandbox" "$(run true)"
	profile SCMP_ACT_ALLOW '[{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 8, "op": "SCMP_CMP_XX"}]}]'
	expect "an unknown operator" "moat: linux.seccomp: syscalls[0]: op 'SCMP_CMP_XX' is unknown" "$(run true)"
fi
done_testing
