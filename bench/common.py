"""common.py - what the benchmarks share: the work folder, the micro program, bundles, other runtimes, tables.

Every figure of a table comes from one run of bench/run: systems take turns, round after round, and each keeps the best
of its medians, so that a burst of other work on the machine hits one round and not one system.
"""
import atexit, ctypes, json, os, shlex, shutil, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.path.join(ROOT, os.environ.get('BUILD', 'build')))
MOAT = os.path.join(BUILD, 'moat')
RESULTS = os.path.join(ROOT, 'bench/results')
FULL = os.environ.get('BENCH_FULL') == '1'
ROWS = os.environ.get('BENCH_ROWS', '').split()
CPUS = sorted(os.sched_getaffinity(0))

_CLONE_NEWNS = 0x20000


class Miss(Exception):
    """A table cannot be made here; the text says why."""


# ---- tables ----

MISSED = []  # (table, row) of every target that this run missed


class Table:
    """Prints rows under a heading and keeps them for bench/results. A mark is True (met), False (missed) or None."""

    def __init__(self, name, title, columns):
        self.name, self.columns, self.rows, self.notes, self.marks = name, columns, [], [], []
        self.title = title

    def row(self, *cells, mark=None):
        self.rows.append([*map(str, cells), {True: 'ok', False: 'MISS', None: ''}[mark]])
        if mark is not None:
            self.marks.append(mark)
        if mark is False:
            MISSED.append((self.name, str(cells[0])))

    def note(self, text):
        self.notes.append(text)

    def text(self):
        head = [*self.columns, '']
        widths = [max(len(r[i]) for r in [head, *self.rows]) for i in range(len(head))]

        def line(cells):
            return '  '.join([cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:]))]).rstrip()

        out = [self.title, line(head), '-' * len(line(['x' * w for w in widths]))]
        return '\n'.join([*out, *map(line, self.rows), *(f'  {n}' for n in self.notes)]) + '\n'

    def done(self):
        text = self.text()
        print(text, flush=True)
        if ROWS:  # not the whole table
            return self.marks
        os.makedirs(RESULTS, exist_ok=True)
        with open(os.path.join(RESULTS, f'{self.name}.txt'), 'w') as f:
            f.write(text)
        return self.marks


def ns(v):
    """Nanoseconds for people."""
    if v is None:
        return '-'
    for unit, size in (('s', 1e9), ('ms', 1e6), ('us', 1e3)):
        if v >= size:
            return f'{v / size:.2f} {unit}'
    return f'{v:.0f} ns'


def times(v):
    return '-' if v is None else f'{v:.2f}x'


