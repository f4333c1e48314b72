#!/usr/bin/env python3
"""kill -9 of the runtime at every step of a command: after each, `delete --force` leaves nothing.

usage: crash.py [--full|--all]     MOAT names the program, PLATFORM its platform; the bundle is the current directory

A step is a system call of the command's own process, at its entry and at its return; ptrace counts them, and its children are not
traced. --all takes every step, which is half an hour, --full every sixth, and without either a spread is taken. Looked at
afterwards: processes (all orphans come to this one, a subreaper), cgroups, mounts of this namespace, the state directory, and
that a container of the same name can be made again.
"""
import ctypes, glob, os, signal, subprocess, sys, tempfile, time

PR_SET_CHILD_SUBREAPER, PTRACE_TRACEME, PTRACE_SYSCALL, PTRACE_KILL = 36, 0, 24, 8
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ROOT = os.path.join(os.getcwd(), 'crash.state')
ID = f'crash-{os.getpid()}'
MOAT = [os.path.abspath(os.environ.get('MOAT', 'build/moat')), '--root', ROOT, '--platform', os.environ.get('PLATFORM', 'auto')]
failures = 0


def moat(*args):
    """Its exit status, and what it said on stderr, which may be the container's too."""
    with tempfile.TemporaryFile() as err:
        status = subprocess.run(MOAT + list(args), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, timeout=60).returncode
        err.seek(0)
        return status, err.read().decode('utf-8', 'replace').strip()


def walk(argv, steps):
    """Run a command for so many stops at system calls, then kill it. True: it had ended before."""
    pid = os.fork()
    if pid == 0:
        null = os.open('/dev/null', os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        os.execv(argv[0], argv)
    for _ in range(steps):
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return True
        stop = os.WSTOPSIG(status)
        libc.ptrace(PTRACE_SYSCALL, pid, None, None if stop == signal.SIGTRAP else stop)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        return True
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def children():
    found = []
    for path in glob.glob('/proc/self/task/*/children'):
        with open(path) as f:
            found += f.read().split()
    return found


def wait_for_orphans():
    """Reap until there are none; the command lines of those that stay."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return []
        time.sleep(0.01)
    names = []
    for pid in children():
        try:
            with open(f'/proc/{pid}/comm') as f:
                names.append(f'{pid} {f.read().strip()}')
            os.kill(int(pid), signal.SIGKILL)
            os.waitpid(int(pid), 0)
        except OSError:
            pass
    return names


def mounts():
    """Those of ours: others of this machine come and go."""
    with open('/proc/self/mountinfo') as f:
        return [line for line in f if os.getcwd() in line or ID in line]


def check(what, before):
    global failures
    deleted, why = moat('delete', '--force', ID)
    faults = [f'delete --force: {deleted}: {why}'] if deleted else []
    left = wait_for_orphans()
    if left:
        faults.append(f'processes: {left}')
    groups = [d for d in glob.glob('/sys/fs/cgroup/**/' + ID, recursive=True)]
    if groups:
        faults.append(f'cgroups: {groups}')
    if mounts() != before:
        faults.append('mounts')
    if os.path.isdir(ROOT) and os.listdir(ROOT):
        faults.append(f'state: {os.listdir(ROOT)}')
    if faults:
        failures += 1
        print(f'{what}: {"; ".join(faults)}', flush=True)


def prepare(status):
    """A container in that status."""
    if status != 'none':
        moat('create', ID)
    if status == 'running':
        moat('start', ID)


def main():
    stride = 1 if '--all' in sys.argv else 6 if '--full' in sys.argv else 0
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    before, tried = mounts(), 0
    for status, command in (('none', ['create', ID]), ('created', ['start', ID]), ('running', ['exec', ID, 'true']),
                            ('running', ['exec', '--detach', ID, 'sleep', '100']), ('running', ['pause', ID]),
                            ('running', ['delete', '--force', ID])):
        prepare(status)
        ended = walk(MOAT + command, 0)
        check(f'{command[0]} at its first step', before)
        # How many steps there are differs from run to run by a few.
        step = last = 1
        while not ended:
            prepare(status)
            ended = walk(MOAT + command, step)
            check(f'{command[0]} killed at step {step}', before)
            tried += 1
            last = step
            step += stride or max(3, step // 3)
        print(f'{command[0]}: up to step {last}', flush=True)
    again, why = moat('create', ID)
    if again:
        print(f'create afterwards: {again}: {why}')
    check('at the end', before)
    print(f'{tried} kills, {failures} left something')
    sys.exit(failures != 0 or again != 0)


if __name__ == '__main__':
    main()
