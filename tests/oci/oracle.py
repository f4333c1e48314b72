#!/usr/bin/env python3
"""The same bundles and commands under runc and under moat: what both do must be the same.

usage: oracle.py [--full] [--only GLOB] [-v] [--record]   MOAT names the program, PLATFORM its platform

A configuration (oracle_cases.py) goes create, state, start, state, delete; compared are the exit status of each command, the
status that `state` gives, the program's exit status as its subreaper sees it, its output, and which files of the bundle hooks
wrote. Then each command is tried on containers in each status. oracle.differences lists what differs and why:
"CASE FIELD  reason", where * stands for anything; a line there that is not true any more fails, as does a difference without one. --record prints such lines.
"""
import array, ctypes, fnmatch, json, os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle_cases import CASES, SHORT

RUNC = '/usr/sbin/runc'
MOAT = [os.environ.get('MOAT', 'build/moat'), '--platform', os.environ.get('PLATFORM', 'auto')]
TOOLS = ('sh cat chmod cp cut date dd df echo env false grep head hostname id ln ls mkdir ps pwd readlink rm rmdir sed sleep '
         'sort stat stty tail test tr true tty umask uname wc').split()
PR_SET_CHILD_SUBREAPER = 36


class Runtime:
    def __init__(self, name, argv, where):
        self.name, self.argv, self.where = name, argv + ['--root', str(where / (name + '.state'))], where

    def command(self, *args, stdin=subprocess.DEVNULL, limit=20):
        try:
            p = subprocess.run(self.argv + list(args), stdin=stdin, capture_output=True, timeout=limit)
            return p.returncode, p.stdout.decode('utf-8', 'replace'), p.stderr.decode('utf-8', 'replace')
        except subprocess.TimeoutExpired:
            return 'timeout', '', ''

    def status(self, id_):
        ret, out, _ = self.command('state', id_)
        return json.loads(out)['status'] if ret == 0 else 'none'


def make_root(path):
    for d in 'bin dev etc proc root sys tmp'.split():
        (path / d).mkdir(parents=True)
    shutil.copy2('/bin/busybox', path / 'bin/busybox')
    for t in TOOLS:
        (path / 'bin' / t).symlink_to('busybox')


def base_config(where):
    subprocess.run([RUNC, 'spec'], cwd=where, check=True)
    c = json.loads((where / 'config.json').read_text())
    c['process']['terminal'] = False
    c['root']['readonly'] = False
    c['process']['env'] = ['PATH=/bin']
    return c


def reap(pid, seconds=15):
    """Exit status of a child that another process made, as a shell says it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 'no child'
        if done:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        time.sleep(0.01)
    return 'runs on'


class Console:
    """A console socket, and what comes out of the terminal that is sent to it."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(10)
        self.text = b''
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        try:
            conn, _ = self.listener.accept()
        except OSError:
            return
        _, ancillary, _, _ = conn.recvmsg(4096, socket.CMSG_SPACE(4))
        fds = array.array('i')
        for _, _, data in ancillary:
            fds.frombytes(data[:4])
        while fds:
            try:
                part = os.read(fds[0], 4096)
            except OSError:
                part = b''
            if not part:
                os.close(fds[0])
                return
            self.text += part

    def end(self):
        self.listener.close()
        self.thread.join(10)
        return self.text.decode('utf-8', 'replace')


def life(rt, bundle, terminal):
    """create, start, end, delete; a dict of what was seen."""
    seen, id_ = {}, 'oracle-' + rt.name
    argv = rt.argv + ['create', '--bundle', str(bundle), '--pid-file', str(bundle / 'pid')]
    console = Console(bundle / 's') if terminal else None
    if console:
        argv += ['--console-socket', str(bundle / 's')]
    with open(bundle / 'out', 'wb') as out, open(bundle / 'err', 'wb') as err:
        try:
            seen['create'] = subprocess.run(argv + [id_], stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=20).returncode
        except subprocess.TimeoutExpired:
            seen['create'] = 'timeout'
    seen['created'] = rt.status(id_)
    if seen['create'] == 0:
        seen['start'] = rt.command('start', id_)[0]
        state = json.loads(rt.command('state', id_)[1] or '{}')
        seen['annotations'] = state.get('annotations') or {}
        if seen['start'] == 0:
            seen['exit'] = reap(int((bundle / 'pid').read_text()))
        seen['ended'] = rt.status(id_)
        seen['delete'] = rt.command('delete', id_)[0]
    seen['after'] = rt.status(id_)
    rt.command('delete', '--force', id_)
    seen['output'] = console.end() if console else (bundle / 'out').read_text(errors='replace')
    if 'start' in seen and seen['create'] == seen['start'] == 0:
        seen['errors'] = (bundle / 'err').read_text(errors='replace')
    seen['log'] = (bundle / 'log').read_text() if (bundle / 'log').exists() else ''
    return seen


def run_case(rt, name, where, base):
    bundle = where / f'{name}.{rt.name}'
    bundle.mkdir()
    make_root(bundle / 'rootfs')
    config = json.loads(json.dumps(base))
    text = CASES[name](config, bundle)
    (bundle / 'config.json').write_text(json.dumps(config) if text is None else text)
    try:
        return life(rt, bundle, config.get('process', {}).get('terminal'))
    finally:
        shutil.rmtree(bundle)


# ---- the commands, on containers in each status ----

