"""idle.py - what an idle sandbox costs its host, in memory and in wake-ups."""
from common import *
import signal


def family(root_pid, word):
    """root_pid, its descendants, and every process that names `word` in its command line."""
    parent, named = {}, set()
    for p in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{p}/stat') as f:
                parent[int(p)] = int(f.read().rpartition(')')[2].split()[1])
            with open(f'/proc/{p}/cmdline', 'rb') as f:
                if word.encode() in f.read():
                    named.add(int(p))
        except OSError:
            continue
    out = {root_pid} | (named - {os.getpid()})
    grown = True
    while grown:
        more = {p for p, pp in parent.items() if pp in out} - out
        grown = bool(more)
        out |= more
    return sorted(out)


def pss(pid):
    """(PSS, of which shared memory, page tables) in KiB."""
    v = {}
    try:
        with open(f'/proc/{pid}/smaps_rollup') as f:
            for line in f:
                k = line.split()
                if k[0] in ('Pss:', 'Pss_Shmem:'):
                    v[k[0]] = int(k[1])
        with open(f'/proc/{pid}/status') as f:
            for line in f:
                if line.startswith('VmPTE:'):
                    v['pte'] = int(line.split()[1])
    except OSError:
        return 0, 0, 0
    return v.get('Pss:', 0), v.get('Pss_Shmem:', 0), v.get('pte', 0)


def name_of(pid):
    try:
        with open(f'/proc/{pid}/comm') as f:
            return f.read().strip()
    except OSError:
        return '?'


def switches(pids):
    """(pid, tid) -> context switches so far."""
    out = {}
    for p in pids:
        try:
            for tid in os.listdir(f'/proc/{p}/task'):
                with open(f'/proc/{p}/task/{tid}/status') as f:
                    out[p, int(tid)] = sum(int(s.split()[1]) for s in f if 'ctxt_switches' in s)
        except OSError:
            continue
    return out


def main():
    seconds = 60
    d = bundle('idle', ['idle'])
    cmds = {'moat': moat_cmd(['idle'])}
    if have('runsc'):
        cmds['runsc'] = runtime_cmd('runsc', d)
    procs = {}
    try:
        for name, cmd in cmds.items():
            procs[name] = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                           start_new_session=True)
        time.sleep(3)
        t = Table('idle', f'an idle sandbox (a program that waits for ever), watched for {seconds} s',
                  ['', 'processes', 'threads', 'PSS MiB', 'of it shared', 'page tables', 'switches', 'of runsc', 'target'])
        word = {'moat': '\0never\0', 'runsc': os.path.join(work(), 'state-runsc')}
        pids = {n: family(p.pid, word[n]) for n, p in procs.items()}
        before = {n: switches(pids[n]) for n in procs}
        time.sleep(seconds)
        after = {n: switches(pids[n]) for n in procs}
        mems = {n: {q: pss(q) for q in pids[n]} for n in procs}
        runsc_mem = sum(m[0] for m in mems.get('runsc', {}).values()) / 1024
        for n, p in procs.items():
            if p.poll() is not None:
                t.row(n, 0, 0, '-', '-', '-', '-', '-', 'it ended', mark=False if n == 'moat' else None)
                continue
            mem = mems[n]
            total, shm, pte = (sum(m[i] for m in mem.values()) / 1024 for i in range(3))
            woken = {k: after[n].get(k, v) - v for k, v in before[n].items()}
            count = sum(woken.values())
            ours = n == 'moat'
            t.row(n, len(pids[n]), len(after[n]), f'{total:.2f}', f'{shm:.2f}', f'{pte:.2f}', count,
                  times(total / runsc_mem) if runsc_mem else '-',
                  '<= 6 MiB, 0 switches' if ours else '', mark=(total <= 6 and count == 0) if ours else None)
            for q in pids[n]:
                t.note(f'{n} {name_of(q)}: PSS {mem[q][0]} KiB, shared memory {mem[q][1]}, page tables {mem[q][2]}')
            for (q, tid), c in woken.items():
                if c:
                    t.note(f'{n} {name_of(q)}, thread {tid}: {c} switches')
        return t.done()
    finally:
        for p in procs.values():
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
                try:
                    p.wait(3)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
