#!/usr/bin/env python3
"""net_lab.py OUTPUT [--seconds N] - the figures of net.py's tables of this machine, as JSON, from the bridge of tests/net/lab.sh.

A server on the bridge: natively, under runc and in a sandbox, each in a network namespace of its own, with the load from the
host's end of the bridge for all. Then server and load together over the loopback: natively, in runsc, which cannot attach to
such a namespace on new kernels, and in a sandbox. OUTPUT holds {"loopback": {row: {system: figure}}, "bridge": ..., "notes": [...]}.
"""
import json, os, pathlib, shlex, shutil, socket, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
from common import MOAT, bundle, have, program, remove

SECONDS = 3
NOTES = []


def output(cmd):
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       timeout=SECONDS * 5 + 40)
    if r.returncode and cmd[0] != 'iperf3':
        raise RuntimeError(f'{cmd[0]}: status {r.returncode}: {(r.stderr or r.stdout).strip()[-200:]}')
    return r.stdout


def configure(d):
    """What the servers serve; their command lines."""
    conf = d / 'nginx.conf'
    conf.write_text(f'daemon off; master_process off; pid {d}/pid; error_log {d}/log; events {{}}\n'
                    f'http {{ access_log off; sendfile on; server {{ listen 80; root {d}; }} }}\n')
    (d / '1k').write_bytes(b'x' * 1024)
    (d / '1m').write_bytes(b'x' * (1 << 20))
    return {'nginx': ['nginx', '-c', str(conf)],
            'redis': ['redis-server', '--save', '', '--bind', '0.0.0.0', '--protected-mode', 'no', '--dir', str(d)],
            'iperf3': ['iperf3', '-s'],
            'sockets': [str(d / 'sockets'), 'serve']}


# ---- what is measured, by the text of a load generator ----

def wrk_rate(text):
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith('Requests/sec'))


def redis_rate(text):
    return float(text.splitlines()[-1].split('"')[3])


def iperf_rate(text):
    return json.loads(text)['end']['sum_received']['bits_per_second'] / 8e6


def ns_each(text):
    """A line of sockets.c: the best batch."""
    return float(text.split()[2])


def loads(d, addr):
    """Row: (server, its port, the load's command, what its text says)."""
    def wrk(path, *flags):
        return ['wrk', '-t1', '-c64', f'-d{SECONDS}', *flags, f'http://{addr}{path}']

    def redis(n, *flags):
        return ['redis-benchmark', '-h', addr, '-t', 'get', '-n', str(n), '-c', '50', '-q', '--csv', *flags]

    def iperf(*flags):
        return ['iperf3', '-J', '-c', addr, '-t', str(SECONDS), *flags]

    def sockets(name):
        return ['env', f'SERVER={addr}', str(d / 'sockets'), '-t', '20', '-b', '15', name]

    return {
        'nginx 1 KiB': ('nginx', 80, wrk('/1k'), wrk_rate),
        'nginx 1 KiB, a connection each': ('nginx', 80, wrk('/1k', '-H', 'Connection: close'), wrk_rate),
        'nginx 1 MiB': ('nginx', 80, wrk('/1m'), wrk_rate),
        'redis GET': ('redis', 6379, redis(20000), redis_rate),
        'redis GET, 16 in a pipeline': ('redis', 6379, redis(100000, '-P', '16'), redis_rate),
        'stream to it': ('iperf3', 5201, iperf(), iperf_rate),
        'stream from it': ('iperf3', 5201, iperf('-R'), iperf_rate),
        'one byte there and back': ('sockets', 7007, sockets('echo'), ns_each),
        'connect and close': ('sockets', 7007, sockets('connect'), ns_each),
    }


def measured(cmd, parse):
    """The load's figure; a second try, for iperf3's server takes one client at a time and may see our look at its port as one."""
    for _ in range(3):
        text = output(cmd)
        try:
            return parse(text)
        except (KeyError, IndexError, StopIteration, ValueError):
            time.sleep(0.5)
    raise RuntimeError(f'{cmd[0]} said no figure: {text.strip()[-200:]}')


# ---- on the bridge ----

