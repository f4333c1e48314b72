"""transfer.py serve PORT | send ADDR PORT BYTES | fetch ADDR PORT BYTES - bytes over one TCP connection, in one direction, and
whether they arrived: who receives prints the digest's verdict, the seconds and the longest time without a byte."""
import hashlib
import random
import socket
import sys
import time

BLOCK = 65536


def blocks(total):
    rng = random.Random(7)
    base = rng.randbytes(1 << 20)
    sent = 0
    while sent < total:
        at = (sent * 31) % (len(base) - BLOCK)
        b = base[at:at + min(BLOCK, total - sent)]
        sent += len(b)
        yield b


def wanted(total):
    h = hashlib.sha1()
    for b in blocks(total):
        h.update(b)
    return h.hexdigest()


def give(s, total):
    for b in blocks(total):
        s.sendall(b)
    s.shutdown(socket.SHUT_WR)


def take(s, total):
    h, got, gap = hashlib.sha1(), 0, 0.0
    last = start = time.monotonic()
    while True:
        b = s.recv(1 << 20)
        now = time.monotonic()
        gap = max(gap, now - last)
        last = now
        if not b:
            break
        got += len(b)
        h.update(b)
    verdict = 'good' if got == total and h.hexdigest() == wanted(total) else f'bad: {got} of {total} bytes'
    return f'{verdict} {last - start:.2f} {gap:.2f}'


def serve(port):
    l = socket.create_server(('::', port), family=socket.AF_INET6, dualstack_ipv6=True)
    print('serving', flush=True)
    while True:
        s, _ = l.accept()
        s.settimeout(600)
        try:
            what, total = s.recv(64).split()
            if what == b'send':
                s.sendall(b'go')
                s.sendall(take(s, int(total)).encode())
            else:
                give(s, int(total))
            s.close()
        except OSError as e:
            print(e, flush=True)


def main():
    if sys.argv[1] == 'serve':
        serve(int(sys.argv[2]))
    s = socket.create_connection((sys.argv[2], int(sys.argv[3])), 60)
    s.settimeout(600)
    total = int(sys.argv[4])
    s.sendall(f'{sys.argv[1]} {total}'.encode())
    if sys.argv[1] == 'send':
        assert s.recv(2) == b'go'
        give(s, total)
        print(s.recv(200).decode())
    else:
        print(take(s, total))


main()
