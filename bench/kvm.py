"""kvm.py - table 1: moat on KVM against the same static program natively, both in the emulated-SVM machine.

The machine is qemu's TCG: absolute times mean nothing, and neither do ratios to a real CPU's; both sides pay the same.
It is slow and shares this host's CPUs, so the best batch is judged: the one that was disturbed least.
"""
import re

from common import *

sys.path.insert(0, os.path.join(ROOT, 'tests/vm'))
import machine as vm

NAMES = ['getpid', 'read-zero', 'pipe', 'futex-wake', 'fork', 'touch-big']
LABEL = {'getpid': 'getpid', 'read-zero': 'read /dev/zero, 1 byte', 'pipe': 'pipe ping-pong, processes',
         'futex-wake': 'futex wake, nobody waits', 'fork': 'fork+exit+wait', 'touch-big': 'mmap+touch 64 MiB, a page'}
ICOUNT = ['getpid', 'read-zero', 'futex-wake', 'pipe', 'fork']
CALLS = 1000000


def boot(**kw):
    where = vm.GUEST + '/rootfs/bin/micro'
    return vm.Machine(files=[(MOAT, vm.GUEST + '/moat'), (micro(), where)], name='bench', **kw).boot(), where


def moat(args, *flags):
    return [vm.GUEST + '/moat', 'do', '--platform', 'kvm', *flags, '--rootfs', vm.GUEST + '/rootfs', '--', '/bin/micro', *args]


def run(m, cmd, timeout=90):
    r = m.run(cmd, timeout=timeout)
    if r.status:
        print(f'bench: in the machine: status {r.status}: {shlex.join(cmd)}\n{bytes(r.both).decode("utf-8", "replace")[-600:]}',
              file=sys.stderr)
    return r


def exits(m, calls):
    """(exits, of them host interrupts, halts) of a whole sandbox that makes so many calls of getpid."""
    r = run(m, moat(['calls', str(calls)], '--debug'))
    f = re.search(rb'kvm: (\d+) exits, (\d+) of them host interrupts, (\d+) halts', bytes(r.both))
    return tuple(map(int, f.groups())) if f else None


def exits_row(m, t):
    """A boot has some 460 exits, give or take ten: the calls add none if the median stays within that spread."""
    pairs = [(exits(m, 0), exits(m, CALLS)) for _ in range(5)]
    label = f'VM exits by {CALLS} getpid'
    if not all(a and b for a, b in pairs):
        t.row(label, '', '-', '', '', '0', mark=False)
        return
    none, calls = ([e - i for e, i, _ in column] for column in zip(*pairs))
    added = median(calls) - median(none)
    t.row(label, '', f'{added:.0f}', '', '', '0', mark=median(calls) <= max(none))
    t.note(f'Exits less host interrupts of whole sandboxes: {min(none)} to {max(none)} (median {median(none):.0f}) with no call, '
           f'{min(calls)} to {max(calls)} (median {median(calls):.0f}) with {CALLS}.')


def speed(m, where):
    native, ours = Best(), Best()
    args = ['-t', '10', '-b', '9', *NAMES]
    for _ in range(10 if FULL else 5):
        native.add(parse(bytes(run(m, [where, *args]).out).decode('utf-8', 'replace')))
        ours.add(parse(bytes(run(m, moat(args)).out).decode('utf-8', 'replace')))
    t = Table('kvm', 'KVM in the emulated machine, against native there', ['', 'native', 'moat', 'moat/native', 'of medians', 'target'])
    for n in NAMES:
        a, b, c, d = (x.get(n) for x in (native.minimum, ours.minimum, native.median, ours.median))
        r = b / a if a and b else None
        t.row(LABEL[n], ns(a), ns(b), times(r), times(d / c if c and d else None), '<= 1.00x', mark=bool(r and r <= 1.0))
    exits_row(m, t)
    return t.done()


def instructions():
    """One instruction is one nanosecond of this machine's time."""
    t = Table('kvm-icount', 'instructions per operation (deterministic machine, one CPU)', ['', 'native', 'moat', 'moat/native'])
    m, where = boot(smp=1, icount=True)
    try:
        args = ['-b', '3', '-n', '200', *ICOUNT]
        a = parse(bytes(run(m, [where, *args], 300).out).decode('utf-8', 'replace'))
        b = parse(bytes(run(m, moat(args), 300).out).decode('utf-8', 'replace'))
    finally:
        m.close(keep_log=False)
    for n in ICOUNT:
        x, y = a.get(n, (None,))[0], b.get(n, (None,))[0]
        t.row(LABEL[n], f'{x:.0f}' if x else '-', f'{y:.0f}' if y else '-', times(y / x if x and y else None))
    t.done()


def main():
    try:
        m, where = boot()
    except vm.VMError as e:
        raise Miss(str(e).splitlines()[0])
    try:
        marks = speed(m, where)
    finally:
        m.close(keep_log=False)
    if FULL:
        instructions()
    return marks
