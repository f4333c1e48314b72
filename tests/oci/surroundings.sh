#!/bin/bash
# What a container finds around it as config.json says: names, kernel parameters, devices, limits, user, umask, paths that are
# hidden or read-only, temporary file systems.
. "$(dirname "$0")/common"
run() { # SCRIPT
	script "$1"
	moat run c1 2>&1
}
refused() { # WHAT LINE: it does not start, and why
	if is_moat; then expect "$1" "moat: $2" "$(run true)"; fi
}
cp config.json base.json

edit '.hostname = "inside" | .domainname = "example.org"'
expect "hostname, domainname" "inside example.org" "$(run 'echo $(hostname) $(cat /proc/sys/kernel/domainname)')"
expect "uname -n" "inside" "$(run 'uname -n')"
edit 'del(.hostname, .domainname)'
expect "without one, the host's" "$(uname -n)" "$(run 'hostname')"

edit '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "80", "net.ipv4.ping_group_range": "0 2147483647",
	"kernel.shmmni": "321", "kernel/msgmnb": "12345"}'
expect "sysctl" "80 321 12345" \
	"$(run 'cd /proc/sys; echo $(cat net/ipv4/ip_unprivileged_port_start kernel/shmmni kernel/msgmnb)')"
edit '.linux.sysctl = {"kernel.panic": "1"}'
refused "the system's" "config.json: linux.sysctl: kernel.panic is not in a namespace of the container's"
edit '.linux.sysctl = {"kernel.hostname": "x"}'
refused "the hostname's" "config.json: linux.sysctl: kernel.hostname: the member hostname says that"
cp base.json config.json

edit '.linux.devices = [{path: "/dev/my/zero", type: "c", major: 1, minor: 5, fileMode: 420, uid: 3, gid: 4},
	{path: "/dev/pipe", type: "p", fileMode: 384}, {path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0},
	{path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 438}]'
script 'stat -c "%F %t %T %a %u %g" /dev/my/zero /dev/pipe /dev/null; head -c 3 /dev/my/zero | wc -c'
expect "devices" "character special file 1 5 644 3 4
fifo 0 0 600 0 0
character special file 1 3 666 0 0
3" "$(moat run c1 2> err)"
if is_moat; then
	moat --log log run c1 > /dev/null 2>&1
	expect "a device that is not there" "linux.devices[3]: /dev/fuse (c 10:229) is not in a sandbox: opening it will fail" \
		"$(sed -n 's/.*msg="\(.*\)"/\1/p' log | head -n 1)"
	expect "opening it" "cat: can't open '/dev/fuse': No such device or address" "$(run 'cat /dev/fuse' | tail -n 1)"
fi
cp base.json config.json

edit '.process.user = {uid: 7, gid: 8, umask: 23, additionalGids: [9, 10]}'
expect "user, umask, groups" "7 8 8 9 10 0027" "$(run 'echo $(id -u) $(id -g) $(id -G) $(umask)')"
cp base.json config.json
edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 5, hard: 4096}]'
expect "rlimits" "5 4096 100 200" \
	"$(run 'echo $(sed -n "s/^Max \(open files\|core file size\) *\([0-9]*\) *\([0-9]*\).*/\2 \3/p" /proc/self/limits)')"
edit '.process.oomScoreAdj = 321 | .process.noNewPrivileges = true'
expect "oomScoreAdj, noNewPrivileges" "321 NoNewPrivs: 1" "$(run 'echo $(cat /proc/self/oom_score_adj) $(grep NoNewPrivs /proc/self/status)')"
cp base.json config.json

edit '.linux.rootfsPropagation = "shared" | .mounts += [{destination: "/tmp/s", type: "tmpfs", options: ["rshared"]},
	{destination: "/tmp/t", type: "tmpfs"}]'
expect "propagation" "/ shared /tmp/s shared /tmp/t" \
	"$(run 'echo $(sed -n "s/^[^ ]* [^ ]* [^ ]* [^ ]* \(\/\|\/tmp\/[st]\) [^ ]* \([a-z]*\).*/\1 \2/p" /proc/self/mountinfo)')"
edit '.linux.rootfsPropagation = "loud"'
refused "no such propagation" "linux.rootfsPropagation: no such type: 'loud'"
cp base.json config.json

edit '.linux.maskedPaths = ["/proc/cpuinfo", "/etc", "/absent"] | .linux.readonlyPaths = ["/proc/sys", "/tmp", "/absent"]'
echo x > rootfs/etc/x
expect "masked, read-only" "0 0 ro ro" \
	"$(run 'echo $(cat /proc/cpuinfo | wc -c) $(ls /etc | wc -l) $( (echo 1 > /tmp/a) 2> /dev/null || echo ro) $( (echo y > /proc/sys/kernel/hostname) 2> /dev/null || echo ro)')"
