#!/bin/bash
# docker_names.sh - two services on a network of docker's own that find each other by name, as docker compose makes them.
needs='dockerd docker iptables'
. "$(dirname "$0")/common"

start_docker
step "names"
docker network create --subnet 10.77.17.0/24 shop > /dev/null
docker run -d --name backend --network shop --network-alias api busybox httpd -f -p 80 -h /www > /dev/null
docker run -d --name frontend --network shop busybox sleep 1000 > /dev/null
await 10 page http://10.77.17.2/
for name in backend api; do
	expect "$name" "busybox in a container" "$(docker exec frontend wget -q -O - http://$name/ 2>&1)"
done
expect "many at once" "20 busybox in a container" "$(docker exec frontend sh -c 'i=0
	while [ $i -lt 20 ]; do wget -q -O - http://backend/ & i=$((i + 1)); done; wait' 2>&1 | sort | uniq -c | xargs)"
expect_has "nslookup" "Address: 10.77.17.2" "$(docker exec frontend nslookup -type=a backend 2>&1)"
docker rm -f backend frontend > /dev/null
docker network rm shop > /dev/null
nothing_left /run/docker/runtime-runc/moby
done_testing
