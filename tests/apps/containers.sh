#!/bin/sh
# Containers in the sandbox: runc and crun with their default configuration, whose device rules are programs of bpf(2); and
# podman and docker on top of them.
# files: /usr/sbin/runc /usr/bin/crun /bin/busybox
. "$(dirname "$0")/common"
for tool in /usr/sbin/runc /usr/bin/crun; do
	[ -x $tool ] || skip "$tool is absent: make deps"
done

bundle='
	mkdir -p /tmp/b/rootfs/bin /tmp/b/rootfs/proc /tmp/b/rootfs/dev /tmp/b/rootfs/sys /tmp/b/rootfs/etc
	cp /bin/busybox /tmp/b/rootfs/bin
	ln -s busybox /tmp/b/rootfs/bin/sh
	cd /tmp/b'

# In the container: what its rules allow and what they do not. Making any node is allowed, using a disk is not.
want="hello
in its own group: 0::/
null
dd: can't open 'disk': Operation not permitted
status 5"
for runtime in /usr/sbin/runc /usr/bin/crun; do
	got=$("$MOAT" do --platform "$PLATFORM" --hints=off -- /bin/busybox sh -c "$bundle
		$runtime spec
		sed -i -e 's/\"terminal\": true/\"terminal\": false/' -e 's/\"readonly\": true/\"readonly\": false/' \
			-e 's/\"CAP_KILL\"/\"CAP_KILL\",\"CAP_MKNOD\"/' -e 's/\"sh\"/\"sh\",\"\/inside\"/' config.json
		cat > rootfs/inside <<-'end'
			b=/bin/busybox
			\$b echo hello
			\$b echo in its own group: \$(\$b cat /proc/self/cgroup)
			\$b mknod null c 1 3 && \$b echo null > null && \$b echo null
			\$b mknod disk b 8 0 && \$b dd if=disk of=/dev/null count=1
			exit 5
		end
		$runtime run inside
		echo status \$?" 2>&1)
	expect "$runtime" "$want" "$got"
done
[ "$PLATFORM" = systrap ] || done_testing # the emulated machine has neither podman nor docker

command -v podman > /dev/null && expect "podman" "hello
50" "$(timeout -s KILL 60 "$MOAT" do --platform "$PLATFORM" --hints=off -- /bin/sh -c "$bundle
	podman --root /tmp/podman --runroot /tmp/podman.run --storage-driver vfs --cgroup-manager cgroupfs run --rm --network none \
		--pids-limit 50 --rootfs /tmp/b/rootfs /bin/busybox sh -c 'echo hello; cat /sys/fs/cgroup/pids.max'" 2> /dev/null)"

command -v dockerd > /dev/null && expect "docker" "hello
40
status 3" "$(timeout -s KILL 120 "$MOAT" do --platform "$PLATFORM" --hints=off -- /bin/sh -c "$bundle
	export DOCKER_HOST=unix:///tmp/docker.sock
	dockerd --data-root /tmp/docker --exec-root /tmp/docker.run -H \$DOCKER_HOST --pidfile /tmp/docker.pid --bridge=none \
		--iptables=false --ip6tables=false --storage-driver vfs 2> /dev/null &
	for i in \$(seq 300); do docker version > /dev/null 2>&1 && break; sleep .1; done
	tar -C rootfs -c . | docker import - bb > /dev/null
	docker run --rm --network none --pids-limit 40 bb /bin/busybox sh -c 'echo hello; cat /sys/fs/cgroup/pids.max; exit 3'
	echo status \$?" 2> /dev/null)"
done_testing
