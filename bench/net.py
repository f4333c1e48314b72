#!/usr/bin/env python3
"""net.py [--seconds N] - the network of a sandbox. First a server on a bridge: natively, under runc and in a sandbox, each in a
network namespace of its own on tests/net/lab.sh's bridge, with the load from the host's end of it. Then server and load
together over the loopback: natively, in runsc (which cannot attach to such a namespace here) and in a sandbox. MOAT names
the binary. What is not installed stays out of the table."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from common import remove

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOAT = os.environ.get('MOAT', str(ROOT / 'build/moat'))
SECONDS = int(sys.argv[2]) if sys.argv[1:2] == ['--seconds'] else 3


def bundle(d, cmd, netns):
    """
    An OCI bundle that runs cmd on the host's own programs in a network namespace. The runtime mounts them, read-only and in
    its own mount namespace: no folder of ours ever has something of the host's below it, for it is removed in the end.
    """
    b = d / f'bundle-{len(list(d.glob("bundle-*")))}'
    root = b / 'rootfs'
    root.mkdir(parents=True)
    for link in ('bin', 'sbin', 'lib', 'lib64'):
        (root / link).symlink_to(f'usr/{link}')
    subprocess.run(['runc', 'spec'], cwd=b, check=True)
    config = json.loads((b / 'config.json').read_text())
    config['process'].update(args=cmd, terminal=False)
    for caps in config['process']['capabilities'].values():
        caps += ['CAP_SETUID', 'CAP_SETGID', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE']
    config['root'] = {'path': 'rootfs', 'readonly': False}
    config['mounts'] += [{'destination': p, 'type': 'bind', 'source': p, 'options': ['bind', 'ro']}
                         for p in ('/usr', '/etc')]
    config['mounts'] += [{'destination': p, 'type': 'tmpfs', 'source': 'tmpfs'}
                         for p in ('/var', '/tmp', '/run', '/var/lib/nginx', '/var/log/nginx')]
    config['mounts'].append({'destination': str(d), 'type': 'bind', 'source': str(d), 'options': ['bind']})
    for n in config['linux']['namespaces']:
        if n['type'] == 'network':
            n['path'] = netns
    (b / 'config.json').write_text(json.dumps(config))
    return b


def inside(kind, cmd, d):
    """cmd and the address where it serves: natively in n2, under runc in n3, or in a sandbox in n1."""
    if kind == 'native':
        return ['ip', 'netns', 'exec', 'n2'] + cmd, '10.9.0.12'
    if kind == 'runc':
        cmd = [shutil.which(cmd[0], path='/usr/sbin:/usr/bin')] + cmd[1:]
        b = bundle(d, cmd, '/run/netns/n3')
        return ['runc', '--root', str(d / 'runc'), 'run', '-b', str(b), f'net-{os.getpid()}-{cmd[0].split("/")[-1]}'], '10.9.0.13'
    return [MOAT, 'do', '--platform', 'systrap', '--net', 'host-netns:n1', '--net-stats', '--'] + cmd, '10.9.0.11'


def wait_port(addr, port):
    import socket
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            socket.create_connection((addr, port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f'nothing listens at {addr}:{port}')


def output(cmd):
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS * 5 + 30)
    if r.returncode and cmd[0] != 'iperf3':
        raise RuntimeError(f'{cmd[0]}: {(r.stderr or r.stdout).strip()[-200:]}')
    return r.stdout


def iperf(addr, *flags):
    for _ in range(20):
        out = json.loads(output(['iperf3', '-J', '-c', addr, '-t', str(SECONDS), *flags]))
        if 'sum_received' in out.get('end', {}):
            return out['end']['sum_received']['bits_per_second'] / 8e6
        time.sleep(0.2)  # its server took our look at the port for a test
    raise RuntimeError(out.get('error', 'iperf3 said no rate'))


def wrk(addr, path, *flags):
    for line in output(['wrk', '-t1', '-c64', f'-d{SECONDS}', *flags, f'http://{addr}{path}']).splitlines():
        if line.startswith('Requests/sec'):
            return float(line.split()[1])
    raise RuntimeError('wrk said no rate')


def redis(addr, *flags):
    out = output(['redis-benchmark', '-h', addr, '-t', 'get', '-n', '20000', '-c', '50', '-q', '--csv', *flags])
    return float(out.splitlines()[-1].split('"')[3])


def ping_pong(addr):
    """Microseconds for one byte there and back; the other side echoes."""
    import socket
    s = socket.create_connection((addr, 7007))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    best = None
    for _ in range(5):
        start = time.monotonic()
        for _ in range(1000):
            s.send(b'x')
            s.recv(1)
        took = (time.monotonic() - start) * 1000
        best = min(best or took, took)
    s.close()
    return best


ECHO = """
import socket
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(('', 7007))
l.listen()
while True:
    c, _ = l.accept()
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while b := c.recv(1):
            c.send(b)
    except OSError:
        pass
    c.close()