cp base.json config.json

echo kept > rootfs/etc/kept
edit '.mounts += [{destination: "/etc", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "mode=0751", "size=64k"]},
	{destination: "/made/deep", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "mode=1777", "uid=5", "gid=6"]}]'
expect "tmpcopyup" "kept 751" "$(run 'echo $(cat /etc/kept) $(stat -c %a /etc)')"
expect "size" "full" "$(run 'yes > /etc/fill 2> /dev/null; n=$(stat -c %s /etc/fill); [ $n -gt 40000 ] && [ $n -le 65536 ] && echo full')"
mkdir -m 700 rootfs/private
edit '.mounts += [{destination: "/private", type: "tmpfs", source: "tmpfs"}, {destination: "/new", type: "tmpfs", source: "tmpfs"}]'
expect "the mode of what was there, or open to all" "700 1777" "$(run 'echo $(stat -c %a /private /new)')"
expect "mode, uid, gid" "1777 5 6" "$(run 'stat -c "%a %u %g" /made/deep')"
expect "noexec" "126" "$(run 'cp /bin/busybox /made/deep/sh; /made/deep/sh -c true 2> /dev/null; echo $?')"
cp base.json config.json

edit '.process.cwd = "/new/dir" | .process.env = ["A=b c", "PATH=/bin"]'
expect "cwd, env" "/new/dir b c" "$(run 'echo $PWD $A')"
edit '.process.scheduler = {policy: "SCHED_BATCH", nice: 5} | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 3}'
expect "scheduler; ioPriority is accepted" "5 3" "$(run 'echo $(cut -d " " -f 19 /proc/self/stat) $(cut -d " " -f 41 /proc/self/stat)')"
edit '.process.scheduler = {policy: "SCHED_RR", priority: 7}'
expect "real time" "7 2" "$(run 'echo $(cut -d " " -f 40,41 /proc/self/stat)')"
edit '.process.scheduler = {policy: "SCHED_DEADLINE"}'
refused "another policy" "config.json: process.scheduler.policy: 'SCHED_DEADLINE' is not in a sandbox"
edit '.process.scheduler = {policy: "SCHED_FIFO"}'
refused "a priority is missing" "config.json: process.scheduler.priority: must be 1 to 99 for SCHED_FIFO"
cp base.json config.json
if is_moat && [ ! -e /sys/kernel/security/apparmor ] && [ ! -e /sys/fs/selinux/enforce ]; then
	edit '.process.apparmorProfile = "docker-default" | .process.selinuxLabel = "system_u:x"'
	expect "labels of modules that are not there" "moat: process.apparmorProfile: 'docker-default' is not applied, this host has no AppArmor
moat: process.selinuxLabel: 'system_u:x' is not applied, this host has no SELinux
ran" "$(run 'echo ran')"
	cp base.json config.json
fi

if is_moat; then
	edit '.linux.resources.memory.limit = 1000'
	expect "a limit below what a sandbox takes" "linux.resources.memory.limit is 1000, and a sandbox itself takes 12 MiB" \
		"$(run true | sed 's/.*; //')"
	cp base.json config.json
	edit '.hostname = "x" * 65'
	refused "a hostname too long" "config.json: hostname: has 65 bytes, must have at most 64"
	cp base.json config.json
	edit 'del(.process)'
	expect "no process" "moat: config.json: process: is missing" "$(moat run c1 2>&1)"
	cp base.json config.json
	edit '.root.path = "/nonexistent"'
	refused "no root" "root.path: /nonexistent: No such file or directory"
	cp base.json config.json
fi

# Is a program mapped from the host's page cache, or copied?
if is_moat; then
	sharing() {
		edit '.annotations["dev.moat.dax"] = $v' --arg v "$1"
		script 'exec sleep 60'
		moat run --detach c1 < /dev/null > /dev/null 2>&1
		cat /proc/[0-9]*/maps 2> /dev/null | awk -v ino="$(stat -c %i rootfs/bin/busybox)" \
			'$5 == ino && /busybox/ { n++ } END { print n ? "mapped" : "copied" }'
		moat delete --force c1
	}
	expect "dev.moat.dax: on" mapped "$(sharing on)"
	expect "dev.moat.dax: off" copied "$(sharing off)"
	edit '.annotations["dev.moat.dax"] = "of"'
	refused "dev.moat.dax: of" "config.json: annotations.dev.moat.dax: is 'of', must be on or off"
	cp base.json config.json
fi
done_testing
