"""A listener under a flood of SYNs from addresses where nobody is, as many as the argument says."""
import os, random, socket, struct, sys


def sum16(data):
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def free():
    for line in open('/proc/meminfo'):
        if line.startswith('MemFree'):
            return int(line.split()[1])


def half_open():
    return len(os.popen('ss -Htn state syn-recv').readlines())


def connect():
    c = socket.create_connection(('127.0.0.1', 8000), timeout=5)
    s = listener.accept()[0]
    c.send(b'served')
    got = s.recv(10)
    c.close()
    s.close()
    return got.decode()


def flood(n):
    to = socket.inet_aton('127.0.0.1')
    for k in range(n):
        src = struct.pack('!I', 0xcb007100 | random.randrange(256))  # 203.0.113.0/24, which is for documentation
        tcp = struct.pack('!HHIIBBHHH', random.randrange(1024, 65536), 8000, random.randrange(1 << 32), 0, 0x50, 2, 65535, 0, 0)
        tcp = tcp[:16] + struct.pack('!H', sum16(src + to + struct.pack('!HH', 6, 20) + tcp)) + tcp[18:]
        raw.sendto(struct.pack('!BBHHHBBH', 0x45, 0, 40, 0, 0, 64, 6, 0) + src + to + tcp, ('127.0.0.1', 0))


listener = socket.create_server(('127.0.0.1', 8000), backlog=128)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
connect()
flood(2000)  # what is taken once and kept
before = free()
flood(int(sys.argv[1]))
print(connect())
grown = before - free()
print('bounded' if grown < 8192 else f'{grown} KiB more in use')
n = half_open()
print('queue' if 100 < n <= 1024 else f'{n} half open')