def oci(d, cmd, netns):
    """A bundle that runs cmd on the host's own programs, which the runtime mounts, read-only, in its own mount namespace."""
    root = d / 'rootfs'
    if not root.exists():
        root.mkdir()
        for link in ('bin', 'sbin', 'lib', 'lib64'):
            (root / link).symlink_to(f'usr/{link}')
    b = pathlib.Path(bundle('net', [shutil.which(cmd[0], path='/usr/sbin:/usr/bin') or cmd[0], *cmd[1:]], str(root)))
    config = json.loads((b / 'config.json').read_text())
    for caps in config['process']['capabilities'].values():
        caps += ['CAP_SETUID', 'CAP_SETGID', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_NET_BIND_SERVICE']
    config['mounts'] += [{'destination': p, 'type': 'bind', 'source': p, 'options': ['bind', 'ro']} for p in ('/usr', '/etc')]
    config['mounts'] += [{'destination': p, 'type': 'tmpfs', 'source': 'tmpfs'}
                         for p in ('/var', '/tmp', '/run', '/var/lib/nginx', '/var/log/nginx')]
    config['mounts'].append({'destination': str(d), 'type': 'bind', 'source': str(d), 'options': ['bind']})
    for n in config['linux']['namespaces']:
        if n['type'] == 'network':
            n['path'] = netns
    (b / 'config.json').write_text(json.dumps(config))
    return b


def served(system, cmd, d):
    """The command that serves, and where: natively in n2, under runc in n3, in a sandbox in n1."""
    if system == 'native':
        return ['ip', 'netns', 'exec', 'n2', *cmd], '10.9.0.12'
    if system == 'runc':
        ident = f'moat-net-{os.getpid()}-{os.path.basename(cmd[0])}'
        return ['runc', '--root', str(d / 'runc'), 'run', '-b', str(oci(d, cmd, '/run/netns/n3')), ident], '10.9.0.13'
    return [MOAT, 'do', '--platform', 'systrap', '--net', 'host-netns:n1', '--net-stats', '--', *cmd], '10.9.0.11'


def wait_port(addr, port, p):
    end = time.monotonic() + 15
    while time.monotonic() < end and p.poll() is None:
        try:
            socket.create_connection((addr, port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f'nothing listens at {addr}:{port}')


def stop(p):
    p.terminate()
    try:
        p.wait(10)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()


def bridge(d, servers):
    got = {}
    for server, cmd in servers.items():
        for system in ['native', 'runc', 'moat'] if have('runc') else ['native', 'moat']:
            full, addr = served(system, cmd, d)
            path = d / f'{server}-{system}.log'
            with open(path, 'w') as log:
                p = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            for row, (needs, port, load, parse) in loads(d, addr).items():
                if needs != server:
                    continue
                try:
                    wait_port(addr, port, p)
                    got.setdefault(row, {})[system] = measured(load, parse)
                except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                    NOTES.append(f'{row}, {system}: {e}')
            stop(p)
            NOTES.extend(f'{server}: {line[6:]}' for line in path.read_text(errors='replace').splitlines()
                         if line.startswith('moat: net '))
    return got


# ---- over the loopback ----

TOGETHER = """
$SERVER > /dev/null 2>&1 &
server=$!
i=0
while ! $READY > /dev/null 2>&1 && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
$LOAD
kill $server
"""
READY = {'nginx': 'curl -sf http://127.0.0.1/1k', 'redis': 'redis-cli ping', 'iperf3': 'sleep 1', 'sockets': 'sleep 0.5'}
LOOPBACK = ['nginx 1 KiB', 'redis GET', 'redis GET, 16 in a pipeline', 'stream to it', 'one byte there and back',
            'connect and close']


def together(system, script, d):
    cmd = ['sh', '-c', script]
    if system == 'runsc':
        return ['runsc', '--network=none', '--ignore-cgroups', '--platform=ptrace', '--root', str(d / 'runsc'), 'do', *cmd]
    if system == 'moat':
        return [MOAT, 'do', '--platform', 'systrap', '--net', 'none', '--', *cmd]
    return ['ip', 'netns', 'exec', 'n2', *cmd]


def loopback(d, servers):
    got = {}
    for row in LOOPBACK:
        server, _, load, parse = loads(d, '127.0.0.1')[row]
        if server not in servers:
            continue
        script = TOGETHER.replace('$SERVER', shlex.join(servers[server])).replace('$READY', READY[server]).replace('$LOAD', shlex.join(load))
        for system in ['native', 'runsc', 'moat'] if have('runsc') else ['native', 'moat']:
            try:
                got.setdefault(row, {})[system] = measured(together(system, script, d), parse)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                NOTES.append(f'{row}, {system}: {type(e).__name__} {e}')
    return got


def main():
    global SECONDS
    if sys.argv[2:3] == ['--seconds']:
        SECONDS = int(sys.argv[3])
    left = os.environ.get('LAB_INSIDE', '').split()
    if len(left) != 2 or set(left) & {os.readlink(f'/proc/self/ns/{n}') for n in ('mnt', 'net')}:  # as tests/net/namespaces has it
        sys.exit(f"{sys.argv[0]}: refused: LAB_INSIDE is '{' '.join(left)}', but these are not namespaces of its own")
    d = pathlib.Path(tempfile.mkdtemp(prefix='moat-net-'))
    try:
        d.chmod(0o755)
        shutil.copy(program('sockets'), d / 'sockets')
        tools = {'nginx': 'wrk', 'redis': 'redis-benchmark', 'iperf3': 'iperf3', 'sockets': 'sh'}
        servers = {}
        for name, cmd in configure(d).items():
            if shutil.which(cmd[0]) and have(tools[name]):
                servers[name] = cmd
            else:
                NOTES.append(f'{name} or {tools[name]} is not installed: make deps')
        got = {'loopback': loopback(d, servers), 'bridge': bridge(d, servers), 'notes': NOTES}
        pathlib.Path(sys.argv[1]).write_text(json.dumps(got))
    finally:
        remove(str(d))


if __name__ == '__main__':
    main()
