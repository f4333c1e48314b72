#!/usr/bin/env python3
"""Which errnos that Linux's manual documents for a system call does no test in tests/abi expect?

usage: errno-coverage.py [--check] [CALL...]     in the root of the tree

For each row at level full in guest/sys/syscalls.def: the errnos of the manual page's ERRORS (package manpages-dev), without
those that an entry gives to another call of the page. A pair of call and errno is covered by CHECK_ERRNO(expression, ERRNO)
in tests/abi whose expression makes the call: by name, as SYS_<call>, through a function of the test that makes it, or as the
argument of a macro of the test whose body has the CHECK_ERRNO. `CHECK_EQ(errno, E)` counts for the calls of the line before
it. For each row at level refused: the errnos that its note names, in a statement of a test with SYS_<call>. Pairs that no program can provoke in a sandbox are in tests/abi/errno-exceptions with the reason. Prints what is missing,
CALL: ERRNO...; --check also says which exceptions are of no use, and exits with 1 for either.
"""
import errno, fnmatch, glob, gzip, os, re, sys

DEF, EXCEPTIONS, MAN = 'guest/sys/syscalls.def', 'tests/abi/errno-exceptions', '/usr/share/man/man2'
ROW = re.compile(r'^SYSCALL\d\((\d+), (\w+), (full|refused), "([^"]*)"')
# Pages whose name is not the call's, and names of libc's functions that make a call.
PAGE = {'rt_sigtimedwait': 'sigtimedwait', 'fadvise64': 'posix_fadvise', 'sendfile': 'sendfile', 'exit': '_exit',
        'rt_sigqueueinfo': 'rt_sigqueueinfo', 'umount2': 'umount', 'newfstatat': 'fstatat', 'pread64': 'pread',
        'pwrite64': 'pwrite', 'prlimit64': 'prlimit', 'getdents64': 'getdents', 'pselect6': 'pselect'}
LIBC = {'newfstatat': ['fstatat'], 'pread64': ['pread'], 'pwrite64': ['pwrite'], 'prlimit64': ['prlimit'],
        'pselect6': ['pselect'], 'getdents64': ['getdents', 'readdir'], 'exit_group': ['_exit'],
        'wait4': ['wait4', 'waitpid', 'wait3'], 'mknod': ['mknod', 'mkfifo'], 'signalfd4': ['signalfd'],
        'eventfd2': ['eventfd'], 'fadvise64': ['posix_fadvise'], 'rt_sigqueueinfo': ['sigqueue'], 'umount2': ['umount'],
        'semtimedop': ['semtimedop'], 'clock_nanosleep': ['clock_nanosleep'], 'io_getevents': ['io_getevents'],
        'epoll_pwait': ['epoll_pwait'], 'mq_timedsend': ['mq_send', 'mq_timedsend'],
        'mq_timedreceive': ['mq_receive', 'mq_timedreceive'], 'recvfrom': ['recvfrom', 'recv'],
        'sendto': ['sendto', 'send'], 'faccessat2': ['faccessat'], 'syslog': ['klogctl'], 'getrandom': ['getrandom'],
        'rt_sigtimedwait': ['sigtimedwait', 'sigwaitinfo'], 'mq_getsetattr': ['mq_getattr', 'mq_setattr'],
        'openat': ['openat'], 'stat': ['stat'], 'dup3': ['dup3'], 'pipe2': ['pipe2'], 'accept4': ['accept4']}
KNOWN = set(errno.errorcode.values()) | {'EWOULDBLOCK', 'ENOTSUP', 'EDEADLOCK'}
# As an errno that has two numbers in name only.
SAME = {'EWOULDBLOCK': 'EAGAIN', 'ENOTSUP': 'EOPNOTSUPP', 'EDEADLOCK': 'EDEADLK'}


def plain(call):
    return re.sub(r'64$', '', re.sub(r'^rt_', '', call))


# ---- the manual ----

