"""files.py - the tables of files: calls, programs that live on files, and what each operation costs in round trips.

All systems work on one Debian tree (tests/deb/root) with an overlay of the host's over it, each in a folder of its own below
/srv, as the root of a sandbox that nobody else changes; natively that is a chroot. `moat` is `moat do --rw`: what is written
is on the host. `memory` is moat's default, where changes stay in the sandbox.
"""
import re

import kvm
from common import *

ALWAYS = ['getpid']  # also where rows are chosen: other rows are compared with it
CALLS = ['getpid', 'stat', 'absent', 'open', 'readdir', 'pread', 'create', 'seqread', 'seqwrite']
LABEL = {
    'getpid': 'getpid', 'stat': 'stat', 'absent': 'stat, no such name', 'open': 'open+close', 'readdir': 'readdir, 100 entries',
    'pread': 'pread, 4 KiB, cached', 'create': 'create+unlink', 'seqread': 'read on, 128 KiB, cached',
    'seqwrite': 'write on, 128 KiB', 'git-first': 'git status, 50,000 files, first', 'git': 'git status, 50,000 files, again',
    'tar': 'tar, 5,000 files', 'untar': 'untar, 5,000 files', 'rm': 'rm -r, 5,000 files', 'python': 'python3 startup',
    'sql-off': 'sqlite3, 1,000 transactions', 'sql-full': 'sqlite3, 200 transactions, fsync',
    'gcc': 'gcc and make, 50 files', 'gzip': 'gzip, 16 MiB',
    'miss-stat': 'stat, not cached', 'miss-open': 'open+close, not cached', 'miss-read': 'open+read+close, not cached',
}
# name: (runs, what comes before each, the program). $W is the system's folder, also the working directory.
PROGRAMS = {
    'git-first': (1, '', 'git -C /srv/git status --short'),
    'git': (1, '', 'git -C /srv/git status --short'),
    'tar': (2, 'rm -f t.tar', 'tar cf t.tar -C /srv tree'),
    'untar': (2, 'rm -rf out; mkdir out', 'tar xf /srv/tree.tar -C out'),
    'rm': (2, 'rm -rf out; mkdir out; tar xf /srv/tree.tar -C out', 'rm -r out'),
    'python': (9, '', 'python3 -c pass'),
    'sql-off': (3, 'rm -f db*', 'sqlite3 -init /srv/sql-off db .exit'),
    'sql-full': (3, 'rm -f db*', 'sqlite3 -init /srv/sql-full db .exit'),
    'gcc': (1, 'rm -rf b; cp -r /srv/build b', 'make -s -j2 -C b'),
    'gzip': (3, '', 'gzip -kf /srv/big -c'),
}
NEAR_RUNC = ['python', 'gcc', 'gzip']  # at most 1.5 times runc
METADATA = {'stat': 1, 'absent': 1, 'open': 2}  # calls of an operation, each at most 1 us above getpid
SYSTEMS = ['native', 'runc', 'runsc', 'moat', 'memory']
ENV = ['PATH=/usr/bin:/bin:/usr/sbin:/sbin', 'HOME=/tmp', 'LANG=C.UTF-8', 'GIT_OPTIONAL_LOCKS=0']


# ---- the tree ----

PREPARE = r'''
set -e
cd /srv; mkdir git tree build; chmod 1777 /tmp
for ((i = 0; i < 50; i++)); do
	mkdir tree/d$i; for ((j = 0; j < 100; j++)); do echo "file $i $j" > tree/d$i/f$j; done
done
tar cf tree.tar tree; cp -r tree/. git; for ((i = 1; i < 10; i++)); do mkdir git/$i; cp -r tree/. git/$i; done
cd git; git init -q; git add .; git -c user.name=A -c user.email=a@example.org commit -qm one; sleep 1; git status > /dev/null; cd ..
for ((i = 1; i <= 50; i++)); do
	printf '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f%d(int x) { return x * %d; }\n' $i $i > build/f$i.c
done
echo 'int f1(int); int main(void) { return f1(0); }' > build/main.c
printf 'O := $(patsubst %%.c,%%.o,$(wildcard *.c))\np: $(O)\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O1 -Wall -c -o $@ $<\n' > build/Makefile
base64 -w 76 /dev/urandom | head -c 16777216 > big
sql() { echo "PRAGMA synchronous=$1; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
	for ((i = 0; i < $2; i++)); do echo "INSERT INTO t(b) VALUES('row $i');"; done; }
sql OFF 1000 > sql-off; sql FULL 200 > sql-full
'''


def tree():
    """The Debian tree with an overlay over it and the data in /srv; it goes with this process."""
    r = subprocess.run([os.path.join(ROOT, 'tests/deb/root'), '--check'], stdout=subprocess.PIPE, text=True)
    if r.returncode:
        raise Miss('there is no Debian tree: tests/deb/root makes it')
    if not private_mounts():
        raise Miss('mounting the tree needs root')
    d = {n: os.path.join(work(), 'tree-' + n) for n in ('upper', 'work', 'root')}
    for p in d.values():
        os.mkdir(p)
        os.chmod(p, 0o755)
    lower = r.stdout.strip()
    subprocess.run(['mount', '-t', 'overlay', '-o', f'lowerdir={lower},upperdir={d["upper"]},workdir={d["work"]}', 'none',
                    d['root']], check=True)
    atexit.register(subprocess.run, ['umount', '-l', d['root']])
    shutil.copy(program('files'), os.path.join(d['root'], 'srv/files'))
    for s in SYSTEMS:
        os.mkdir(os.path.join(d['root'], 'srv', s))
    subprocess.run(command('native', d['root'], ['bash', '-c', PREPARE]), check=True)
    return d['root']


