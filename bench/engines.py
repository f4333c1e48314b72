"""engines.py - what an engine does with a runtime, beside runc, crun and runsc: create and start until the end, exec, delete, nginx
to its first answer, 50 containers in series and at once, and the host's memory of an idle one. Also as a plot, engines.svg.

Each system is driven as containerd's shim drives one: `create` and `start` by hand, with a pid-file, and as the subreaper of
what they leave behind. runsc has no cgroups here and shares the host's network (common.py, runtime_flags).
"""
from common import *
import select, signal, socket, tarfile

import idle, plot

TOOLS = ['moat', 'runc', 'crun', 'runsc']
MANY = 50
NGINX = os.path.join(BUILD, 'tests/engines/images/nginx.tar')
_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000
_PR_SET_CHILD_SUBREAPER = 36


def spawn(cmd):
    actions = [(os.POSIX_SPAWN_OPEN, i, '/dev/null', os.O_RDWR, 0) for i in range(2)]
    return os.posix_spawn(cmd[0], cmd, os.environ, file_actions=[*actions, (os.POSIX_SPAWN_OPEN, 2, errors(), os.O_WRONLY | os.O_CREAT
                                                                             | os.O_APPEND, 0o600)])


def errors():
    return os.path.join(work(), 'engines.err')


_ended = {}


def end(pid):
    """Its exit status. Whoever else ends meanwhile is reaped too: a runtime may wait until its own sandbox is gone."""
    while pid not in _ended:
        p, status = os.waitpid(-1, 0)
        _ended[p] = os.waitstatus_to_exitcode(status)
    return _ended.pop(pid)


def run(cmd):
    """Seconds; Miss if it fails."""
    t0 = time.monotonic()
    status = end(spawn(cmd))
    if status:
        with open(errors(), errors='replace') as f:
            raise Miss(f'{" ".join(cmd[-4:])}: status {status}: {f.read()[-200:].strip()}')
    return time.monotonic() - t0


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def edit(d, change):
    path = os.path.join(d, 'config.json')
    with open(path) as f:
        c = json.load(f)
    change(c)
    with open(path, 'w') as f:
        json.dump(c, f)


