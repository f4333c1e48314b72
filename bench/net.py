"""net.py - tables of the network: servers on a bridge, server and load in one sandbox, and TCP on KVM in the emulated machine.

The first two are measured by net_lab.py in network namespaces of their own, the last by net_kvm.py.
"""
from common import *
import net_kvm

RATE, BYTES, TIME = 'requests/s', 'MB/s', 'time'
ROWS = {
    'nginx 1 KiB': RATE, 'nginx 1 KiB, a connection each': RATE, 'nginx 1 MiB': RATE, 'redis GET': RATE,
    'redis GET, 16 in a pipeline': RATE, 'stream to it': BYTES, 'stream from it': BYTES, 'one byte there and back': TIME,
    'connect and close': TIME,
}
FASTER = {'nginx 1 KiB': 5, 'redis GET': 5, 'one byte there and back': 4}  # than runsc, which has the loopback only
STREAM = 0.5  # of runc, with segmentation offload


def shown(v, unit):
    return '-' if v is None else ns(v) if unit == TIME else f'{v:.0f} {unit}'


def better(ours, other, unit):
    """How many times the other's speed ours is."""
    if not ours or not other:
        return None
    return other / ours if unit == TIME else ours / other


def measure():
    out = os.path.join(work(), 'net.json')
    script = os.path.join(work(), 'net.sh')
    with open(script, 'w') as f:
        f.write(f'exec {shlex.join([sys.executable, os.path.join(ROOT, "bench/net_lab.py"), out])} '
                f'--seconds {6 if FULL else 3}\n')
    if os.geteuid():
        raise Miss('the tables of the network need root: network namespaces')
    r = subprocess.run([os.path.join(ROOT, 'tests/net/lab.sh'), script], env={**os.environ, 'LAB_NETS': '3'})
    if r.returncode:
        raise Miss(f'net_lab.py ended with {r.returncode}')
    with open(out) as f:
        return json.load(f)


def loopback(got):
    t = Table('net-loopback', 'network, server and load together over the loopback, systrap',
              ['', 'native', 'moat', 'runsc', 'moat/native', 'moat/runsc', 'target'])
    for row, by in got.items():
        unit, our, theirs = ROWS[row], by.get('moat'), by.get('runsc')
        over = better(our, theirs, unit)
        least = FASTER.get(row)
        t.row(row, *(shown(by.get(s), unit) for s in ('native', 'moat', 'runsc')), times(better(our, by.get('native'), unit)),
              times(over), f'>= {least}x runsc' if least else '',
              mark=None if not least or theirs is None else bool(over and over >= least))
    t.note('Ratios are of speeds: above 1 is faster than the other, also where the row is a time.')
    return t.done()


def bridge(got, runsc):
    t = Table('net-bridge', 'network, a server on a bridge, the load at the host\'s end of it, systrap',
              ['', 'native', 'runc', 'moat', 'moat/native', 'moat/runc', 'target'])
    for row, by in got['bridge'].items():
        unit, our = ROWS[row], by.get('moat')
        over = better(our, by.get('runc'), unit)
        target, mark = '', None
        if unit == BYTES:
            target, mark = f'>= {STREAM}x runc', None if 'runc' not in by else bool(over and over >= STREAM)
        elif row in FASTER and runsc.get(row):
            target = f'>= {FASTER[row]}x runsc'
            if (better(by.get('native'), runsc[row], unit) or 0) >= FASTER[row]:
                mark = bool(our and better(our, runsc[row], unit) >= FASTER[row])
        t.row(row, *(shown(by.get(s), unit) for s in ('native', 'runc', 'moat')), times(better(our, by.get('native'), unit)),
              times(over), target, mark=mark)
    for n in got['notes']:
        t.note(n)
    t.note("Beside runsc: its figures on the loopback, in the table above; judged where native over the bridge gets there itself.")
    return t.done()


def main():
    got = measure()
    runsc = {row: by.get('runsc') for row, by in got['loopback'].items()}
    return loopback(got['loopback']) + bridge(got, runsc) + net_kvm.main()