def in_status(rt, status, id_, bundle):
    """A container in that status; its pid."""
    if status == 'missing':
        return
    subprocess.run(rt.argv + ['create', '--bundle', str(bundle), '--pid-file', str(bundle / 'pid'), id_], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=True)
    pid = int((bundle / 'pid').read_text())
    if status != 'created':
        rt.command('start', id_)
    if status == 'stopped':
        rt.command('kill', id_, 'KILL')
        reap(pid)
    if status == 'paused':
        rt.command('pause', id_)


COMMANDS = [('state',), ('start',), ('pause',), ('resume',), ('ps', '--format', 'json'), ('kill', '{}', '0'), ('kill', '{}', 'TERM'),
            ('kill', '{}', 'SIGKILL'), ('kill', '{}', '9'), ('kill', '--all', '{}', '9'), ('kill', '{}', 'NOSUCH'), ('kill', '{}', '99'),
            ('delete',), ('delete', '--force'), ('exec', '{}', 'true'), ('exec', '{}', 'sh', '-c', 'echo out; exit 5'),
            ('exec', '{}', 'absent'), ('exec', '--cwd', '/tmp', '--user', '7:8', '--env', 'A=b', '{}', 'sh', '-c', 'pwd; id -u; id -g; echo $A'),
            ('update', '--pids-limit', '100'), ('events', '--stats'), ('list', '-q'), ('list', '--format', 'json'), ('create',), ('run',),
            ('state', '--nosuch'), ('nosuch',)]


def shape(command, out, id_):
    """What of an output can be the same: not numbers, times and paths."""
    out = out.replace(id_, 'ID')
    if out.startswith('Incorrect Usage'):
        return ''
    if command[0] in ('state', 'list', 'events', 'ps'):
        try:
            v = json.loads(out)
        except ValueError:
            return out
        if command[0] == 'ps':
            return f'{len(v)} processes' if v else str(v)
        if command[0] == 'events':
            return v.get('type')
        rows = v if isinstance(v, list) else [v] if v else v
        return sorted((r['id'], r['status'], r['pid'] > 0, sorted(r)) for r in rows) if rows else str(v)
    return out


def run_command(rt, command, status, bundle):
    id_ = f'oracle-{rt.name}'
    in_status(rt, status, id_, bundle)
    argv = [a.replace('{}', id_) for a in command]
    if '{}' not in command and command[0] not in ('list', 'nosuch'):
        argv.append(id_)
    if command[0] in ('create', 'run'):
        argv[1:1] = ['--bundle', str(bundle)]
    ret, out, err = rt.command(*argv, limit=5)
    seen = {'exit': ret, 'output': shape(command, out, id_), 'says why': bool(err.strip())}
    for _ in range(150):
        seen['then'] = rt.status(id_)
        if seen['then'] not in ('running', 'created') or command[0] not in ('kill',) or command[-1] in ('0', '99', 'NOSUCH'):
            break
        time.sleep(0.02)
    rt.command('delete', '--force', id_)
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    return seen


# ---- comparison ----

def read_differences():
    known = {}
    path = pathlib.Path(__file__).with_suffix('.differences')
    for line in path.read_text().splitlines() if path.exists() else ():
        if line and not line.startswith('#'):
            name, field, reason = line.split(None, 2)
            known[name, field] = reason
    return known


class Judge:
    def __init__(self, record, verbose):
        self.known, self.failures, self.ran, self.record, self.verbose = read_differences(), 0, 0, record, verbose

    def fail(self, text):
        self.failures += 1
        print(text, flush=True)

    def compare(self, name, runc, moat):
        self.ran += 1
        if self.verbose:
            print(name, moat, flush=True)
        for field in sorted({*runc, *moat}):
            key = name, field.replace(' ', '_')
            a, b = runc.get(field), moat.get(field)
            known = any(fnmatch.fnmatch(name, n) and fnmatch.fnmatch(key[1], f) for n, f in self.known)
            if a == b and key in self.known:
                self.fail(f'{name}: {field}: no difference any more, remove it from oracle.differences')
            elif a != b and self.record and not known:
                print(f'{key[0]} {key[1]}  runc: {a!r}, moat: {b!r}')
            elif a != b and not known:
                self.fail(f'{name}: {field}:\n  runc: {a!r}\n  moat: {b!r}')


def main():
    full, only = '--full' in sys.argv, '*'
    if '--only' in sys.argv:
        only, full = sys.argv[sys.argv.index('--only') + 1], True
    judge = Judge('--record' in sys.argv, '-v' in sys.argv)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryDirectory() as d:
        where = pathlib.Path(d)
        runc, moat = Runtime('runc', [RUNC], where), Runtime('moat', MOAT, where)
        base = base_config(where)
        for name in CASES if full else SHORT:
            if fnmatch.fnmatch(name, only):
                judge.compare(name, run_case(runc, name, where, base), run_case(moat, name, where, base))
        bundle = where / 'commands'
        make_root(bundle / 'rootfs')
        base['process']['args'] = ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.05; done']
        (bundle / 'config.json').write_text(json.dumps(base))
        for status in ('missing', 'created', 'running', 'paused', 'stopped') if full else ():
            for command in COMMANDS:
                name = '+'.join([status, *command]).replace(' ', '_')
                if 'nosuch' in command[-1] and status != 'missing':
                    continue
                if fnmatch.fnmatch(name, only):
                    judge.compare(name, *(run_command(rt, command, status, bundle) for rt in (runc, moat)))
    print(f'{judge.ran} compared, {judge.failures} differ without a reason')
    sys.exit(judge.failures != 0)


if __name__ == '__main__':
    main()
