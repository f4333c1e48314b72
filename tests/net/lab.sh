#!/bin/bash
# lab.sh SCRIPT [ARG...] - sources SCRIPT in mount and network namespaces of its own, with a bridge br0 (10.9.0.1/24, fd09::1/64)
# and network namespaces n1, n2 ... (LAB_NETS of them, default 2), each with an eth0 on the bridge (10.9.0.11/24, fd09::11/64 ...).
# The machine's own network is untouched; everything goes with the last process.
set -eu
. "$(dirname "${BASH_SOURCE[0]}")/namespaces"
if [ -z "${LAB_INSIDE:-}" ]; then
	LAB_INSIDE=$(namespaces) exec unshare --net --mount "$0" "$@"
fi
must_have_left "$LAB_INSIDE"
mount -t tmpfs lab /run
mkdir -p /run/netns
ip link set lo up
ip link add br0 type bridge
ip addr add 10.9.0.1/24 dev br0
ip addr add fd09::1/64 dev br0 nodad
ip link set br0 up
for ((i = 1; i <= ${LAB_NETS:-2}; i++)); do
	ip netns add "n$i"
	ip link add "v$i" type veth peer name eth0 netns "n$i"
	ip link set "v$i" master br0 up
	ip -n "n$i" link set lo up
	ip -n "n$i" addr add "10.9.0.$((10 + i))/24" dev eth0
	ip -n "n$i" addr add "fd09::$((10 + i))/64" dev eth0 nodad
	ip -n "n$i" link set eth0 up
	ip -n "n$i" route add default via 10.9.0.1
done
set +eu
# shellcheck disable=SC1090
. "$@"