def page(name, depth=0):
    try:
        text = gzip.open(f'{MAN}/{name}.2.gz', 'rt', errors='replace').read()
    except FileNotFoundError:
        return None
    so = re.search(r'^\.so man2/([\w-]+)\.2', text, re.M)
    return page(so[1], depth + 1) if so and depth < 3 else text


def documented(call):
    """The errnos of a call, or None without a page."""
    names = {call, plain(call), PAGE.get(call, call)} | set(LIBC.get(call, ()))
    text = next((t for t in map(page, sorted(names, key=lambda n: n != call)) if t), None)
    if text is None:
        return None
    found, current, scoped = {}, [], None
    m = re.search(r'^\.SH ERRORS\n(.*?)(?=^\.SH )', text, re.M | re.S)
    lines = m[1].split('\n') if m else []
    for k, line in enumerate(lines):
        words = [w for w in re.findall(r'\bE[A-Z0-9]{2,}\b', line) if w in KNOWN] if re.match(r'\.(B|BR|IR|RB) +"?E[A-Z]', line) else []
        if words and (lines[k - 1].startswith(('.TP', '.TQ')) or current and lines[k - 1].startswith('.B')):
            current = words
            for w in words:
                found.setdefault(SAME.get(w, w), []).append(set())
            scoped = True
        elif current and scoped and re.match(r'\.(RB|BR|B) +\(?"?\(? *\w+ *\(', line.replace('\\ ', ' ')):
            for w in current:
                found[SAME.get(w, w)][-1] |= set(re.findall(r'(\w+) *\(', line))
        elif current and scoped and not line.startswith('.RB ('):
            scoped = False
    return {e for e, entries in found.items() if any(not s or s & names for s in entries)}


# ---- the tests ----

def balanced(text, at):
    """The arguments of the call whose parenthesis is at text[at], and the index behind it."""
    depth, args, start, quote = 0, [], at + 1, None
    for k in range(at, len(text)):
        c = text[k]
        if quote:
            if c == quote and text[k - 1] != '\\':
                quote = None
        elif c in '"\'':
            quote = c
        elif c in '([{':
            depth += 1
        elif c in ')]}':
            depth -= 1
            if not depth:
                return args + [text[start:k]], k + 1
        elif c == ',' and depth == 1:
            args.append(text[start:k])
            start = k + 1
    return args, len(text)


def names_in(code):
    return set(re.findall(r'\bSYS_(\w+)', code)) | set(re.findall(r'\b([a-z_]\w*) *\(', code)) | \
        set(re.findall(r'\b([a-z]\w*)\b(?= *[,)])', code))


def outermost(code):
    """The call that an expression makes, without those in its arguments."""
    m = re.search(r'\b([a-z_]\w*) *\(', code)
    if m and m[1] == 'syscall':
        m = re.search(r'\bSYS_(\w+)', code)
    return {m[1]} if m else names_in(code)


