"""machine.py - the emulated test machine: a Debian kernel under qemu's TCG, with AMD SVM and so a true /dev/kvm.

Builds the initramfs (busybox, modules, init.c and the caller's files; cached by content), boots, and runs commands one
after the other over a virtio-serial port (frames: proto.h). Used by tests/vm/run and by the suite runner, tests/run.
"""
import fcntl, hashlib, os, re, select, signal, socket, stat, struct, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.path.join(ROOT, os.environ.get('BUILD', 'build')))
VM = os.path.join(BUILD, 'vm')
GUEST = '/moat'  # where the tree's files are in the machine, and the working folder of a command
BASE_MODULES = ['virtio_pci', 'virtio_console', 'irqbypass', 'kvm', 'kvm-amd']
JOB_STDIN, JOB_TTY = 1, 2
SILENCE = 15  # seconds: a machine that runs a command says every two (proto.h, BEAT_MS) that it lives
ENV = {'PATH': '/usr/local/bin:/usr/bin:/bin:/sbin', 'HOME': '/', 'TERM': 'linux'}


class VMError(Exception):
    """The machine could not be made or died; the text says why, with the kernel log's end."""


class Result:
    def __init__(self):
        self.out, self.err, self.both = bytearray(), bytearray(), bytearray()
        self.status = None  # as a shell gives it: 0-255, 128+N after a signal
        self.timed_out, self.left, self.ms = False, 0, 0


def need(path, how):
    if not os.path.exists(path):
        raise VMError(f'{path} is absent: {how}')
    return path


def write_atomic(path, data):
    tmp = f'{path}.{os.getpid()}'
    with open(tmp, 'wb') as f:
        f.write(data)
    os.rename(tmp, path)


def build_init():
    src = os.path.join(ROOT, 'tests/vm/init.c')
    out = os.path.join(VM, 'init')
    newest = max(os.path.getmtime(p) for p in (src, os.path.join(ROOT, 'tests/vm/proto.h')))
    if not os.path.exists(out) or os.path.getmtime(out) < newest:
        tmp = f'{out}.{os.getpid()}'
        r = subprocess.run(['musl-gcc', '-std=gnu11', '-static', '-s', '-Os', '-o', tmp, src])
        if r.returncode:
            raise VMError('tests/vm/init.c does not compile')
        os.rename(tmp, out)
    return out


class Initramfs:
    """Entries by guest path: ('f', mode, host path), ('d', mode), ('l', target)."""

    def __init__(self):
        self.entries = {}

    def mkdirs(self, path):
        while path not in ('', '/'):
            self.entries.setdefault(path, ('d', 0o755, None))
            path = os.path.dirname(path)

    def file(self, host, guest, mode=None):
        st = os.stat(host)
        self.mkdirs(os.path.dirname(guest))
        self.entries[guest] = ('f', mode or stat.S_IMODE(st.st_mode), host)

    def link(self, target, guest):
        self.mkdirs(os.path.dirname(guest))
        self.entries[guest] = ('l', 0o777, target)

    def tree(self, host, guest):
        self.mkdirs(guest)
        for top, dirs, files in os.walk(host):
            rel = os.path.relpath(top, host)
            base = guest if rel == '.' else os.path.join(guest, rel)
            for n in dirs + files:
                p, g = os.path.join(top, n), os.path.join(base, n)
                st = os.lstat(p)
                if stat.S_ISLNK(st.st_mode):
                    self.link(os.readlink(p), g)
                elif stat.S_ISDIR(st.st_mode):
                    self.mkdirs(base)
                    self.entries[g] = ('d', stat.S_IMODE(st.st_mode), None)
                elif stat.S_ISREG(st.st_mode):
                    self.file(p, g)

    def cpio(self):
        out, ino = bytearray(), 1
        kinds = {'f': stat.S_IFREG, 'd': stat.S_IFDIR, 'l': stat.S_IFLNK}

        def add(name, mode, data):
            nonlocal ino
            raw = name.encode() + b'\0'
            fields = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
            out.extend(b'070701' + b''.join(b'%08X' % v for v in fields) + raw)
            out.extend(b'\0' * (-len(out) % 4))
            out.extend(data)
            out.extend(b'\0' * (-len(out) % 4))
            ino += 1

        for guest in sorted(self.entries, key=lambda p: (p.count('/'), p)):
            kind, mode, what = self.entries[guest]
            data = b''
            if kind == 'f':
                with open(what, 'rb') as f:
                    data = f.read()
            elif kind == 'l':
                data = what.encode()
            add(guest.lstrip('/'), kinds[kind] | mode, data)
        add('TRAILER!!!', 0, b'')
        return bytes(out)

    def write(self):
        """The path of the archive; the name is a hash of the content, so an unchanged one is not written again."""
        data = self.cpio()
        path = os.path.join(VM, f'initrd-{hashlib.sha256(data).hexdigest()[:16]}.cpio')
        if os.path.exists(path):
            os.utime(path)
            return path
        write_atomic(path, data)
        old = sorted((os.path.join(VM, n) for n in os.listdir(VM) if n.startswith('initrd-') and n.endswith('.cpio')),
                     key=os.path.getmtime)
        for p in old[:-4]:
            os.unlink(p)
        return path


