#!/bin/bash
# Sandboxes in network namespaces on one bridge, three of them or (long) twenty: each serves, and gets a page from each other and
# from the host, over IPv4 and IPv6; the host gets one from each. Then nginx in one is a proxy for nginx in another.
[ -n "${LAB_INSIDE:-}" ] || . "$(dirname "$0")/common"
[ "$(id -u)" = 0 ] || skip "needs root"
[ "$PLATFORM" = systrap ] || skip "net_bridge.sh has two of them there; the emulated machine has no room for more"
for tool in python3 curl ip unshare nginx; do
	command -v $tool > /dev/null || skip "no $tool here"
done
many=3
[ -z "${TEST_FULL:-}" ] || many=20
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${LAB_INSIDE:-}" ] || LAB_NETS=$many exec "$here/../net/lab.sh" "$here/net_many.sh"
. "$here/../net/namespaces"
must_have_left "$LAB_INSIDE"
. "$here/common"
dir=$(mktemp -d /tmp/net-many.XXXXXX)
trap 'kill "${pids[@]}" 2> /dev/null; wait; rm -rf "$dir"' EXIT
pids=()

# sandbox N ARG...: starts one in the namespace nN
sandbox() {
	local n=$1
	shift
	timeout -k 5 250 "$MOAT" do --platform "$PLATFORM" --memory 256M --cpus 1 --net "host-netns:n$n" -- "$@" \
		> "$dir/out$n" 2>&1 < /dev/null &
	pids+=($!)
}

# await FILE PATTERN: until the file has such a line
await() {
	for ((k = 0; k < 1000; k++)); do
		! grep -qs "$2" "$1" || return 0
		sleep 0.1
	done
	expect "$1" "a line '$2'" "$(cat "$1")"
}

mkdir "$dir/0"
echo "page 0" > "$dir/0/page"
python3 "$here/../net/serve.py" 8000 "$dir/0" > "$dir/out0" 2>&1 &
pids+=($!)
urls=(http://10.9.0.1:8000/page "http://[fd09::1]:8000/page")
pages="page 0
page 0"
for ((i = 1; i <= many; i++)); do
	mkdir "$dir/$i"
	echo "page $i" > "$dir/$i/page"
	urls+=("http://10.9.0.$((10 + i)):8000/page" "http://[fd09::$((10 + i))]:8000/page")
	pages+="
page $i
page $i"
done
for ((i = 1; i <= many; i++)); do
	sandbox "$i" bash -c 'python3 "$1" 8000 "$2" > /dev/null 2>&1 &
		shift 2
		curl -sS -m 20 --retry 60 --retry-delay 1 --retry-all-errors "$@"
		echo done
		wait' bash "$here/../net/serve.py" "$dir/$i" "${urls[@]}"
done
for ((i = 1; i <= many; i++)); do
	await "$dir/out$i" '^done$'
	expect "pages that sandbox $i got" "$pages" "$(grep -v '^done$\|^curl: ([0-9]*) Failed to connect' "$dir/out$i")"
done
expect "pages that the host got" "$pages" "$(curl -sS -m 20 "${urls[@]}" 2>&1)"
kill "${pids[@]}"
wait 2> /dev/null
pids=()

# nginx in n1 asks nginx in n2; both have their own page too.
head -c 3000000 /dev/urandom > "$dir/2/big"
nginx_conf() { # N LOCATION
	cat > "$dir/conf$1" <<- END
		daemon off; master_process off; pid /tmp/nginx.pid; error_log stderr;
		events {}
		http { access_log off; server { listen 8000; listen [::]:8000; root $dir/$1; $2 } }
	END
	sandbox "$1" nginx -c "$dir/conf$1"
}
chmod 755 "$dir"
nginx_conf 2
nginx_conf 1 'location /far/ { proxy_pass http://10.9.0.12:8000/; } location /far6/ { proxy_pass http://[fd09::12]:8000/; }'
get() { curl -sS -m 20 --retry 60 --retry-delay 1 --retry-all-errors "$@" 2> /dev/null; }
expect "its own" "page 1" "$(get http://10.9.0.11:8000/page)"
expect "through the proxy" "page 2" "$(get -f http://10.9.0.11:8000/far/page)"
expect "through the proxy, IPv6" "page 2" "$(get -f "http://[fd09::11]:8000/far6/page")"
get http://10.9.0.11:8000/far/big | cmp - "$dir/2/big" || failures=$((failures + 1))
for ((i = 0; i < 50; i++)); do
	printf 'url=http://10.9.0.11:8000/far/big\noutput=/dev/null\n'
done > "$dir/list"
expect "50 at once" "50 200 3000000" "$(curl -sS -m 100 -Z --parallel-max 10 -K "$dir/list" -w '%{http_code} %{size_download}\n' 2> /dev/null | sort | uniq -c | xargs)"
done_testing
