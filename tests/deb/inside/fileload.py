"""A deterministic load of file operations in a folder: fileload.py DIR SEED COUNT.

Two runs with the same seed do the same, whatever the system below; each prints a digest of all results (values and errnos), so
that two kernels can be compared by their output and by the trees they leave behind.
"""
import errno, hashlib, mmap, os, random, sys

top, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rnd = random.Random(seed)
os.umask(0o022)
os.makedirs(top, exist_ok=True)
os.chdir(top)
names = [f'{c}{i}' for c in 'abcd' for i in range(8)] + ['n' * 255, 'sp ace', '\udcff\udcfe']
digest = hashlib.sha256()
lines = []


def path():
    return '/'.join(rnd.choice(names) for _ in range(rnd.choice([1, 1, 1, 2, 2, 3])))


def data():
    return rnd.randbytes(rnd.choice([0, 1, 10, 4095, 4096, 5000, 70000]))


def offset():
    return rnd.choice([0, 1, 4095, 4096, 10000, 100000, 1 << 20])


def with_file(flags, work):
    p = path()
    fd = os.open(p, flags, 0o644)
    try:
        return work(fd)
    finally:
        os.close(fd)


def mapped(fd):
    size = os.fstat(fd).st_size
    at, what = offset(), data()
    if size == 0:
        return 'empty'
    with mmap.mmap(fd, size) as m:
        end = min(size, at + len(what))
        if at < end:
            m[at:end] = what[:end - at]
        return hashlib.sha256(m[:]).hexdigest()


def wrote(fd):
    at, what = offset(), data()
    n = os.pwrite(fd, what, at)
    back = os.pread(fd, len(what), at)
    return n, back == what, os.fstat(fd).st_size


def seeks(fd):
    return os.lseek(fd, offset(), os.SEEK_SET), os.write(fd, data()), os.lseek(fd, 0, os.SEEK_END)


def stat(p):
    s = os.lstat(p)
    return oct(s.st_mode), s.st_nlink if s.st_mode & 0o100000 else 0, s.st_uid, s.st_size if s.st_mode & 0o100000 else 0


RDWR = os.O_RDWR | os.O_CREAT
OPS = [
    (8, lambda: with_file(RDWR, wrote)),
    (4, lambda: with_file(RDWR | os.O_APPEND, lambda fd: (os.write(fd, data()), os.fstat(fd).st_size))),
    (4, lambda: with_file(os.O_RDWR, mapped)),
    (2, lambda: with_file(RDWR, seeks)),
    (2, lambda: with_file(RDWR | os.O_EXCL, lambda fd: os.write(fd, data()))),
    (2, lambda: with_file(RDWR | os.O_TRUNC, lambda fd: os.write(fd, data()))),
    (3, lambda: with_file(os.O_RDWR, lambda fd: (os.ftruncate(fd, offset()), os.fstat(fd).st_size))),
    (1, lambda: with_file(os.O_RDWR, lambda fd: os.posix_fallocate(fd, offset(), 5000))),
    (1, lambda: with_file(os.O_RDWR, os.fsync)),
    (1, lambda: with_file(os.O_RDONLY, lambda fd: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED))),
    (4, lambda: hashlib.sha256(open(path(), 'rb').read()).hexdigest()),
    (4, lambda: os.mkdir(path())),
    (2, lambda: os.rmdir(path())),
    (4, lambda: os.unlink(path())),
    (6, lambda: os.rename(path(), path())),
    (3, lambda: os.link(path(), path(), follow_symlinks=False)),
    (3, lambda: os.symlink(path(), path())),
    (2, lambda: os.readlink(path())),
    (2, lambda: os.chmod(path(), rnd.choice([0o600, 0o644, 0o755, 0o4711, 0o2750]))),
    (2, lambda: os.chown(path(), rnd.choice([0, 1, 1000]), rnd.choice([0, 1, 1000]), follow_symlinks=False)),
    (3, lambda: os.utime(path(), ns=(rnd.randrange(1 << 60), rnd.randrange(1 << 60)), follow_symlinks=False)),
    (3, lambda: sorted(os.listdir(path()))),
    (4, lambda: stat(path())),
    (1, lambda: sorted(os.listdir('.'))),
]
weighted = [op for n, op in OPS for _ in range(n)]
for i in range(count):
    before = rnd.getstate()
    op = rnd.choice(weighted)
    try:
        result = repr(op())
    except OSError as e:
        result = errno.errorcode.get(e.errno, str(e.errno))
    # Whatever an operation took from the generator before it failed must not depend on where it failed.
    rnd.setstate(before)
    rnd.seed(rnd.getrandbits(64) + i)
    digest.update(result.encode('utf-8', 'surrogateescape'))
    lines.append(f'{i} {weighted.index(op)} {result[:100]}')
if os.environ.get('LOG'):
    with open(os.environ['LOG'], 'w', errors='surrogateescape') as f:
        f.write('\n'.join(lines) + '\n')
print(count, digest.hexdigest())