def libraries(path):
    """The shared libraries of a program, and its interpreter; none for a static one."""
    r = subprocess.run(['ldd', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return re.findall(r'(/\S+) \(0x', r.stdout.decode()) if r.returncode == 0 else []


def busybox_applets():
    cache = os.path.join(VM, 'applets')
    if not os.path.exists(cache) or os.path.getmtime(cache) < os.path.getmtime('/bin/busybox'):
        write_atomic(cache, subprocess.run(['/bin/busybox', '--list'], stdout=subprocess.PIPE).stdout)
    with open(cache) as f:
        return f.read().split()


def guest_path(host):
    """Where a host file is put: the build folder and the tree below /moat, anything else where it is on the host."""
    host = os.path.abspath(host)
    for top, to in ((BUILD, GUEST + '/build'), (ROOT, GUEST)):
        if host.startswith(top + '/'):
            return to + host[len(top):]
    return host


def emulator():
    """The command: make deps fetches one where the system's is too old (scripts/thirdparty.sh)."""
    own = os.path.join(ROOT, 'third_party/qemu/usr')
    if os.path.exists(f'{own}/bin/qemu-system-x86_64'):
        return [f'{own}/bin/qemu-system-x86_64', '-L', f'{own}/share/qemu', '-L', f'{own}/share/seabios']
    return ['qemu-system-x86_64']


class Machine:
    def __init__(self, kernel='cloud', smp=2, mem=1024, icount=False, files=(), trees=(), modules=(), name='vm',
                 append='', devices=()):
        os.makedirs(VM, exist_ok=True)
        self.kernel, self.smp, self.mem, self.icount, self.append = kernel, smp, mem, icount, append
        self.devices = devices
        self.serial = os.path.join(VM, f'{name}-{os.getpid()}.serial')
        for n in os.listdir(VM):  # logs of runs that were killed
            if n.endswith('.serial') and not os.path.exists(f'/proc/{n[:-7].rpartition("-")[2]}'):
                os.unlink(os.path.join(VM, n))
        self.qemu = self.sock = self.monitor = None
        self.boot_ms = 0
        kdir = os.path.join(ROOT, 'third_party/vm', kernel)
        self.vmlinuz = need(os.path.join(kdir, 'vmlinuz'), 'run `make deps`')
        need('/bin/busybox', 'run `make deps`')
        fs = Initramfs()
        for d in ('/proc', '/sys', '/dev', '/tmp', '/run', '/etc', '/mnt', '/root', '/usr/bin', '/sbin', GUEST):
            fs.mkdirs(d)
        fs.file(build_init(), '/init', 0o755)
        fs.file('/bin/busybox', '/bin/busybox', 0o755)
        for a in busybox_applets():
            if a != 'busybox':
                fs.link('busybox', f'/bin/{a}')
        for n, text in (('passwd', 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n'),
                        ('group', 'root:x:0:\nnogroup:x:65534:\n'), ('hosts', '127.0.0.1 localhost\n')):
            p = os.path.join(VM, f'etc-{n}')
            if not os.path.exists(p):
                write_atomic(p, text.encode())
            fs.file(p, f'/etc/{n}', 0o644)
        self._modules(fs, os.path.join(kdir, 'modules'), [*BASE_MODULES, *modules])
        for host, guest in files:
            fs.file(host, guest)
        for host, guest in trees:
            fs.tree(host, guest)
        self.initrd = fs.write()

    @staticmethod
    def _modules(fs, kdir, wanted):
        with open(os.path.join(kdir, 'order')) as f:
            order = f.read().split()
        names = {n[:-3].replace('-', '_'): n for n in order}
        take = set()

        def add(n):
            n = n.replace('-', '_')
            if n not in names or names[n] in take:
                return
            take.add(names[n])
            with open(os.path.join(kdir, names[n]), 'rb') as f:
                data = f.read()
            i = data.find(b'\0depends=')
            deps = data[i + 9:data.index(b'\0', i + 9)].decode() if i >= 0 else ''
            for d in filter(None, deps.split(',')):
                add(d)

        for w in wanted:
            add(w)
        # The console first: what fails later can be told.
        first = [n for n in order if n in take and n.startswith('virtio')]
        lines = first + [n for n in order if n in take and n not in first]
        p = os.path.join(VM, f'order-{hashlib.sha256(repr(lines).encode()).hexdigest()[:12]}')
        write_atomic(p, '\n'.join(lines).encode() + b'\n')
        fs.file(p, '/modules/order', 0o644)
        for n in lines:
            fs.file(os.path.join(kdir, n), f'/modules/{n}', 0o644)

    def boot(self, timeout=None):
        """On a host that starves the emulator the kernel may come up with a CPU whose timer hardly ticks, and never gets
        here ("timer wakeup didn't happen" in its log). Hence a second try."""
        try:
            return self._boot(timeout)
        except VMError:
            return self._boot(timeout)

    def _boot(self, timeout):
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        self.greeted = False
        self.monitor, far = socket.socketpair()
        far.set_inheritable(True)
        # Linux takes the counters of several AMD CPUs for unsynchronized; here they are one counter, and its KVM would
        # otherwise move each vCPU's away from the host's.
        # A CPU that sleeps keeps its tick: helper_vmrun() of QEMU writes to interrupt_request without a lock and can take
        # back an IPI that another CPU is sending just then. The next interrupt brings it in again.
        clock = 'tsc=reliable nohz=off'
        accel = ['-accel', 'tcg,thread=multi']
        if self.icount:
            accel = ['-accel', 'tcg,thread=single', '-icount', 'shift=0']
        # One more than asked for: commands do not get CPU 0 (tests/vm/init.c, spare_cpu_0).
        cpus = self.smp if self.icount else self.smp + 1
        args = [*emulator(), '-M', 'q35', *accel, '-cpu', 'EPYC-Rome,+svm,+npt', '-smp', str(cpus),
                '-m', str(self.mem), '-nodefaults', '-display', 'none', '-no-reboot',
                '-chardev', f'socket,id=mon,fd={far.fileno()}', '-mon', 'chardev=mon,mode=readline',
                '-serial', f'file:{self.serial}', '-kernel', self.vmlinuz, '-initrd', self.initrd,
                '-device', 'virtio-serial-pci', '-chardev', f'socket,id=port,fd={theirs.fileno()}',
                '-device', 'virtserialport,chardev=port,name=moat', *self.devices,
                '-append', f'console=ttyS0 quiet panic=-1 {clock} {self.append}'.strip()]
        started = time.monotonic()
        self.qemu = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                     pass_fds=[theirs.fileno(), far.fileno()], start_new_session=True, preexec_fn=_die_with_parent)
        theirs.close()
        far.close()
        self.sock = ours
        kind, data = self._frame(started + (timeout or (300 if self.icount else 90)))
        if kind != b'H':
            raise VMError('the machine greets with garbage')
        self.boot_ms = int((time.monotonic() - started) * 1000)
        return self

    def log(self, lines=40):
        try:
            with open(self.serial, 'rb') as f:
                text = f.read().decode('utf-8', 'replace').replace('\r', '')
        except OSError:
            return ''
        return '\n'.join([s for s in text.splitlines() if s.strip() and 'reboot: Power down' not in s][-lines:])

    def _ask(self, command, seconds=3):
        """The answer of qemu's monitor, which works when the machine does not; '' without one."""
        text, end = b'', time.monotonic() + seconds
        prompts, self.greeted = (1 if self.greeted else 2), True
        try:
            self.monitor.sendall(command.encode() + b'\n')
            while select.select([self.monitor], [], [], max(0, end - time.monotonic()))[0]:
                part = self.monitor.recv(65536)
                text += part
                if not part or text.endswith(b'(qemu) ') and text.count(b'(qemu) ') >= prompts:
                    break
        except OSError:
            pass
        return text.decode('utf-8', 'replace')

    def _breakpoint(self, cpu):
        """The address of a CPU's handler for INT3, from its interrupt table."""
        self._ask(f'cpu {cpu}')
        table = re.search(r'IDT=\s+([0-9a-f]{16})', self._ask('info registers'))
        gate = table and re.search(r': 0x([0-9a-f]{16}) 0x([0-9a-f]{16})',
                                   self._ask(f'x /2gx 0x{int(table[1], 16) + 3 * 16:x}'))
        if not gate:
            return None
        low, high = int(gate[1], 16), int(gate[2], 16)
        return low & 0xffff | low >> 48 << 16 | (high & 0xffffffff) << 32

    def _stuck(self):
        """Why the machine may be silent, in a line: where its own CPUs are in some samples. One that meets a breakpoint
        all the time with interrupts off is the emulator's fault: Linux uses it only for a moment, while it patches its
        text, and qemu before 8.1 may go on with an old translation of that text (tests/vm/init.c, hold_vm)."""
        seen = []
        for _ in range(30):
            seen.append(re.findall(r'RIP=([0-9a-f]{16}) RFL=([0-9a-f]{8}).*? HLT=(\d)', self._ask('info registers -a')))
            time.sleep(0.05)
        if not seen[-1]:
            return 'the machine does not answer, nor does qemu: the emulator hangs'
        said = []
        for i, (rip, flags, halted) in enumerate(seen[-1]):
            states = [s[i] for s in seen if i < len(s)]
            interrupts = 'on' if int(flags, 16) & 0x200 else 'off'
            trap = self._breakpoint(i)
            if halted == '1':
                said.append(f'CPU {i} halted with interrupts {interrupts}')
            elif trap and any(trap <= int(r, 16) < trap + 16 for r, _, _ in states):
                said.append(f'CPU {i} takes a breakpoint of the kernel\'s again and again (old code in the emulator)')
            else:
                said.append(f'CPU {i} {"runs at" if len({r for r, _, _ in states}) > 1 else "is stuck at"} {rip}')
        return f'the machine does not answer: {", ".join(said)}'

    def _fail(self, why):
        self.close()
        raise VMError(f'{why}\n--- serial log ---\n{self.log()}')

    def _read(self, n, deadline):
        buf = b''
        while len(buf) < n:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                self._fail(self._stuck())
            try:
                part = self.sock.recv(n - len(buf))
            except ConnectionResetError:
                part = b''
            if not part:
                self.qemu.wait()
                err = '\n'.join(s for s in self.qemu.stderr.read().decode('utf-8', 'replace').splitlines()
                                if "TCG doesn't support requested feature" not in s)
                self._fail(f'the machine died{": " + err if err else ""}')
            buf += part
        return buf

    def _frame(self, deadline):
        length, kind = struct.unpack('<Ic3x', self._read(8, deadline))
        return kind, self._read(length, deadline)

    def _send(self, kind, data=b''):
        self.sock.sendall(struct.pack('<Ic3x', len(data), kind) + data)

    def run(self, argv, env=None, timeout=60, cwd=GUEST, stdin=None, tty=None, sink=None):
        """Runs argv to its end. stdin: None, bytes, or a descriptor to read from while it runs; tty: (rows, columns);
        sink(kind, bytes) gets output as it comes, kind b'O' or b'E'. timeout 0: none."""
        r = Result()
        flags = (JOB_STDIN if stdin is not None else 0) | (JOB_TTY if tty else 0)
        strings = [cwd, *argv, '', *(f'{k}={v}' for k, v in {**ENV, **(env or {})}.items()), '']
        self._send(b'J', struct.pack('<IIHH', int(timeout * 1000), flags, *(tty or (0, 0))) +
                   b''.join(s.encode('utf-8', 'surrogateescape') + b'\0' for s in strings))
        # The guest enforces the limit; twice that and some is for a guest that no longer does. With icount its seconds
        # are as long as its work, so silence means nothing.
        end = time.monotonic() + (2 * timeout + 20 if timeout else 10 ** 9)
        silence = 10 ** 9 if self.icount else SILENCE
        source = None
        if isinstance(stdin, bytes):
            for i in range(0, len(stdin), 32768):
                self._send(b'I', stdin[i:i + 32768])
            self._send(b'I')
        elif stdin is not None:
            source = stdin
        deadline = min(end, time.monotonic() + silence)
        while True:
            if source is not None:
                ready = select.select([self.sock, source], [], [], max(0, deadline - time.monotonic()))[0]
                if not ready:
                    self._fail(self._stuck())
                if source in ready:
                    data = os.read(source, 32768)
                    self._send(b'I', data)
                    if not data:
                        source = None
                if self.sock not in ready:
                    continue
            kind, data = self._frame(deadline)
            deadline = min(end, time.monotonic() + silence)
            if kind in (b'O', b'E'):
                if sink:
                    sink(kind, data)
                else:
                    (r.out if kind == b'O' else r.err).extend(data)
                    r.both.extend(data)
            elif kind == b'X':
                status, timed_out, r.left, r.ms = struct.unpack('<iIII', data)
                r.timed_out = bool(timed_out)
                r.status = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                return r

    def signal(self, sig):
        self._send(b'S', struct.pack('<I', sig))

    def close(self, keep_log=True):
        if self.qemu:
            if self.qemu.poll() is None:
                try:
                    self._send(b'Q')
                    self.qemu.wait(3)
                except (OSError, subprocess.TimeoutExpired):
                    self.qemu.kill()
                    self.qemu.wait()
            self.qemu.stderr.close()
            self.sock.close()
            self.monitor.close()
            self.qemu = None
        if not keep_log and os.path.exists(self.serial):
            os.unlink(self.serial)


def _die_with_parent():
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
