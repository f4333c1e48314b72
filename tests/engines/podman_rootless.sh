#!/bin/bash
# podman_rootless.sh - podman as a user without privileges, who has a range of ids in /etc/subuid: no network, slirp4netns, exec,
# a published port, and that nothing is left. The user is made in the lab alone.
needs='podman conmon slirp4netns newuidmap setpriv pgrep'
. "$(dirname "$0")/common"

id=4242 home=/run/lab/home
mkdir -p $home /run/user/$id
chown $id:$id $home /run/user/$id
for file in passwd group subuid subgid; do
	cat /etc/$file > /run/lab/$file || die "/etc/$file is absent"
done
echo "tester:x:$id:$id::$home:/bin/sh" >> /run/lab/passwd
echo "tester:x:$id:" >> /run/lab/group
echo "tester:300000:65536" | tee -a /run/lab/subuid >> /run/lab/subgid
for file in passwd group subuid subgid; do
	chmod 644 /run/lab/$file
	mount --bind /run/lab/$file /etc/$file || die "cannot cover /etc/$file"
done
# The machine's directories need not be open to that user.
cp "$RUNTIME" "$images/busybox.tar" /run/lab/
chmod 755 /run/lab "/run/lab/$(basename "$RUNTIME")"
mknod -m 666 /run/tun c 10 200
mount --bind /run/tun /dev/net/tun
cat > $home/containers.conf <<X
[engine]
runtime = "moat"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
moat = ["/run/lab/$(basename "$RUNTIME")"]
X
podman() {
	(cd $home && timeout --foreground 60 setpriv --reuid $id --regid $id --clear-groups env -i PATH="$PATH" HOME=$home \
		XDG_RUNTIME_DIR=/run/user/$id CONTAINERS_CONF=$home/containers.conf podman --storage-driver vfs "$@")
}
step "load"
podman load -q -i /run/lab/busybox.tar > /dev/null 2>&1 || { expect "load" 0 1; done_testing; }
step "run"
expect "user" 0 "$(podman run --rm --network none busybox id -u 2>&1)"
out=$(podman run --rm --network none busybox sh -c 'echo hello; exit 7' 2> /run/lab/err)
expect "status" 7 $?
expect "output" hello "$out"
expect "errors" "" "$(cat /run/lab/err)"
expect "a file of root's" "Permission denied" "$(podman run --rm --network none -v /etc:/host:ro busybox cat /host/shadow 2>&1 | grep -o 'Permission denied' | head -n 1)"
step "network"
# Podman's other port handler connects in the container's network namespace, where under moat nobody listens.
podman run -d --name web --network slirp4netns:port_handler=slirp4netns -p 8095:80 busybox httpd -f -p 80 -h /www > /dev/null
expect "run -d" 0 $?
await 10 page http://127.0.0.1:8095/
expect "published" "busybox in a container" "$(page http://127.0.0.1:8095/)"
expect "exec" in "$(podman exec web echo in 2>&1)"
podman rm -f -t 1 web > /dev/null
expect "rm" 0 $?
nothing_left /run/user/$id/moat
done_testing
