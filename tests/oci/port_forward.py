#!/usr/bin/env python3
"""Client of port_forward.sh: argv[1] holds what the command printed."""
import re
import socket
import struct
import sys

ports = {}
for line in open(sys.argv[1]):
    address, local, port = re.fullmatch(r"Forwarding from \[?([0-9.:]+?)\]?:(\d+) -> (\d+)\n", line).groups()
    ports[int(port)] = (address, int(local))


def connect(port):
    s = socket.create_connection(ports[port], timeout=60)
    s.settimeout(60)
    return s


def read_all(s):
    return b"".join(iter(lambda: s.recv(65536), b""))


def echo(s, data):
    s.sendall(data)
    got = b""
    while len(got) < len(data):
        part = s.recv(65536)
        if not part:
            break
        got += part
    return got == data


many = [connect(7000) for _ in range(100)]
print(sum(echo(s, b"line %d\n" % i * 50) for i, s in enumerate(many)), "answered at once")
for s in many:
    s.shutdown(socket.SHUT_WR)
    if read_all(s) != b"":
        print("the end did not come back")
    s.close()

s = connect(7001)
s.sendall(b"x" * 12345)
s.shutdown(socket.SHUT_WR)
print("counted", read_all(s).decode().strip())

try:
    print("refused:", "end of data" if connect(7777).recv(1) == b"" else "data")
except ConnectionResetError:
    print("refused: reset")

# The server takes nothing: what the sockets and pipes on the way hold fills up.
stalled = connect(7003)
stalled.settimeout(3)
try:
    while True:
        stalled.send(b"y" * 65536)
except TimeoutError:
    pass
print("a stalled one, and others:", "answered" if echo(connect(7000), b"here") else "no answer")

# A client that resets: the server's side is reset too, and the command's process goes.
s = connect(7000)
echo(s, b"z")
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
stalled.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
stalled.close()
print("reset")
