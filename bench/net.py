#!/usr/bin/env python3
"""net.py [--seconds N] - the network of a sandbox on a bridge, beside a native process in the same place: a namespace on
tests/net/lab.sh's bridge. The load comes from the host's end of the bridge for both. MOAT names the binary.

Not here yet: runc and runsc in the same place, connections without keep-alive, request-response latency by itself."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOAT = os.environ.get('MOAT', str(ROOT / 'build/moat'))
SECONDS = int(sys.argv[2]) if sys.argv[1:2] == ['--seconds'] else 3


def inside(kind, cmd):
    """cmd and the address where it serves: natively in n2, or in a sandbox in n1."""
    if kind == 'native':
        return ['ip', 'netns', 'exec', 'n2'] + cmd, '10.9.0.12'
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
    if r.returncode:
        raise RuntimeError(f'{cmd[0]}: {(r.stderr or r.stdout).strip()[-200:]}')
    return r.stdout


def iperf(addr, *flags):
    out = json.loads(output(['iperf3', '-J', '-c', addr, '-t', str(SECONDS), *flags]))
    return out['end']['sum_received']['bits_per_second'] / 8e6


def wrk(addr, path):
    for line in output(['wrk', '-t1', '-c64', f'-d{SECONDS}', f'http://{addr}{path}']).splitlines():
        if line.startswith('Requests/sec'):
            return float(line.split()[1])
    raise RuntimeError('wrk said no rate')


def redis(addr, *flags):
    out = output(['redis-benchmark', '-h', addr, '-t', 'get', '-n', '20000', '-c', '50', '-q', '--csv', *flags])
    return float(out.splitlines()[-1].split('"')[3])


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
                              ('nginx 1 MiB, 64 connections', 'requests/s', lambda a: wrk(a, '/1m'))]),
        ('redis-server', store, 6379, [('redis GET', 'requests/s', lambda a: redis(a)),
                                       ('redis GET, 16 in a pipeline', 'requests/s', lambda a: redis(a, '-P', '16'))]),
    ]


def measure(d):
    print(f"{'':32}{'native':>12}{'moat':>12}{'moat/native':>14}")
    for tool, cmd, port, what in cases(d):
        if not shutil.which(tool):
            print(f'{tool} is not installed')
            continue
        got = {}
        for kind in ('native', 'moat'):
            full, addr = inside(kind, cmd)
            with open(d / f'{tool}-{kind}.log', 'w') as log:
                p = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                wait_port(addr, port)
                for name, _, fn in what:
                    try:
                        got[name, kind] = fn(addr)
                    except (RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as e:
                        print(f'{name}, {kind}: {e}')
            except TimeoutError as e:
                print(f'{tool}, {kind}: {e}')
            p.terminate()
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        for name, unit, _ in what:
            n, m = got.get((name, 'native')), got.get((name, 'moat'))
            row = ''.join(f'{v:12.0f}' if v else f"{'-':>12}" for v in (n, m))
            print(f'{name:32}{row}' + (f'{m / n:14.2f}  {unit}' if n and m else ''))
        for line in (d / f'{tool}-moat.log').read_text(errors='replace').splitlines():
            if line.startswith('moat: net '):
                print('   ', line[6:])
        sys.stdout.flush()


def main():
    if not os.environ.get('LAB_INSIDE'):
        script = f'exec {sys.executable} {pathlib.Path(__file__).resolve()} --seconds {SECONDS}'
        with tempfile.NamedTemporaryFile('w', suffix='.sh') as f:
            f.write(script + '\n')
            f.flush()
            return subprocess.call([str(ROOT / 'tests/net/lab.sh'), f.name])
    with tempfile.TemporaryDirectory(prefix='moat-net-') as d:
        os.chmod(d, 0o755)
        measure(pathlib.Path(d))
    return 0


if __name__ == '__main__':
    sys.exit(main())
