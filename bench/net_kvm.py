"""net_kvm.py - TCP on KVM, in the emulated machine: sockets.c against itself there, natively and in a sandbox, and against a
server outside of the sandbox over a packet socket. Exits of whole sandboxes, less those of host interrupts, are counted: what
so many operations more cost.
"""
import re

from common import *
from kvm import Machine, vm

OPS = {'echo': 'one byte there and back', 'out': 'stream, 64 KiB', 'in': 'stream to us, 64 KiB', 'connect': 'connect and close'}
# The shell there prefers its own ip to any in PATH. Two namespaces, each with an eth0 whose other end is ours: n1, where the
# host's stack is silent once a sandbox has had it, and n2 for the native side.
SETUP = """
set -e
mkdir -p /run/netns
for i in 1 2; do
	$IP netns add n$i
	$IP link add v$i type veth peer name eth0 netns n$i
	$IP addr add 10.9.$i.1/24 dev v$i; $IP link set v$i up
	$IP -n n$i link set lo up; $IP -n n$i addr add 10.9.$i.11/24 dev eth0; $IP -n n$i link set eth0 up
done
"""


def moat(args, *flags):
    return [vm.GUEST + '/moat', 'do', '--platform', 'kvm', '--debug', *flags, '--rootfs', vm.GUEST + '/rootfs', '--',
            '/bin/sockets', *args]


def exits(m, flags, name, n):
    """Exits, without host interrupts, of a sandbox that does so many operations; measure.h runs a batch twice for -b 1."""
    r = m.run(moat(['-b', '1', '-n', str(n), name], *flags))
    f = re.search(rb'kvm: (\d+) exits, (\d+) of them host interrupts', bytes(r.both))
    return int(f[1]) - int(f[2]) if f else None


def each(m, flags, name):
    few, many = 20, 520
    a, b = (median([e for e in (exits(m, flags, name, n) for _ in range(3)) if e is not None] or [float('nan')]) for n in (few, many))
    return max(0.0, (b - a) / (2 * (many - few)))


def table(m, title, name, native, flags):
    t = Table(name, title, ['', 'native', 'moat', 'moat/native', 'exits each'])
    args = ['-t', '20', '-b', '7', *OPS]
    best, ours = Best(), Best()
    for _ in range(4 if FULL else 2):
        best.add(m.micro(native(args)))
        ours.add(m.micro(moat(args, *flags)))
    for n, label in OPS.items():
        x, y = best.minimum.get(n), ours.minimum.get(n)
        t.row(label, ns(x), ns(y), times(y / x if x and y else None), f'{each(m, flags, n):.2f}')
    for n in m.notes:
        t.note(n)
    return t.done()


def main():
    ip = shutil.which('ip', path='/usr/sbin:/sbin:/usr/bin')
    if not ip:
        raise Miss('ip is not installed: make deps')
    files = [(os.path.realpath(p), p) for p in (ip, *vm.libraries(ip))]
    with Machine('sockets', files=files, modules=['veth', 'sch_ingress', 'cls_bpf'], mem=2048) as m:
        marks = table(m, 'TCP over the loopback, KVM in the emulated machine, against native there', 'net-kvm-loopback',
                      lambda args: [m.where, *args], ['--net', 'none'])
        if m.run(['/bin/sh', '-c', f'IP={ip}; {SETUP}']).status:
            raise Miss('no namespace in the machine')
        m.run(['/bin/sh', '-c', f'{m.where} serve > /dev/null 2>&1 < /dev/null &'])
        inside = ['/bin/sh', '-c', f'export SERVER=10.9.2.1; exec {ip} netns exec n2 {m.where} "$@"', 'sh']
        return marks + table(m, 'TCP to a server outside, KVM in the emulated machine, against a process in such a namespace',
                             'net-kvm-device', lambda args: [*inside, *args],
                             ['--net', 'host-netns:n1', '--env', 'SERVER=10.9.1.1'])
