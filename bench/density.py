"""density.py - what one more sandbox of an image costs, with its files mapped from the host's page cache and with copies."""
from common import *
from idle import family

COUNT = 11
PROGRAM = 'import json, ssl, subprocess, time; print("up", flush=True); time.sleep(1000)'
ONCE = 'import json, ssl, subprocess'


def image():
    """A root folder with Python of this machine, that nothing but the sandboxes of this table uses."""
    root = os.path.join(work(), 'python')
    exe = os.path.realpath('/usr/bin/python3')
    lib = f'/usr/lib/{os.path.basename(exe)}'
    if not os.path.isdir(lib):
        raise Miss('density: no Python of Debian here')
    shared = [os.path.join(lib, 'lib-dynload', f) for f in os.listdir(os.path.join(lib, 'lib-dynload'))]
    out = subprocess.run(['ldd', exe, *shared], capture_output=True, text=True).stdout
    files = {exe} | {w for w in out.split() if w.startswith('/') and os.path.isfile(w)}
    for f in files:
        to = root + f
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(f, to)
    shutil.copytree(lib, root + lib, symlinks=True, ignore=shutil.ignore_patterns('test', 'config-*'), dirs_exist_ok=True)
    for d in ('proc', 'dev', 'sys', 'tmp'):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    return root, exe


def rollup(pids):
    """KiB over all these processes: PSS, of it pages of files, of it shared memory (the sandboxes' RAM and arenas)."""
    total = {'Pss:': 0, 'Pss_File:': 0, 'Pss_Shmem:': 0}
    for p in pids:
        try:
            with open(f'/proc/{p}/smaps_rollup') as f:
                for line in f:
                    k = line.split()
                    if k[0] in total:
                        total[k[0]] += int(k[1])
        except OSError:
            continue
    return tuple(total.values())


def start(root, exe, dax):
    p = subprocess.Popen([MOAT, 'do', '--platform', 'systrap', f'--dax={dax}', '--rootfs', root, '--', exe, '-c', PROGRAM],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    if p.stdout.readline() != b'up\n':
        p.wait()
        raise Miss(f'density: python3 does not start with --dax={dax}')
    return p


def series(root, exe, dax):
    """What each sandbox added to the sum over all of them, in KiB: (PSS, files, shared memory)."""
    procs, added, before = [], [], (0, 0, 0)
    try:
        for _ in range(COUNT):
            procs.append(start(root, exe, dax))
            time.sleep(0.3)
            now = rollup({q for p in procs for q in family(p.pid, '\0\0')})
            added.append(tuple(a - b for a, b in zip(now, before)))
            before = now
    finally:
        for p in procs:
            p.kill()
            p.wait()
    return added


def seconds(root, exe, dax):
    """The fastest of some starts to the end of a program that imports a few modules."""
    best = None
    for _ in range(10 if FULL else 5):
        t = time.monotonic()
        subprocess.run([MOAT, 'do', '--platform', 'systrap', f'--dax={dax}', '--rootfs', root, '--', exe, '-c', ONCE],
                       stdin=subprocess.DEVNULL, check=True)
        t = time.monotonic() - t
        best = t if best is None else min(best, t)
    return best


def main():
    root, exe = image()
    t = Table('density', f'{COUNT} sandboxes of one image, each with a Python that has imported ssl and waits: what the first and '
              f'the last add to the PSS of all their processes, MiB',
              ['', 'first', 'last', 'files: first', 'files: last', 'of the first', 'memory: first', 'memory: last', 'start', 'target'])
    for dax in ('on', 'off'):
        added = series(root, exe, dax)
        (pss1, file1, shm1), (pss2, file2, shm2) = added[0], added[-1]
        share = file2 / file1
        cells = [f'{v / 1024:.2f}' for v in (pss1, pss2, file1, file2)]
        t.row(f'--dax={dax}', *cells, f'{share:.0%}', f'{shm1 / 1024:.2f}', f'{shm2 / 1024:.2f}', ns(seconds(root, exe, dax) * 1e9),
              '<= 30 % of its files' if dax == 'on' else '', mark=share <= 0.30 if dax == 'on' else None)
    t.note('files: pages of the host\'s page cache, moat\'s own program among them; memory: the sandbox\'s RAM and arena, which hold')
    t.note('the copies that --dax=off makes. start: the command to its end, for a Python that imports the same and exits.')
    return t.done()
