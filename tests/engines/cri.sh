#!/bin/bash
# cri.sh - containerd's CRI plugin, Kubernetes' way to a runtime, with a handler `moat`: cri_pod.py does with it what a kubelet
# does with pods of a runtime class; and the same with runc beside it.
# kvm: short
needs='containerd ctr python3 pgrep iptables runc'
. "$(dirname "$0")/common"

[ -x /usr/lib/cni/bridge ] || die "/usr/lib/cni/bridge is absent: make deps"
mkdir -p /run/lab/cni
# The kernel of the emulated machine has no netfilter: no ports of the host there, and no masquerading.
nat=true portmap=',{ "type": "portmap", "capabilities": { "portMappings": true } }'
iptables -t nat -L -n > /dev/null 2>&1 || nat=false portmap=
[ $nat = true ] || [ "${PLATFORM:-}" = kvm ] || expect "iptables" "a table of nat" "$(iptables -t nat -L -n 2>&1)"
cat > /run/lab/cni/10-pods.conflist <<X
{
	"cniVersion": "0.4.0",
	"name": "pods",
	"plugins": [
		{
			"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": $nat, "hairpinMode": true,
			"ipam": {
				"type": "host-local",
				"ranges": [ [ { "subnet": "10.77.8.0/24" } ] ],
				"routes": [ { "dst": "0.0.0.0/0" } ]
			}
		}
		$portmap
	]
}
X
# restrict_oom_score_adj: a machine may lack CAP_SYS_RESOURCE.
cat > /run/lab/containerd.toml <<X
version = 2
root = "/run/lab/containerd"
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/lab/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:1"
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/run/lab/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.moat]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.moat.options]
      BinaryName = "$RUNTIME"
X
# Debian's python3, as python3-grpcio is its package.
daemon containerd.log containerd -c /run/lab/containerd.toml
step "start of containerd"
await 20 ctr version || { expect "answers" yes no; done_testing; }
for image in busybox pause; do
	ctr -n k8s.io images import "$images/$image.tar" > /dev/null || { expect "import" 0 1; done_testing; }
done
for handler in moat runc; do
	[ $handler = moat ] || full || continue
	step "pods of $handler"
	HOST_PORTS=$nat timeout 120 /usr/bin/python3 -B "$here/cri_pod.py" /run/containerd/containerd.sock $handler > /run/lab/out 2>&1
	expect "pods" "0 " "$? $(grep -v '^ *[0-9.]* [a-z_]* [a-z]*$' /run/lab/out)"
	[ -z "${TEST_VERBOSE:-}" ] || grep '^ *[0-9.]* [a-z_]* [a-z]*$' /run/lab/out
	rm -rf /run/lab/logs
done
nothing_left /run/containerd/runc/k8s.io /run/containerd/state/io.containerd.runtime.v2.task/k8s.io
done_testing