def join_network(c):
    """The namespace of network(), and the capabilities with which nginx becomes another user."""
    for n in c['linux']['namespaces']:
        if n['type'] == 'network':
            n['path'] = '/run/netns/web'
    for caps in c['process']['capabilities'].values():
        caps += ['CAP_SETUID', 'CAP_SETGID', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_NET_BIND_SERVICE']


class Runtime:
    """One of TOOLS. Containers are named by number; their bundle is made once per program."""

    def __init__(self, name, network='none'):
        self.name, self.next, self.bundles = name, 0, {}
        self.tool = [MOAT, '--root', os.path.join(work(), 'state-moat'), '--platform', 'systrap'] if name == 'moat' else [
            shutil.which(name), *runtime_flags(name, network)]

    def bundle(self, *args, root=None):
        if args not in self.bundles:
            self.bundles[args] = bundle(self.name, args, root)
            if root:
                edit(self.bundles[args], join_network)
        return self.bundles[args]

    def ident(self):
        self.next += 1
        return f'moat-bench-{self.name}-{os.getpid()}-{self.next}'

    def create(self, d, ident):
        return [*self.tool, 'create', '--bundle', d, '--pid-file', self.pid_file(ident), ident]

    def pid_file(self, ident):
        return os.path.join(work(), f'{ident}.pid')

    def pid(self, ident):
        with open(self.pid_file(ident)) as f:
            return int(f.read())

    def cmd(self, *words):
        return [*self.tool, *words]

    def started(self, *args):
        """A running container."""
        ident = self.ident()
        run(self.create(self.bundle(*args), ident))
        run(self.cmd('start', ident))
        return ident

    def ended(self, ident, seconds=20):
        """Waits for the end of its process, whoever its parent is."""
        try:
            fd = os.pidfd_open(self.pid(ident))
        except ProcessLookupError:
            return
        try:
            if not select.select([fd], [], [], seconds)[0]:
                raise Miss(f'{self.name}: {ident} does not end')
        finally:
            os.close(fd)

    def remove(self, idents):
        for pid in [spawn(self.cmd('delete', '--force', i)) for i in idents]:
            end(pid)
        reap()


# ---- measures: each returns seconds of one round, by the name of a row ----

def lifetime(rt):
    d, ident = rt.bundle('true'), rt.ident()
    t0 = time.monotonic()
    try:
        run(rt.create(d, ident))
        run(rt.cmd('start', ident))
        rt.ended(ident)
        t1 = time.monotonic()
        reap()
        return {'create, start, end of `true`': t1 - t0, 'delete': run(rt.cmd('delete', ident))}
    except Miss:
        rt.remove([ident])
        raise


def execs(rt, ident):
    return {'exec of `true`': run(rt.cmd('exec', ident, '/bin/micro', 'true'))}


def in_series(rt):
    d, idents = rt.bundle('idle'), [rt.ident() for _ in range(MANY)]
    t0 = time.monotonic()
    try:
        for i in idents:
            run(rt.create(d, i))
            run(rt.cmd('start', i))
        return {f'{MANY} in series': time.monotonic() - t0}
    finally:
        rt.remove(idents)


def at_once(rt, memory):
    """`memory` gets what each costs, while all are there."""
    d, idents = rt.bundle('idle'), [rt.ident() for _ in range(MANY)]
    t0 = time.monotonic()
    try:
        pids = [spawn(['/bin/sh', '-c', f'{shlex.join(rt.create(d, i))} && {shlex.join(rt.cmd("start", i))}']) for i in idents]
        failed = sum(1 for p in pids if end(p))
        took = time.monotonic() - t0
        if failed:
            with open(errors(), errors='replace') as f:
                raise Miss(f'{failed} of {MANY} did not start: {f.read()[-200:].strip()}')
        time.sleep(2)
        memory.append(cost(rt, idents))
        return {f'{MANY} at once': took}
    finally:
        rt.remove(idents)


def cost(rt, idents):
    """Of one of these containers, in KiB: PSS with page tables of its processes, what its memory cgroup says, number of processes."""
    total = count = used = 0
    for i in idents:
        word = i if rt.name == 'runsc' else '\0never\0'
        for pid in idle.family(rt.pid(i), word):
            pss, _, tables = idle.pss(pid)
            total, count = total + pss + tables, count + 1
        used += memcg(rt.pid(i))
    return total / len(idents), used / len(idents) / 1024, count / len(idents)


def memcg(pid):
    """Bytes in use by the memory cgroup of a process, v1 or v2; 0 if it has none of its own."""
    with open(f'/proc/{pid}/cgroup') as f:
        for line in f:
            _, names, path = line.rstrip('\n').split(':', 2)
            for top, file in (('/sys/fs/cgroup/memory', 'memory.usage_in_bytes'), ('/sys/fs/cgroup', 'memory.current')):
                if (names == 'memory' or not names) and 'moat-bench' in path and os.path.exists(f'{top}{path}/{file}'):
                    with open(f'{top}{path}/{file}') as used:
                        return int(used.read())
    return 0


# ---- nginx ----

def nginx_root():
    """The root file system of the test image, or None if it is not made."""
    root = os.path.join(work(), 'nginx')
    if not os.path.exists(root):
        if not os.path.exists(NGINX):
            subprocess.run([os.path.join(ROOT, 'tests/engines/images'), os.path.dirname(NGINX)], check=True)
        with tarfile.open(NGINX) as outer:
            layer = max(outer.getmembers(), key=lambda m: m.size)
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                inner.extractall(root)
    return root


def private_network():
    """Mount and network namespaces of our own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS):
        raise Miss(f'unshare: {os.strerror(ctypes.get_errno())}')
    for line in ('mount --make-rprivate /', 'mkdir -p /run/netns', 'mount -t tmpfs tmpfs /run/netns', 'ip link set lo up'):
        subprocess.run(line.split(), check=True)


def network():
    """The namespace /run/netns/web at 10.88.0.2, anew, as a CNI plugin makes one for each container; we are 10.88.0.1."""
    if os.path.exists('/run/netns/web'):
        subprocess.run(['ip', 'link', 'del', 'host0'], check=True)  # the namespace itself goes a moment later
        subprocess.run(['ip', 'netns', 'del', 'web'], check=True)
    for line in ('ip netns add web', 'ip link add host0 type veth peer name eth0 netns web', 'ip addr add 10.88.0.1/24 dev host0',
                 'ip link set host0 up', 'ip -n web addr add 10.88.0.2/24 dev eth0', 'ip -n web link set eth0 up',
                 'ip -n web link set lo up', 'ip -n web route add default via 10.88.0.1'):
        subprocess.run(line.split(), check=True)


def answered(limit=20):
    """Returns when 10.88.0.2 has answered a request."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        with socket.socket() as s:
            s.settimeout(0.01)  # a SYN is lost while the address changes from the host to the sandbox
            try:
                s.connect(('10.88.0.2', 80))
                s.settimeout(5)
                s.sendall(b'GET / HTTP/1.0\r\n\r\n')
                if b'200 OK' in s.recv(4096):
                    return
            except OSError:
                time.sleep(0.001)
    raise Miss('nginx does not answer')


def nginx(rt):
    d, ident = rt.bundle('nginx', '-g', 'daemon off;', root=nginx_root()), rt.ident()
    network()
    t0 = time.monotonic()
    try:
        run(rt.create(d, ident))
        run(rt.cmd('start', ident))
        answered()
        return {'nginx to its first answer': time.monotonic() - t0}
    finally:
        rt.remove([ident])


# ---- the table ----

GOALS = {'create, start, end of `true`': 0.5, 'exec of `true`': 1.0, f'{MANY} at once': 1.0}
IDLE_GOAL = 6.0  # MiB beyond runc's


class Rounds:
    def __init__(self, tools):
        self.tools, self.took, self.broken = tools, {}, {}

    def go(self, n, measure, **args):
        """n times measure(runtime, ...) by each in turn; one that fails is out of this measure."""
        broken = set()
        for _ in range(n):
            for rt in self.tools:
                if rt.name in broken:
                    continue
                try:
                    more = {k: v[rt.name] for k, v in args.items()}
                    for row, seconds in measure(rt, **more).items():
                        self.took.setdefault(row, {}).setdefault(rt.name, []).append(seconds)
                except (Miss, OSError, subprocess.SubprocessError, KeyError) as e:
                    broken.add(rt.name)
                    self.broken[rt.name, measure.__name__] = str(e)
            reap()


def measure(tools):
    rounds, memory = Rounds(tools), {rt.name: [] for rt in tools}
    n = 25 if FULL else 11
    rounds.go(n, lifetime)
    held = {}
    for rt in tools:
        try:
            held[rt.name] = rt.started('idle')
        except (Miss, OSError) as e:
            rounds.broken[rt.name, 'started'] = str(e)
    try:
        rounds.go(n, execs, ident=held)
    finally:
        for rt in tools:
            rt.remove([i for name, i in held.items() if name == rt.name])
    rounds.go(3 if FULL else 1, in_series)
    rounds.go(3 if FULL else 2, at_once, memory=memory)
    return rounds, memory


def in_child(fn):
    """What fn returns, from a child of ours, which may change its namespaces."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        try:
            data = json.dumps(fn()).encode()
        except Exception as e:
            data = json.dumps({'error': f'{type(e).__name__}: {e}'}).encode()
        os.write(w, data)
        os._exit(0)
    os.close(w)
    with open(r, 'rb') as f:
        data = f.read()
    os.waitpid(pid, 0)
    return json.loads(data or b'{"error": "it died"}')


def with_network():
    private_network()
    subreaper()
    rounds = Rounds([Runtime(t, 'host') for t in TOOLS if t == 'moat' or have(t)])
    rounds.go(11 if FULL else 5, nginx)
    return {'took': rounds.took, 'broken': {n: why for (n, _), why in rounds.broken.items()}}


def subreaper():
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main():
    subreaper()
    work()  # before the child with a network: it is removed once, by us
    await_idle(20)
    idle_before = machine_idle()
    tools = [Runtime(t) for t in TOOLS if t == 'moat' or have(t)]
    web = in_child(with_network)
    rounds, memory = measure(tools)
    rounds.took.update(web.get('took', {}))
    rounds.broken.update({(n, 'nginx'): why for n, why in web.get('broken', {}).items()})
    after = machine_idle()
    busy = min(idle_before, after) < BUSY
    judge = min if busy else median
    t = Table('engines', 'what an engine does with a runtime, in ms', ['', *TOOLS, *(f'of {o}' for o in TOOLS[1:]), 'target'])
    groups = []
    for row in ['create, start, end of `true`', 'exec of `true`', 'delete', 'nginx to its first answer', f'{MANY} in series',
                f'{MANY} at once']:
        v = {n: judge(s) * 1000 for n, s in rounds.took.get(row, {}).items()}
        goal = GOALS.get(row)
        ratio = {o: v['moat'] / v[o] if 'moat' in v and o in v else None for o in TOOLS[1:]}
        t.row(row, *(f'{v[n]:.1f}' if n in v else '-' for n in TOOLS), *(times(ratio[o]) for o in TOOLS[1:]),
              f'<= {goal:.2f}x runc' if goal else '', mark=(ratio['runc'] is not None and ratio['runc'] <= goal) if goal else None)
        groups.append((row, {n: v[n] / v['runc'] for n in v if 'runc' in v}, goal))
    groups += memory_rows(t, memory)
    for (name, what), why in rounds.broken.items():
        t.note(f'{name}: {what}: {why}')
    t.note(f'The machine was {idle_before:.0%} idle before this table and {after:.0%} after it: {"best" if busy else "median"} times. '
           'runsc: ptrace, no cgroups.')
    if 'error' in web:
        t.note(f'nginx: {web["error"]}')
    marks = t.done()
    with open(os.path.join(RESULTS, 'engines.svg'), 'w') as f:
        f.write(plot.bars('A runtime under an engine, as multiples of runc (less is better)', TOOLS, groups))
    return marks


def memory_rows(t, memory):
    """The rows of an idle container's memory, in MiB."""
    best = {n: min(m) for n, m in memory.items() if m}
    groups = []
    for column, name in enumerate(['idle: PSS and page tables, MiB', 'idle: memory cgroup, MiB']):
        v = {n: m[column] / 1024 for n, m in best.items() if m[column]}
        ratio = {o: v['moat'] / v[o] if 'moat' in v and o in v else None for o in TOOLS[1:]}
        met = 'moat' in v and 'runc' in v and v['moat'] <= v['runc'] + IDLE_GOAL
        t.row(name, *(f'{v[n]:.2f}' if n in v else '-' for n in TOOLS), *(times(ratio[o]) for o in TOOLS[1:]),
              f'<= runc + {IDLE_GOAL:.0f}', mark=met)
    for n, m in best.items():
        t.note(f'{n}: {m[2]:.0f} host processes of an idle container')
    return groups
