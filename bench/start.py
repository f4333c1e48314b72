"""start.py - how long `moat do -- true` takes, whole process, beside runc, crun and runsc; and where it goes."""
from common import *

TOOLS = ['runc', 'crun', 'runsc']
OTHERS = ['native', *TOOLS]


def once(cmd):
    """Seconds from the spawn to the end; (seconds, status)."""
    actions = [(os.POSIX_SPAWN_OPEN, i, '/dev/null', os.O_RDWR, 0) for i in range(3)]
    t0 = time.monotonic()
    pid = os.posix_spawn(cmd[0], cmd, os.environ, file_actions=actions)
    st = os.waitpid(pid, 0)[1]
    return time.monotonic() - t0, os.waitstatus_to_exitcode(st)


def phases(rounds):
    """Phase -> median ms, by the lines of --debug (host/timing.h). The lines cost some 100 us themselves."""
    seen, order = {}, []
    for _ in range(rounds):
        t0 = time.monotonic()
        r = subprocess.run(moat_cmd(['true'], '--debug'), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
        end = time.monotonic()
        marks = []
        for line in r.stderr.decode('utf-8', 'replace').splitlines():
            if line.startswith('moat: time '):
                at, what = line[len('moat: time '):].split(' ', 1)
                marks.append((float(at), what))
        last = t0
        for at, what in [*sorted(marks), (end, 'reaped by the caller')]:
            if what not in seen:
                seen[what] = []
                order.append(what)
            seen[what].append((at - last) * 1000)
            last = at
    return [(w, median(seen[w])) for w in order]


def main():
    n = 61 if FULL else 25
    tools = [t for t in TOOLS if have(t)]
    d = bundle('true', ['true'])
    took = {}
    await_idle(20)
    idle = machine_idle()
    for _ in range(n):
        for name in ['native', 'moat', *tools]:
            cmd = {'native': [micro(), 'true'], 'moat': moat_cmd(['true'])}.get(name) or runtime_cmd(name, d)
            s, status = once(cmd)
            if status == 0:
                took.setdefault(name, []).append(s * 1000)
    t = Table('start', f'start to end of a static program that does nothing ({n} times, in turn)',
              ['', 'median ms', 'fastest', 'slowest', 'runs', *(f'of {o}' for o in OTHERS), 'target'])
    after = machine_idle()
    busy = min(idle, after) < BUSY
    judge = min if busy else median
    others = {o: judge(took[o]) for o in OTHERS if o in took}
    runc = others.get('runc')
    for name in ['native', 'moat', *TOOLS]:
        v = took.get(name)
        if not v:
            t.row(name, '-', '-', '-', 0, *('-' for _ in OTHERS), '', mark=False if name == 'moat' else None)
            t.note(f'{name}: {"does not work here" if have(name) else "not installed"}')
            continue
        ours = name == 'moat'
        t.row(name, f'{median(v):.2f}', f'{min(v):.2f}', f'{max(v):.2f}', len(v),
              *(times(judge(v) / others[o]) if o in others else '-' for o in OTHERS), '< 0.50x runc' if ours else '',
              mark=(judge(v) < runc / 2 and len(v) == n) if ours and runc else None)
    t.note(f'The machine was {idle:.0%} idle before this table and {after:.0%} after it: ratios of '
           f'{"the fastest" if busy else "medians"}.')
    marks = t.done()
    t = Table('start-phases', 'where the time of a start goes (medians of the steps, with --debug)', ['step ends with', 'ms', 'sum'])
    total = 0.0
    for what, ms in phases(n):
        total += ms
        t.row(what, f'{ms:.2f}', f'{total:.2f}')
    t.done()
    return marks
