#!/usr/bin/env python3
"""Make docs/syscalls.md from guest/sys/syscalls.def and the tests in tests/abi.

usage: syscalls-doc.py [--check]     in the root of the tree; --check: say how the file differs, exit 1 if it does

The test of a call is the one of its name, else one whose head comment names it, else any; of these the one that names
SYS_<call> most often, else the one that calls the libc function most often.
"""
import difflib, errno, glob, os, re, sys

DEF, DOC = 'guest/sys/syscalls.def', 'docs/syscalls.md'
LEVELS = ('full', 'partial', 'refused', 'none')
ROW = re.compile(r'^SYSCALL\d\((\d+), (\w+), (\w+), "((?:[^"\\]|\\.)*)"(.*)\)$')
# libc's name where it differs by more than rt_ before or 64 behind
LIBC = {'newfstatat': 'fstatat', 'exit_group': '_exit', 'pselect6': 'pselect', 'rt_sigtimedwait': 'sigtimedwait',
        'getdents64': 'readdir', 'signalfd4': 'signalfd',
        'eventfd2': 'eventfd', 'rt_sigreturn': 'sigreturn', 'rt_sigqueueinfo': 'sigqueue',
        'syslog': 'klogctl', 'faccessat2': 'faccessat', 'rt_sigpending': 'sigpending',
        'fadvise64': 'posix_fadvise'}

HEAD = '''# System calls

Made by `scripts/syscalls-doc.py` from `guest/sys/syscalls.def`; do not edit. Every x86-64 call of Linux 6.12 has a row.

- **full**: as Linux documents it, errno for errno; the note says what is special here.
- **partial**: works, except for what the note says.
- **refused**: on purpose, with the errno that the note begins with, as Linux refuses a caller without the privilege or a kernel
  without the feature.
- **none**: ENOSYS and a line in dmesg.

'''


def rows():
    for n, line in enumerate(open(DEF), 1):
        if not line.startswith('SYSCALL'):
            continue
        m = ROW.match(line.rstrip())
        if not m or m[3] not in LEVELS:
            sys.exit(f'{DEF}:{n}: not a row: {line.rstrip()}')
        if m[3] == 'refused' and not hasattr(errno, re.match(r'\w*', m[4])[0]):
            sys.exit(f'{DEF}:{n}: the note of a refused call begins with the errno: {line.rstrip()}')
        yield int(m[1]), m[2], m[3], m[4].replace('\\"', '"')


class Test:
    def __init__(self, path):
        text = open(path, errors='replace').read()
        head = re.match(r'/\*.*?\*/', text, re.S)
        self.name = os.path.basename(path)
        self.head = set(re.findall(r'\w+', head[0])) if head else set()
        self.raw, self.called = {}, {}
        for word in re.findall(r'\bSYS_(\w+)', text):
            self.raw[word] = self.raw.get(word, 0) + 1
        for word in re.findall(r'\b(\w+)\(', text):
            self.called[word] = self.called.get(word, 0) + 1


def find(call, tests):
    libc = LIBC.get(call) or re.sub(r'64$', '', re.sub(r'^rt_', '', call))
    used = [t for t in tests if call in t.raw or libc in t.called]
    used = [t for t in used if not t.name.startswith('errno_')] or used  # they have every call, for its errnos alone
    named = [t for t in used if t.name[:-2] in (call, call + 's', libc, libc + 's')]
    named = named or [t for t in used if call in t.head]
    for count in (lambda t: t.raw.get(call, 0), lambda t: t.called.get(libc, 0)):
        best = max(named or used or tests, key=count, default=None)
        if best and count(best):
            return best.name
    return None


def page():
    tests = [Test(p) for p in sorted(glob.glob('tests/abi/*.c'))]
    table, levels = [], dict.fromkeys(LEVELS, 0)
    for nr, name, level, note in rows():
        test = find(name, tests) if level != 'none' else None
        link = f'[{test}](../tests/abi/{test})' if test else ''
        levels[level] += 1
        table.append(f'| {nr} | {name} | {level} | {note.replace("|", chr(92) + "|")} | {link} |\n')
    total = ', '.join(f'{n} {level}' for level, n in levels.items())
    return HEAD + f'{sum(levels.values())} calls: {total}.\n\n| number | name | level | note | test |\n' \
        '| ---: | --- | --- | --- | --- |\n' + ''.join(table)


def main():
    new = page()
    old = open(DOC).read() if os.path.exists(DOC) else ''
    if sys.argv[1:] == ['--check']:
        diff = [d for d in difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm='', n=0)
                if d[0] in '+-' and d[:3] not in ('+++', '---')]
        if diff:
            print(f'{DOC}: not as {DEF} and tests/abi make it: scripts/syscalls-doc.py')
            print('\n'.join(diff[:10]))
        return bool(diff)
    if sys.argv[1:]:
        sys.exit(__doc__.split('\n')[2])
    if new != old:
        open(DOC, 'w').write(new)


sys.exit(main())