def median(values):
    v = sorted(values)
    return (v[(len(v) - 1) // 2] + v[len(v) // 2]) / 2


def geomean(values):
    p = 1.0
    for v in values:
        p *= v
    return p ** (1 / len(values))


def machine_idle(seconds=0.5):
    """The share of this machine's CPU time that nobody used just now."""
    def sample():
        with open('/proc/stat') as f:
            v = [int(x) for x in f.readline().split()[1:9]]
        return v[3] + v[4], sum(v)
    a = sample()
    time.sleep(seconds)
    b = sample()
    return (b[0] - a[0]) / max(1, b[1] - a[1])


BUSY = 0.8  # below this share of idle time other work disturbs nearly every batch, and the best one is judged


def await_idle(limit):
    """Give other work on this machine `limit` seconds to end."""
    end = time.monotonic() + limit
    while machine_idle(0.3) < 0.9 and time.monotonic() < end:
        pass


def chosen(names, always=()):
    """Those of a table's rows that BENCH_ROWS names, all if it names none."""
    return [n for n in names if not ROWS or n in ROWS or n in always]


# ---- programs ----

_work = None


def remove(folder):
    """Removes a folder, unless something is mounted below it: through a mount that would go on into the machine's files."""
    with open('/proc/self/mounts') as f:
        if any(line.split()[1].startswith(folder) for line in f):
            print(f'bench: {folder} stays: something is mounted below it', file=sys.stderr)
            return
    shutil.rmtree(folder, ignore_errors=True)


def work():
    """A folder that goes with this process."""
    global _work
    if not _work:
        _work = tempfile.mkdtemp(prefix='moat-bench-')
        atexit.register(remove, _work)
        os.chmod(_work, 0o755)
    return _work


def program(name):
    """One of our static programs: bench/NAME.c and the clock that all share. It lies in the small root folder's /bin."""
    out = os.path.join(BUILD, 'bench/rootfs/bin', name)
    src = [os.path.join(ROOT, 'bench', f) for f in (f'{name}.c', 'measure.c', 'measure.h')]
    if not os.path.exists(out) or os.path.getmtime(out) < max(map(os.path.getmtime, src)):
        for d in ('bin', 'dev', 'proc', 'sys', 'tmp'):
            os.makedirs(os.path.join(BUILD, 'bench/rootfs', d), exist_ok=True)
        subprocess.run([*shlex.split(os.environ.get('CC', 'gcc')), '-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror',
                        '-static', '-o', out, *src[:2]], check=True)
    return out


def micro():
    return program('micro')


def rootfs():
    return os.path.dirname(os.path.dirname(micro()))


def moat_cmd(args, *flags, platform='systrap'):
    return [MOAT, 'do', '--platform', platform, *flags, '--rootfs', rootfs(), '--', '/bin/micro', *args]


def bundle(name, args, root=None):
    """
    An OCI bundle that runs `args` in the folder root, which it may write to, or `micro args` in the small one: the runtimes'
    usual configuration with a tmpfs on /dev/shm.
    """
    d = tempfile.mkdtemp(prefix=f'bundle-{name}-', dir=work())
    tool = shutil.which('runc') or shutil.which('crun') or shutil.which('runsc')
    subprocess.run([tool, 'spec'], cwd=d, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    path = os.path.join(d, 'config.json')
    with open(path) as f:
        c = json.load(f)
    c['process'].update(args=args if root else ['/bin/micro', *args], terminal=False)
    c['root'] = {'path': root or rootfs(), 'readonly': not root}
    if not any(m['destination'] == '/dev/shm' for m in c['mounts']):
        c['mounts'].append({'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm'})
    with open(path, 'w') as f:
        json.dump(c, f)
    return d


_count = 0


def runtime_cmd(tool, d):
    """The command that runs bundle `d` once by runc, crun or runsc."""
    global _count
    _count += 1
    ident = f'moat-bench-{os.getpid()}-{_count}'
    return [shutil.which(tool) or tool, *runtime_flags(tool), 'run', '--bundle', d, ident]


def runtime_flags(tool, network='none'):
    flags = ['--root', os.path.join(work(), 'state-' + tool)]
    if tool == 'runsc':
        # ptrace: the platform of that version that works in a virtual machine; none: no setup of a network.
        flags += ['--platform=ptrace', '--ignore-cgroups', f'--network={network}']
    if tool == 'crun':
        flags += ['--cgroup-manager=cgroupfs']
    return flags


def have(tool):
    return shutil.which(tool) is not None


def private_mounts():
    """A mount namespace of our own, once: what is mounted from here on goes with this process. False: not allowed."""
    global _private
    if not _private and not os.geteuid() and not ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        subprocess.run(['mount', '--make-rprivate', '/'], stderr=subprocess.DEVNULL)
        _private = True
    return _private


_private = False


def private_cgroups():
    """crun refuses a hybrid cgroup tree: take the v2 part out of our own view."""
    if os.path.ismount('/sys/fs/cgroup/unified') and private_mounts():
        subprocess.run(['umount', '-l', '/sys/fs/cgroup/unified'], stderr=subprocess.DEVNULL)


def on_cpus(cmd, cpus):
    return ['taskset', '-c', ','.join(map(str, cpus)), *cmd]


def parse(text):
    """Lines of micro: name -> (median, minimum)."""
    out = {}
    for line in text.splitlines():
        f = line.split()
        if len(f) == 3:
            try:
                out[f[0]] = (float(f[1]), float(f[2]))
            except ValueError:
                continue
    return out


def run_micro(cmd, timeout=120):
    """What a program of ours printed, however it ended."""
    try:
        r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    except subprocess.TimeoutExpired as e:
        print(f'bench: no end after {timeout} s: {shlex.join(cmd)}', file=sys.stderr)
        return parse((e.stdout or b'').decode('utf-8', 'replace'))
    if r.returncode:
        print(f'bench: status {r.returncode}: {shlex.join(cmd)}\n{r.stderr.decode("utf-8", "replace")[-600:]}',
              file=sys.stderr)
    return parse(r.stdout.decode('utf-8', 'replace'))


class Best:
    """For each benchmark of a system, the best median and the best batch of all rounds."""

    def __init__(self):
        self.median, self.minimum = {}, {}

    def add(self, result):
        for k, (med, low) in result.items():
            self.median[k] = min(med, self.median.get(k, med))
            self.minimum[k] = min(low, self.minimum.get(k, low))