def command(system, root, args, *flags):
    """What runs `args` in the tree, in the system's folder."""
    args = ['/usr/bin/env', '-C', '/srv/' + system, *ENV, *args]
    if system == 'native':
        enter = 'root=$1; shift; mount -t proc none "$root/proc" && mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"'
        return ['unshare', '-m', 'sh', '-c', enter, 'sh', root, *args]
    if system in ('runc', 'runsc'):
        return runtime_cmd(system, bundle(system, args, root))
    rw = ['--rw'] if system == 'moat' else []
    return [MOAT, 'do', '--platform', 'systrap', *rw, *flags, '--rootfs', root, '--', *args]


# ---- times ----

def script(programs):
    lines = []
    for n in programs:
        runs, before, prog = PROGRAMS[n]
        lines.append(f'/srv/files time {n} {runs} {shlex.quote(before)} {prog}')
    return '\n'.join(lines)


def measure(root, rounds):
    calls, programs = chosen(CALLS, ALWAYS), chosen(PROGRAMS)
    best = {s: Best() for s in SYSTEMS if s not in ('runc', 'runsc') or have(s)}
    for k in range(rounds):
        for s, b in best.items():
            await_idle(5)
            b.add(run_micro(command(s, root, ['/srv/files', '-t', '5', '-b', '9', '-d', '/srv/' + s, *calls])))
        for s, b in best.items():
            if programs and (k == 0 or FULL):
                # runsc takes 20 s for each git status, and the second is like the first.
                rows = [n for n in programs if s != 'runsc' or n != 'git' and (k == 0 or n != 'git-first')]
                os.sync()  # else it pays for what the one before left to be written
                await_idle(5)
                b.add(run_micro(command(s, root, ['sh', '-c', script(rows)]), 300))
    return best


def judge(name, runc, runsc, our, getpid):
    """The targets of a row as text, and whether they are met."""
    targets, met = [], []

    def target(text, ok):
        targets.append(text)
        met.append(bool(ok))
    if name in METADATA:
        limit = METADATA[name] * (getpid + 1000)
        target(f'<= {ns(limit)}', our <= limit)
    if runc and runsc and runsc > 3 * runc:
        target('runsc/moat >= 3', runsc / our >= 3)
    if name in NEAR_RUNC and runc:
        target('<= 1.50x runc', our <= 1.5 * runc)
    return ', '.join(targets), all(met) if met else None


def speed(root):
    rounds, idle = 4 if FULL else 2, machine_idle()
    best = measure(root, rounds)
    after = machine_idle()
    kind = 'minimum' if min(idle, after) < BUSY else 'median'
    t = Table('files', 'files, systrap', ['', 'native', 'runc', 'runsc', 'moat', 'memory', 'moat/runc', 'runsc/moat', 'target'])
    got = {s: getattr(b, kind) for s, b in best.items()}
    for n in chosen([*CALLS, *PROGRAMS], ALWAYS):
        nat, runc, runsc, our, mem = (got.get(s, {}).get(n) for s in SYSTEMS)
        target, mark = '', False
        if our:
            target, mark = judge(n, runc, runsc, our, got['moat'].get('getpid', 0))
        t.row(LABEL[n], *map(ns, (nat, runc, runsc, our, mem)), times(our / runc if our and runc else None),
              times(runsc / our if our and runsc else None), target, mark=mark)
    t.note(f'The machine was {idle:.0%} idle before and {after:.0%} after; {rounds} rounds of calls, '
           f'{"best batch: the machine was busy" if kind == "minimum" else "best median"}.')
    return t.done()


# ---- counts ----

# Most round trips of an operation; None: only shown. A close gives the fid back later, or at once where there are many.
COUNTS = {'getpid': 0, 'stat': 0, 'absent': 0, 'open': 0, 'readdir': None, 'pread': 0, 'create': None, 'seqread': 0,
          'seqwrite': None, 'miss-stat': 1, 'miss-open': 1, 'miss-read': 2}
TRIPS = re.compile(r'9p: (\d+) round trips')


def count(cmd):
    """(9P round trips, host calls of everything together; None without perf) of a sandbox."""
    perf = ['perf', 'stat', '-x', ' ', '-e', 'raw_syscalls:sys_enter', '--'] if have('perf') else []
    r = subprocess.run([*perf, *cmd], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)
    text = r.stderr.decode('utf-8', 'replace')
    trips, calls = TRIPS.search(text), re.search(r'^(\d+) +raw_syscalls', text, re.M)
    if r.returncode or not trips:
        raise Miss(f'no count: status {r.returncode}: {shlex.join(cmd)}\n{text[-500:]}')
    return int(trips[1]), int(calls[1]) if calls else None


