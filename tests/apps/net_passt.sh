#!/bin/bash
# A network without privilege: a port of the host published to nginx in a sandbox by passt, a port that somebody else has,
# and what else cannot be asked for. Nothing is left.
# files: /usr/sbin/nginx /usr/bin/passt /usr/bin/curl /usr/sbin/ip
. "$(dirname "$0")/common"
if [ "$PLATFORM" = kvm ] && [ -z "${INSIDE:-}" ]; then # the emulated machine has no network: passt wants an interface
	INSIDE=1 PATH=/usr/sbin:$PATH exec unshare -n bash -c 'ip link set lo up
		ip link add up0 type veth peer name up1 && ip addr add 192.0.2.2/24 dev up0 && ip link set up0 up &&
		ip link set up1 up && ip route add default via 192.0.2.1 && exec "$0"' "$0"
fi
[ "$PLATFORM" = systrap ] || mkdir -p /var/lib/nginx /var/log/nginx
for tool in passt nginx curl; do
	command -v $tool > /dev/null || skip "no $tool here"
done
dir=$(mktemp -d /tmp/net-passt.XXXXXX)
trap 'kill $server 2> /dev/null; wait; rm -rf "$dir"' EXIT
port=$((20000 + $$ % 12000)) # below those that connections get
passts() { cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' ' ' | grep -c "tcp-ports[ ]$port:80"; } # of this test
head -c 2000000 /dev/urandom > "$dir/big"
echo hello > "$dir/index.html"
echo mine > "$dir/mine"
cat > "$dir/nginx.conf" <<-END
	daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;
	events {}
	http { access_log off; server { listen 80; root $dir; } }
END
timeout 100 "$MOAT" do --platform "$PLATFORM" --net passt --publish $port:80 --publish $port:53/udp -- nginx -c "$dir/nginx.conf" > "$dir/out" 2>&1 &
server=$!
for ((i = 0; i < 300; i++)); do
	got=$(curl -s -m 2 http://127.0.0.1:$port/) && break
	sleep 0.1
done
expect "curl" hello "$got"
expect "passt" 1 "$(passts)"
curl -sS -m 20 http://127.0.0.1:$port/big | cmp - "$dir/big" || failures=$((failures + 1))
for ((i = 0; i < 50; i++)); do
	curl -s -m 5 http://127.0.0.1:$port/ || break
done | uniq -c > "$dir/many"
expect "50 connections" "50 hello" "$(xargs < "$dir/many")"
expect "port in use" "moat: --publish: port $port of the host (TCP): Address already in use" \
	"$("$MOAT" do --platform "$PLATFORM" --publish $port:80 -- true 2>&1)"
expect "port in use, UDP" "moat: --publish: port $port of the host (UDP): Address already in use" \
	"$("$MOAT" do --platform "$PLATFORM" --publish $port:80/udp -- true 2>&1)"
kill -TERM $server
wait $server
for ((i = 0; i < 100; i++)); do
	[ "$(passts)" != 0 ] || break
	sleep 0.1
done
expect "passt left" 0 "$(passts)"
expect "what it said" "" "$(cat "$dir/out")"

# The files that describe the network, as an engine would mount them; in a root whose resolv.conf leads into /run, too.
expect "files in /etc" "nameserver 10.0.2.3
10.0.2.15 moat
moat
# mine" "$("$MOAT" do --platform "$PLATFORM" --net passt -- sh -c 'grep ^nameserver /etc/resolv.conf; grep moat /etc/hosts | tr "\t" " "
	cat /etc/hostname; echo "# mine" > /etc/hosts; cat /etc/hosts' 2>&1)"
mkdir -p "$dir/root/etc" "$dir/root/bin"
cp /bin/busybox "$dir/root/bin/"
ln -s ../run/systemd/resolve/stub-resolv.conf "$dir/root/etc/resolv.conf"
in_root() { "$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" --net passt "$@" -- /bin/busybox sh -c 'busybox cat /etc/resolv.conf; busybox ls /etc' 2>&1; }
expect "a root without them" "nameserver 10.0.2.3 hostname hosts resolv.conf" "$(in_root | grep -v '^search\|^options\|^#' | xargs)"
in_root --rw > /dev/null
expect "a writable root" resolv.conf "$(ls "$dir/root/etc")"
expect "somebody else's" mine "$("$MOAT" do --platform "$PLATFORM" --net passt --mount "type=bind,src=$dir/mine,dst=/etc/hosts" -- cat /etc/hosts 2>&1)"
expect "not a port" "moat: --publish '0:80': give HOSTPORT:PORT, each 1 to 65535, with /udp for UDP" "$("$MOAT" do --publish 0:80 -- true 2>&1)"
expect "published nowhere" "moat: --publish needs --net passt" "$("$MOAT" do --net none --publish 80:80 -- true 2>&1)"
expect "unknown kind" "moat: --net 'x': give auto, passt, host-netns[:NAME], tap:NAME or none" "$("$MOAT" do --net x -- true 2>&1)"
expect "only loopback" "lo" "$(inside sh -c 'ls /sys/class/net 2>/dev/null || /usr/sbin/ip -br link | cut -d" " -f1' 2>&1)"
done_testing
