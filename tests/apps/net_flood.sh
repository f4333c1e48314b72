#!/bin/bash
# A listener under a flood of SYNs whose senders do not exist: it goes on taking connections, and the flood stays nowhere.
. "$(dirname "$0")/common"
command -v python3 >/dev/null && command -v ss >/dev/null || skip "no python3, or no ss"

count=20000
[ -z "${TEST_FULL:-}" ] || count=100000

got=$(inside python3 -c '
import os, random, socket, struct, sys

def sum16(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff

def free():
    for line in open("/proc/meminfo"):
        if line.startswith("MemFree"):
            return int(line.split()[1])

def half_open():
    return len(os.popen("ss -Htn state syn-recv").readlines())

def connect():
    c = socket.create_connection(("127.0.0.1", 8000), timeout=5)
    s = l.accept()[0]
    c.send(b"served")
    got = s.recv(10)
    c.close()
    s.close()
    return got

l = socket.create_server(("127.0.0.1", 8000), backlog=128)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
to = socket.inet_aton("127.0.0.1")
connect()

def flood(n):
    for k in range(n):
        src = struct.pack("!I", 0xcb007100 | random.randrange(256))
        tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), 8000, random.randrange(1 << 32), 0, 0x50, 2, 65535, 0, 0)
        tcp = tcp[:16] + struct.pack("!H", sum16(src + to + struct.pack("!HH", 6, 20) + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + src + to
        raw.sendto(ip + tcp, ("127.0.0.1", 0))

flood(2000) # what is taken once and kept
before = free()
flood('$count')
print(connect().decode())
grown = before - free()
print("bounded" if grown < 8192 else "%d KiB more in use" % grown)
n = half_open()
print("queue" if 100 < n <= 1024 else "%d half open" % n)
' 2>&1)
expect "flood of $count" 'served
bounded
queue' "$got"
done_testing
