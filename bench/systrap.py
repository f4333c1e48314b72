"""systrap.py - the small benchmarks in moat on systrap, in runsc (ptrace) and natively, on this machine.

Twice: everything bound to one CPU, where a thread and the Sentry share it ("paired"), and with all CPUs, where the
Sentry may spin on a second one while a thread runs on the first. The second kind of figure needs a CPU that nobody else
uses: the table says how idle the machine was.
"""
from common import *

NAMES = ['getpid', 'getpid-any', 'read-zero', 'epoll', 'open', 'stat', 'futex-wake', 'pipe', 'futex', 'mprotect', 'signal',
         'fork', 'exec', 'touch-big', 'touch-small', 'unmap-big', 'unmap-small', 'cpu']
LABEL = {
    'getpid': 'getpid, usual call site', 'getpid-any': 'getpid, other call site', 'read-zero': 'read /dev/zero, 1 byte',
    'epoll': 'eventfd write, epoll_wait, read', 'open': 'open+close, tmpfs', 'stat': 'stat, tmpfs',
    'futex-wake': 'futex wake, nobody waits', 'pipe': 'pipe ping-pong, processes', 'futex': 'futex ping-pong, threads',
    'mprotect': 'mprotect pair', 'signal': 'signal to self', 'fork': 'fork+exit+wait', 'exec': 'fork+exec+wait',
    'touch-big': 'first touch, 64 MiB, a page', 'touch-small': 'first touch, 64 KiB, a page',
    'unmap-big': 'munmap, 64 MiB, a page', 'unmap-small': 'munmap, 64 KiB, a page', 'cpu': 'CPU-bound, 1000 rounds',
}
# In the mean against runsc: what is bound by system calls. getpid has targets of its own, memory is judged by native.
MEAN = ['read-zero', 'epoll', 'open', 'stat', 'futex-wake', 'pipe', 'futex', 'mprotect', 'signal', 'fork', 'exec']
GETPID = {('getpid', True): 4500, ('getpid-any', True): 6500, ('getpid', False): 600, ('getpid-any', False): 2600}
NATIVE = {'touch-big': 0.5, 'touch-small': 2.0, 'cpu': 1.02}


def measure(cpus, rounds):
    micro_args = ['-t', '3', '-b', '15', *NAMES]
    d = bundle('micro', micro_args)
    best = {'native': Best(), 'moat': Best(), 'runsc': Best()}
    for _ in range(rounds):
        await_idle(5)
        best['native'].add(run_micro(on_cpus([micro(), *micro_args], cpus)))
        best['moat'].add(run_micro(on_cpus(moat_cmd(micro_args), cpus)))
        if have('runsc'):
            best['runsc'].add(run_micro(on_cpus(runtime_cmd('runsc', d), cpus)))
    return best


def table(name, title, cpus, paired, rounds):
    t = Table(name, title, ['', 'native', 'moat', 'runsc', 'moat/native', 'runsc/moat', 'target'])
    idle = machine_idle()
    best = measure(cpus, rounds)
    after = machine_idle()
    busy = min(idle, after) < BUSY
    ratios = {}
    for n in NAMES:
        # A batch that nobody disturbed: for code without calls, and where a second CPU has to be free.
        kind = 'minimum' if busy or n == 'cpu' or (n.startswith('getpid') and not paired) else 'median'
        nat, our, rsc = (getattr(best[s], kind).get(n) for s in ('native', 'moat', 'runsc'))
        faster = rsc / our if rsc and our else None
        slower = our / nat if our and nat else None
        target, mark = '', None
        if (n, paired) in GETPID:
            target = f'<= {ns(GETPID[n, paired])}'
            mark = our is not None and our <= GETPID[n, paired]
        elif n in NATIVE:
            target = f'<= {NATIVE[n]:.2f}x native'
            mark = slower is not None and slower <= NATIVE[n]
        elif n in MEAN:
            target, mark = 'runsc/moat >= 2', None if rsc is None else bool(faster and faster >= 2)
            if faster:
                ratios[n] = faster
        label = LABEL[n] + (f" ({'paired' if paired else 'split'})" if n.startswith('getpid') else '')
        t.row(label, ns(nat), ns(our), ns(rsc), times(slower), times(faster), target, mark=mark)
    if ratios:
        g = geomean(list(ratios.values()))
        t.row(f'geometric mean of {len(ratios)} rows', '', '', '', '', times(g), 'runsc/moat >= 3',
              mark=g >= 3 and len(ratios) == len(MEAN))
    if not have('runsc'):
        t.note('runsc is not installed (`make deps`): its column is empty.')
    what = 'best batch: the machine was busy' if busy else 'best median' + ('' if paired else ', best batch for getpid')
    t.note(f'The machine was {idle:.0%} idle before this table and {after:.0%} after it; {rounds} rounds, {what}.')
    return t.done()


def main():
    rounds = 6 if FULL else 3
    marks = table('systrap-one-cpu', 'systrap, one CPU (all systems bound to it)', CPUS[-1:], True, rounds)
    if len(CPUS) > 1:
        marks += table('systrap-all-cpus', f'systrap, {len(CPUS)} CPUs', CPUS, False, rounds)
    return marks
