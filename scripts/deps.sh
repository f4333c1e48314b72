#!/bin/bash
# deps.sh - everything that building, testing, benchmarking and the demo need on a fresh Debian 12.
# Packages first (root or sudo, only those that are absent), then the sources and test-machine files of
# scripts/thirdparty.sh, then the Debian tree of tests/deb. Fast and silent about what is there already. Called by `make deps`.
set -u
cd "$(dirname "$0")/.." || exit 1

build=(gcc make libc6-dev linux-libc-dev musl-tools libfdt-dev libseccomp-dev libcap-dev libjansson-dev)
fetch=(dpkg-dev xz-utils ca-certificates debian-archive-keyring)
tests=(qemu-system-x86 cpio busybox-static bash-static tini gosu qemu-user-static diod python3 strace
	procps iproute2 iputils-ping netcat-openbsd util-linux attr acl passt mmdebstrap)
bench=(runc crun runsc time nginx-light redis-server redis-tools iperf3 wrk)
# 0.35 GB with what they depend on. curl, python3-grpcio: the clients of tests/engines.
engines=(podman containernetworking-plugins conmon netavark aardvark-dns slirp4netns iptables uidmap curl python3-grpcio)
# Docker's own packages (docker-ce, containerd.io) would be removed for Debian's.
command -v containerd >/dev/null || engines+=(containerd)
command -v dockerd >/dev/null || engines+=(docker.io)
lint=(clang-format binutils manpages-dev)

die() { echo "deps: $*" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "moat runs on x86-64 alone; this machine is $(uname -m)"
command -v apt-get >/dev/null || die "this script needs Debian's apt-get"

missing=()
for p in "${build[@]}" "${fetch[@]}" "${tests[@]}" "${bench[@]}" "${engines[@]}" "${lint[@]}"; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done

if [ ${#missing[@]} -gt 0 ]; then
	if [ "$(id -u)" = 0 ]; then
		sudo=()
	elif command -v sudo >/dev/null; then
		sudo=(sudo)
	else
		die "run me as root, or install sudo; absent packages: ${missing[*]}"
	fi
	log=$(mktemp) || die "no room for a temporary file"
	# Nothing that comes with a package (container engines, redis, nginx) is to start: the tests start their own.
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		trap 'rm -f "$log"' EXIT
	else
		trap 'rm -f "$log"; "${sudo[@]}" rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null && "${sudo[@]}" chmod 755 $policy
	fi
	apt() {
		"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get -q -o Dpkg::Use-Pty=0 -o APT::Cmd::Disable-Script-Warning=1 "$@" >>"$log" 2>&1
	}
	echo "deps: installing ${missing[*]}"
	# Old lists may name files that the mirror no longer has; so only if the first try fails, update and retry.
	if ! apt install -y --no-install-recommends "${missing[@]}"; then
		: >"$log"
		apt update || { tail -n 5 "$log" >&2; die "apt-get update failed (above)"; }
		apt install -y --no-install-recommends "${missing[@]}" ||
			{ tail -n 15 "$log" >&2; die "apt-get install failed (above)"; }
	fi
fi

scripts/thirdparty.sh || exit 1
# The Debian tree of tests/deb; making it needs root, also later, when a test asks for it.
[ "$(id -u)" != 0 ] || tests/deb/root > /dev/null