def per_operation(root, system, name):
    """The difference of two sandboxes that differ in the number of operations only; each does half of them to warm up."""
    few, many = (64, 192) if name.startswith('miss') else (128, 256) if name.startswith('seq') else (100, 1100)
    folder = '/srv' if name.startswith('miss') else '/srv/' + system
    a, b = (count(command(system, root, ['/srv/files', '-b', '1', '-n', str(n), '-d', folder, name], '--debug')) for n in (few, many))
    return tuple(None if x is None else (y - x) / (2 * (many - few)) for x, y in zip(a, b))


def per_run(root, system, name):
    """The same for runs of a program behind its first."""
    _, before, prog = PROGRAMS[name]
    a, b = (count(command(system, root, ['sh', '-c', f'/srv/files time {name} {n} {shlex.quote(before)} {prog}'], '--debug'))
            for n in (1, 3))
    return tuple(None if x is None else (y - x) / 2 for x, y in zip(a, b))


def counts(root):
    t = Table('files-counts', 'files, systrap: 9P round trips and host calls of an operation',
              ['', 'trips', 'calls', 'trips, memory', 'calls, memory', 'target'])

    def cell(v):
        return '-' if v is None else f'{v:.2f}'
    for n in chosen(COUNTS):
        limit = COUNTS[n]
        ours, memory = per_operation(root, 'moat', n), per_operation(root, 'memory', n)
        mark = None if limit is None else ours[0] <= limit + 0.05 and memory[0] <= limit + 0.05
        t.row(LABEL[n], *map(cell, (*ours, *memory)), '' if limit is None else f'trips <= {limit}', mark=mark)
    for n in chosen(('git', 'untar', 'rm', 'python', 'sql-off', 'gcc')):
        t.row(LABEL[n], *map(cell, (*per_run(root, 'moat', n), *per_run(root, 'memory', n))), '')
    t.note('Host calls are those of the launcher, the Sentry, the gofer and the program together (perf stat), less those that are')
    t.note("refused on their way in: a call at a site that is not patched counts as its signal's return alone.")
    return t.done()


# ---- KVM ----

KVM_CALLS = ['getpid', 'stat', 'absent', 'open', 'readdir', 'pread', 'create', 'seqread']
CACHED = ['stat', 'absent', 'open', 'pread', 'seqread']


def kvm_moat(args, *flags):
    return [kvm.vm.GUEST + '/moat', 'do', '--platform', 'kvm', '--rw', *flags, '--rootfs', kvm.vm.GUEST + '/rootfs', '--',
            '/bin/files', '-d', '/bin', *args]


def kvm_count(m, name, n):
    r = m.run(kvm_moat(['-b', '1', '-n', str(n), name], '--debug'))
    text = bytes(r.both).decode('utf-8', 'replace')
    f = re.search(r'kvm: (\d+) exits, (\d+) of them host interrupts', text)
    trips = TRIPS.search(text)
    return (int(trips[1]), int(f[1]) - int(f[2])) if f and trips else None


def in_machine(m):
    native, ours = Best(), Best()
    calls = chosen(KVM_CALLS, ALWAYS)
    args = ['-t', '10', '-b', '9', *calls]
    for _ in range(6 if FULL else 3):
        native.add(m.micro([m.where, '-d', kvm.vm.GUEST + '/rootfs/bin', *args]))
        ours.add(m.micro(kvm_moat(args)))
    a, b = native.minimum, ours.minimum
    t = Table('files-kvm', 'files, KVM in the emulated machine, against native there',
              ['', 'native', 'moat', 'moat/native', 'trips', 'exits', 'target'])
    for n in calls:
        few, many = ((128, 256) if n.startswith('seq') else (100, 1100))
        x, y = kvm_count(m, n, few), kvm_count(m, n, many)
        per = [f'{(q - p) / (2 * (many - few)):.2f}' for p, q in zip(x, y)] if x and y else ['-', '-']
        target, mark = '', None
        if n in CACHED:
            target, mark = '<= 1.10x', bool(n in a and n in b and b[n] <= 1.1 * a[n])
        t.row(LABEL[n], ns(a.get(n)), ns(b.get(n)), times(b[n] / a[n] if n in a and n in b else None), *per, target, mark=mark)
    if all(n in r for n in ('stat', 'getpid') for r in (a, b)):
        nat, our = (r['stat'] - r['getpid'] for r in (a, b))
        t.row('stat less getpid', ns(nat), ns(our), times(our / nat), '', '', '<= 1.00x', mark=our <= nat)
    for n in m.notes:
        t.note(n)
    return t.done()


def main(*parts):
    """parts: of speed, counts and kvm; all, if none is named."""
    marks, parts = [], parts or ('speed', 'counts', 'kvm')
    root = tree() if {'speed', 'counts'} & {*parts} else None
    marks += speed(root) if 'speed' in parts else []
    marks += counts(root) if 'counts' in parts else []
    if 'kvm' in parts:
        with kvm.Machine('files') as m:
            marks += in_machine(m)
    return marks
