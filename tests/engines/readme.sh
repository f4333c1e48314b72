#!/bin/bash
# readme.sh - the lines of README.md's and docs/kubernetes.md's examples for container engines, as they stand there: each must
# succeed. The engines run with their default sockets and directories, which are the lab's own; the images are there already.
needs='containerd ctr dockerd docker podman'
. "$(dirname "$0")/common"
readme=$here/../../README.md

# What `make install` would do, without touching the machine's own directory.
mkdir -p /run/lab/local /run/lab/bin /etc/docker /etc/containerd
mount --bind /usr/local/bin /run/lab/local && mount -t tmpfs tmpfs /usr/local/bin && mount -t tmpfs tmpfs /etc/docker &&
	mount -t tmpfs tmpfs /etc/containerd || die "cannot cover the machine's /usr/local/bin, /etc/docker and /etc/containerd"
ln -s /run/lab/local/* /usr/local/bin/
rm -f /usr/local/bin/moat
cp "$RUNTIME" /usr/local/bin/moat

# lines PATTERN: the lines of the examples that match it.
lines() {
	sed -n '/^## Under a container engine/,/^## Limits/s/^    //p' "$readme" | grep -E "$1"
}
try() { # LINE
	step "$1"
	await 10 timeout 20 bash -c "$1" < /dev/null
	expect "succeeds" 0 $?
}

# containerd, with the CRI plugin's handler of docs/kubernetes.md, which must be understood.
try "$(lines 'install --containerd')"
expect "the handler in docs/kubernetes.md" "$(sed -n '/^    version = 2/,/BinaryName/p' "$here/../../docs/kubernetes.md" |
	sed 's/^    //')" "$(cat /etc/containerd/config.toml)"
daemon containerd.log containerd
step "start of containerd"
await 20 ctr version || expect "answers" yes no
for image in busybox nginx; do
	ctr images import "$images/$image.tar" > /dev/null || expect "import" 0 1
done
await 10 eval 'ctr plugins list | grep -q "cri .*ok"'
expect "the CRI plugin" ok "$(ctr plugins list | awk '$2 == "cri" { print $4 }')"
while read -r line; do
	try "$line"
done < <(lines '^ctr ')
ctr task kill --signal KILL web
await 5 eval 'ctr task list | grep -q STOPPED'
ctr task rm web > /dev/null 2>&1
ctr container rm web

try "$(lines 'install --docker')"
daemon docker.log dockerd --exec-opt native.cgroupdriver=cgroupfs
await 30 docker info || expect "dockerd answers" yes no
docker load -q -i "$images/nginx.tar" > /dev/null
while read -r line; do
	try "$line"
done < <(lines '^docker |:8080')
docker rm -f web > /dev/null

podman load -q -i "$images/nginx.tar" > /dev/null
while read -r line; do
	try "$line"
done < <(lines '^podman |:8081')
podman --runtime /usr/local/bin/moat rm -f -t 1 web > /dev/null 2>&1
nothing_left /run/containerd/runc/default /run/docker/runtime-runc/moby /run/moat
done_testing