class Test:
    """The pairs of names and errnos that one file of tests/abi (with the headers that it includes) expects."""

    def __init__(self, path):
        self.pairs, self.named = set(), set()
        text = open(path, errors='replace').read()
        for h in re.findall(r'^#include "(\w+\.h)"', text, re.M):
            if h != 'abi.h':
                text = open(os.path.join(os.path.dirname(path), h)).read() + text
        text = re.sub(r'/\*.*?\*/|//[^\n]*', ' ', text, flags=re.S)
        flat = text.replace('\\\n', ' ')
        self.functions = {m[1]: m[2] for m in re.finditer(r'^[a-z][\w \*]*?\b\**(\w+)\([^;{]*\)\n\{\n(.*?)^\}', flat, re.M | re.S)}
        macros = {m[1]: m[2] for m in re.finditer(r'^#define (\w+)\([^)]*\) *(.*)$', flat, re.M)}
        self.expect(flat, 'CHECK_ERRNO', None)
        own = {n: set(re.findall(r'CHECK_ERRNO\(.*?, *(E[A-Z0-9]+)\)', b)) for n, b in macros.items()}
        for name, body in macros.items():
            errnos = own[name].union(*(own[n] for n in re.findall(r'\b([A-Z]\w+)\(', body) if n in own))
            if errnos:
                self.expect(flat, name, errnos)
                self.pairs |= {(n, e) for n in self.resolve(names_in(body)) for e in errnos}
        for m in re.finditer(r'errno(?:, | == )(E[A-Z0-9]+)\b', flat):
            before = flat[:m.start()].rsplit('\n', 3)[-3:]
            self.pairs |= {(n, m[1]) for n in self.resolve(names_in(' '.join(before)))}
        for m in re.finditer(r', -(E[A-Z0-9]+)\)', flat):
            self.pairs |= {(n, m[1]) for n in self.resolve(names_in(flat[:m.start()].rsplit('\n', 2)[-1]))}
        self.pairs = {(n, SAME.get(e, e)) for n, e in self.pairs}
        self.named = names_in(flat)

    def resolve(self, names):
        """With what the functions of the test among them call in turn."""
        done, todo = set(), set(names)
        while todo:
            n = todo.pop()
            done.add(n)
            if n in self.functions and not n.startswith('test_'):
                todo |= names_in(self.functions[n]) - done
        return done

    def expect(self, text, macro, errnos):
        for m in re.finditer(r'\b' + macro + r'\(', text):
            args, _ = balanced(text, m.end() - 1)
            if errnos is None:
                es = set(re.findall(r'\bE[A-Z0-9]+\b', args[-1]))
                args = args[:-1]
            else:
                es = errnos
            names = set().union(*map(outermost, [','.join(args)] if errnos is None else args))
            self.pairs |= {(n, e) for n in self.resolve(names) for e in es}


def exceptions():
    for n, line in enumerate(open(EXCEPTIONS), 1):
        line = line.rstrip()
        if not line or line.startswith('#'):
            continue
        calls, errnos, *why = line.split(None, 2)
        if not why:
            sys.exit(f'{EXCEPTIONS}:{n}: no reason')
        for c in calls.split(','):
            for e in errnos.split(','):
                yield n, c, e


def refused_with(call, e):
    return any(re.search(rf'\bSYS_{call}\b[^;]*\b{e}\b', open(p).read()) for p in glob.glob('tests/abi/*.c'))


def main():
    args = sys.argv[1:]
    check = '--check' in args
    wanted = [a for a in args if a != '--check']
    if not os.path.exists(f'{MAN}/read.2.gz'):
        print('errno-coverage: no manual pages (package manpages-dev)', file=sys.stderr)
        return 77
    tests = [Test(p) for p in sorted(glob.glob('tests/abi/*.c'))]
    covered = set().union(*(t.pairs for t in tests))
    rules, used, pairs, missing = list(exceptions()), set(), 0, 0
    for line in open(DEF):
        m = ROW.match(line)
        if not m or wanted and m[2] not in wanted:
            continue
        call = m[2]
        names = {call, plain(call)} | set(LIBC.get(call, ()))
        left = []
        if m[3] == 'refused':
            left = [e for e in sorted(KNOWN & set(re.findall(r'\w+', m[4]))) if not refused_with(call, e)]
        for e in sorted(m[3] == 'full' and documented(call) or ()):
            pairs += 1
            excused = {r for r in rules if r[1] == '*' and r[2] == e or fnmatch.fnmatch(call, r[1]) and r[2] in (e, '*')}
            if any((n, e) in covered for n in names):
                continue
            used |= excused
            if not excused:
                left.append(e)
        if left:
            missing += len(left)
            print(f'{call}: {" ".join(left)}')
    stale = sorted({n for n, _, _ in rules} - {n for n, _, _ in used}) if check and not wanted else []
    for n in stale:
        print(f'{EXCEPTIONS}:{n}: excuses nothing')
    print(f'{pairs} pairs of call and errno, {missing} without a test', file=sys.stderr)
    return 1 if check and (missing or stale) else 0


sys.exit(main())