"""


def cases(d):
    conf = d / 'nginx.conf'
    conf.write_text(f'daemon off; master_process off; pid {d}/pid; error_log {d}/log; events {{}}\n'
                    f'http {{ access_log off; sendfile on; server {{ listen 80; root {d}; }} }}\n')
    (d / '1k').write_bytes(b'x' * 1024)
    (d / '1m').write_bytes(b'x' * (1 << 20))
    nginx = ['nginx', '-c', str(conf)]
    store = ['redis-server', '--save', '', '--bind', '0.0.0.0', '--protected-mode', 'no', '--dir', str(d)]
    return [
        ('iperf3', ['iperf3', '-s'], 5201, [('TCP to it', 'MB/s', lambda a: iperf(a)),
                                            ('TCP from it', 'MB/s', lambda a: iperf(a, '-R'))]),
        ('nginx', nginx, 80, [('nginx 1 KiB, 64 connections', 'requests/s', lambda a: wrk(a, '/1k')),
                              ('nginx 1 KiB, a connection each', 'requests/s',
                               lambda a: wrk(a, '/1k', '-H', 'Connection: close')),
                              ('nginx 1 MiB, 64 connections', 'requests/s', lambda a: wrk(a, '/1m'))]),
        ('redis-server', store, 6379, [('redis GET', 'requests/s', lambda a: redis(a)),
                                       ('redis GET, 16 in a pipeline', 'requests/s', lambda a: redis(a, '-P', '16'))]),
        ('python3', ['python3', '-c', ECHO], 7007, [('one byte there and back', 'us', ping_pong)]),
    ]


def stop(p):
    p.terminate()
    try:
        p.wait(10)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()


def row(name, unit, kinds, got):
    values = [got.get((name, k)) for k in kinds]
    cells = ''.join(f'{v:12.0f}' if v else f"{'-':>12}" for v in values)
    ours = values[-1]
    ratios = ''.join(f'{ours / v:14.2f}' if v and ours else f"{'-':>14}" for v in values[:-1])
    print(f'{name:32}{cells}{ratios}  {unit}', flush=True)


def head(title, kinds):
    print(title)
    print(f"{'':32}" + ''.join(f'{k:>12}' for k in kinds) + ''.join(f"{'moat/' + k:>14}" for k in kinds[:-1]))


def measure(d):
    kinds = ['native'] + (['runc'] if shutil.which('runc') else []) + ['moat']
    head('Servers on a bridge', kinds)
    for tool, cmd, port, what in cases(d):
        if not shutil.which(tool):
            print(f'{tool} is not installed')
            continue
        got = {}
        for kind in kinds:
            full, addr = inside(kind, cmd, d)
            with open(d / f'{tool}-{kind}.log', 'w') as log:
                p = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                wait_port(addr, port)
                for name, _, fn in what:
                    try:
                        got[name, kind] = fn(addr)
                    except (RuntimeError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as e:
                        print(f'{name}, {kind}: {e}')
            except TimeoutError as e:
                print(f'{tool}, {kind}: {e}')
            stop(p)
        for name, unit, _ in what:
            row(name, unit, kinds, got)
        for line in (d / f'{tool}-moat.log').read_text(errors='replace').splitlines():
            if line.startswith('moat: net '):
                print('   ', line[6:])
    loopback(d)


LOCAL = """
$SERVER > /dev/null 2>&1 &
server=$!
i=0
while ! $READY > /dev/null 2>&1 && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
$LOAD
kill $server
"""


def together(kind, d, server, ready, load):
    env = {'SERVER': server, 'READY': ready, 'LOAD': load}
    script = LOCAL
    for k, v in env.items():
        script = script.replace('$' + k, v)
    cmd = ['sh', '-c', script]
    if kind == 'runsc':
        cmd = ['runsc', '--network=none', '--ignore-cgroups', '--root', str(d / 'runsc'), 'do'] + cmd
    elif kind == 'moat':
        cmd = [MOAT, 'do', '--platform', 'systrap', '--net', 'none', '--'] + cmd
    else:
        cmd = ['ip', 'netns', 'exec', 'n2'] + cmd
    return output(cmd)


def loopback(d):
    kinds = ['native'] + (['runsc'] if shutil.which('runsc') else []) + ['moat']
    head('Server and load together, over the loopback', kinds)
    nginx = f'nginx -c {d}/nginx.conf'
    redis_server = f'redis-server --save "" --dir {d}'

    def first(text, word, at):
        return next(float(line.split()[at]) for line in text.splitlines() if line.startswith(word))

    rows = [
        ('nginx 1 KiB, 64 connections', 'requests/s',
         (nginx, 'curl -sf http://127.0.0.1/1k', f'wrk -t1 -c64 -d{SECONDS} http://127.0.0.1/1k'),
         lambda t: first(t, 'Requests/sec', 1)),
        ('redis GET', 'requests/s', (redis_server, 'redis-cli ping', 'redis-benchmark -t get -n 20000 -c 50 -q --csv'),
         lambda t: float(t.splitlines()[-1].split('"')[3])),
        ('iperf3', 'MB/s', ('iperf3 -s', 'sleep 1', f'iperf3 -J -c 127.0.0.1 -t {SECONDS}'),
         lambda t: json.loads(t)['end']['sum_received']['bits_per_second'] / 8e6),
    ]
    for name, unit, what, parse in rows:
        got = {}
        for kind in kinds:
            try:
                got[name, kind] = parse(together(kind, d, *what))
            except (RuntimeError, StopIteration, KeyError, ValueError, IndexError, subprocess.TimeoutExpired) as e:
                print(f'{name}, {kind}: {type(e).__name__} {e}')
        row(name, unit, kinds, got)


def main():
    left = os.environ.get('LAB_INSIDE')
    if not left:
        script = f'exec {sys.executable} {pathlib.Path(__file__).resolve()} --seconds {SECONDS}'
        with tempfile.NamedTemporaryFile('w', suffix='.sh') as f:
            f.write(script + '\n')
            f.flush()
            return subprocess.call([str(ROOT / 'tests/net/lab.sh'), f.name], env={**os.environ, 'LAB_NETS': '3'})
    ours = [os.readlink(f'/proc/self/ns/{n}') for n in ('mnt', 'net')]
    if len(left.split()) != 2 or set(left.split()) & set(ours):  # as tests/net/namespaces has it
        sys.exit(f"{sys.argv[0]}: refused: LAB_INSIDE is '{left}', but these are not namespaces of its own")
    d = tempfile.mkdtemp(prefix='moat-net-')
    os.chmod(d, 0o755)
    try:
        measure(pathlib.Path(d))
    finally:
        remove(d)
    return 0


if __name__ == '__main__':
    sys.exit(main())
