#!/bin/bash
# systemd as the first process: it starts what the root has of services, each in a control group, watches them, and stops.
# kvm: full
. "$(dirname "$0")/common"
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
MOAT_OPTS="--mount type=bind,src=$out,dst=/mnt" inside bash -c "$(body systemd)" systemd /mnt/log > "$out/console" 2>&1
expect "switched off" 130 $? # SIGINT: as when the init of a pid namespace ends by reboot(2)
expect "systemd" "running
systemd
0::/init.scope
/system.slice/nginx.service
nginx is in it
has used the CPU
4 children: Resource temporarily unavailable
has memory
too much memory: 137
NRestarts=1
PONG
inactive
its group is gone
nginx.service: Deactivated successfully." "$(cat "$out/log")"
done_testing
