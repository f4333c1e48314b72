"""kvm.py - moat on KVM against the same static program natively, both in the emulated-SVM machine.

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


class Machine:
    """The emulated machine; boots anew, twice at most, when it stops answering."""

    def __init__(self, name='micro', files=(), **kw):
        self.program, self.where = program(name), f'{vm.GUEST}/rootfs/bin/{name}'
        self.files = [(MOAT, vm.GUEST + '/moat'), (self.program, self.where), *files]
        self.kw, self.tries, self.notes, self.m = kw, 3, [], None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.m:
            self.m.close(keep_log=False)

    def run(self, cmd, timeout=90):
        while True:
            try:
                if not self.m:
                    self.m = vm.Machine(files=self.files, name='bench', **self.kw).boot()
                r = self.m.run(cmd, timeout=timeout)
                break
            except vm.VMError as e:
                self.m = None
                self.tries -= 1
                why = str(e).splitlines()[0]
                if not self.tries:
                    raise Miss(why)
                self.notes.append(f'The machine was booted anew: {why}.')
        if r.status:
            print(f'bench: in the machine: status {r.status}: {shlex.join(cmd)}\n'
                  f'{bytes(r.both).decode("utf-8", "replace")[-600:]}', file=sys.stderr)
        return r

    def micro(self, cmd, timeout=90):
        return parse(bytes(self.run(cmd, timeout).out).decode('utf-8', 'replace'))


def moat(args, *flags):
    return [vm.GUEST + '/moat', 'do', '--platform', 'kvm', *flags, '--rootfs', vm.GUEST + '/rootfs', '--', '/bin/micro', *args]


def exits(m, calls):
    """(exits, of them host interrupts, halts) of a whole sandbox that makes so many calls of getpid."""
    r = m.run(moat(['calls', str(calls)], '--debug'))
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


def speed(m):
    native, ours = Best(), Best()
    args = ['-t', '10', '-b', '9', *NAMES]
    for _ in range(10 if FULL else 5):
        native.add(m.micro([m.where, *args]))
        ours.add(m.micro(moat(args)))
    t = Table('kvm', 'KVM in the emulated machine, against native there', ['', 'native', 'moat', 'moat/native', 'of medians', 'target'])
    for n in NAMES:
        a, b, c, d = (x.get(n) for x in (native.minimum, ours.minimum, native.median, ours.median))
        r = b / a if a and b else None
        t.row(LABEL[n], ns(a), ns(b), times(r), times(d / c if c and d else None), '<= 1.00x', mark=bool(r and r <= 1.0))
    exits_row(m, t)
    for n in m.notes:
        t.note(n)
    return t.done()


def instructions(m):
    """One instruction is one nanosecond of this machine's time, so what the clock says is a count."""
    t = Table('kvm-icount', 'instructions per operation, KVM, deterministic machine with one CPU',
              ['', 'native', 'moat', 'moat/native', 'again'])
    args = ['-b', '3', '-n', '200', *ICOUNT]
    native, ours, again = m.micro([m.where, *args], 300), m.micro(moat(args), 300), m.micro(moat(args), 300)
    for n in ICOUNT:
        x, y, z = (r.get(n, (None, None))[0] for r in (native, ours, again))
        t.row(LABEL[n], *(f'{v:.0f}' if v else '-' for v in (x, y)), times(y / x if x and y else None), f'{z:.0f}' if z else '-')
    for n in m.notes:
        t.note(n)
    return t.done()


def main():
    with Machine() as m:
        marks = speed(m)
    with Machine(smp=1, icount=True) as m:
        return marks + instructions(m)
