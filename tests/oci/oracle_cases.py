"""The configurations that oracle.py runs under both runtimes: what each changes in the base configuration, and the program.

A case is a function of (c, b): c is the configuration as a dict, b the bundle's directory as a pathlib.Path. Its docstring, if
any, says what is special. SHORT names those that every test run does.
"""
import json

CASES = {}
SHORT = ('args env_sorted cwd user capabilities_some rlimits readonly_root bind_ro tmpfs hostname masked no_such_program '
         'not_executable seccomp_errno hook_prestart_fails wrong_type').split()


def case(f):
    CASES[f.__name__.rstrip('_')] = f
    return f


def sh(c, script):
    c['process']['args'] = ['sh', '-c', script]


def mount(c, destination, type_, source, *options):
    m = {'destination': destination, 'options': list(options)}
    if type_:
        m['type'] = type_
    if source:
        m['source'] = str(source)
    c['mounts'].append(m)


def hook(c, kind, *argv, **more):
    c.setdefault('hooks', {}).setdefault(kind, []).append({'path': argv[0], 'args': list(argv), **more})


# ---- process ----
@case
def args(c, b):
    c['process']['args'] = ['sh', '-c', 'echo $# "$1" "$2"; echo err >&2; exit 7', 'sh', 'a  b', '']


@case
def exit_255(c, b):
    sh(c, 'exit 255')


@case
def stdin_at_its_end(c, b):
    sh(c, 'cat; echo $?')


@case
def env_sorted(c, b):
    c['process']['env'] = ['PATH=/bin', 'A=1', 'B=with space', 'C=', 'A=2']
    sh(c, 'env | sort | grep -v ^SHLVL')


@case
def env_none(c, b):
    c['process']['env'] = []
    c['process']['args'] = ['/bin/env']


@case
def env_no_path(c, b):
    c['process']['env'] = ['X=1']
    c['process']['args'] = ['env']


@case
def home_of_passwd(c, b):
    (b / 'rootfs/etc/passwd').write_text('root:x:0:0::/root:/bin/sh\nu:x:7:8::/home/u:/bin/sh\n')
    c['process']['user'] = {'uid': 7, 'gid': 8}
    sh(c, 'echo $HOME')


@case
def cwd(c, b):
    c['process']['cwd'] = '/tmp'
    sh(c, 'pwd')


@case
def cwd_that_is_made(c, b):
    c['process']['cwd'] = '/not/there'
    sh(c, 'pwd; ls -ld /not | cut -c 1-10')


@case
def user(c, b):
    c['process']['user'] = {'uid': 1000, 'gid': 100, 'additionalGids': [5, 6]}
    sh(c, 'id -u; id -g; id -G; grep ^Cap /proc/self/status')


@case
def umask(c, b):
    c['process']['user'] = {'uid': 0, 'gid': 0, 'umask': 0o77}
    sh(c, 'umask')


@case
def rlimits(c, b):
    c['process']['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'soft': 99, 'hard': 100},
                               {'type': 'RLIMIT_CORE', 'soft': 0, 'hard': 4096}]
    sh(c, 'grep -E "open files|core" /proc/self/limits | tr -s " "')


@case
def capabilities_some(c, b):
    caps = ['CAP_KILL', 'CAP_CHOWN']
    c['process']['capabilities'] = {k: caps for k in ('bounding', 'effective', 'permitted', 'inheritable', 'ambient')}
    sh(c, 'grep ^Cap /proc/self/status')


@case
def capabilities_none(c, b):
    c['process']['capabilities'] = {}
    sh(c, 'grep ^Cap /proc/self/status')


@case
def capabilities_absent(c, b):
    del c['process']['capabilities']
    sh(c, 'grep ^Cap /proc/self/status')


@case
def capabilities_of_a_user(c, b):
    c['process']['user'] = {'uid': 9, 'gid': 9}
    c['process']['capabilities'] = {k: ['CAP_KILL'] for k in ('bounding', 'permitted', 'inheritable', 'ambient')}
    sh(c, 'grep ^Cap /proc/self/status')


@case
def no_new_privileges(c, b):
    c['process']['noNewPrivileges'] = True
    sh(c, 'grep NoNewPrivs /proc/self/status')


@case
def new_privileges(c, b):
    c['process']['noNewPrivileges'] = False
    sh(c, 'grep NoNewPrivs /proc/self/status')


@case
def oom_score_adj(c, b):
    c['process']['oomScoreAdj'] = 500
    sh(c, 'cat /proc/self/oom_score_adj')


@case
def terminal(c, b):
    c['process']['terminal'] = True
    sh(c, 'tty; stty -a | head -n 1 | cut -d";" -f1; echo err >&2; exit 3')


@case
def terminal_size(c, b):
    c['process']['terminal'] = True
    c['process']['consoleSize'] = {'height': 33, 'width': 77}
    sh(c, 'stty size')


@case
def init_and_sigkill(c, b):
    sh(c, 'kill -9 $$; echo alive; kill -TERM $$; echo too')


@case
def child_killed(c, b):
    sh(c, 'sh -c "kill -9 \\$\\$"; echo $?; sleep 9 & kill $!; wait $!; echo $?')


@case
def process_numbers(c, b):
    sh(c, 'echo $$; (echo $PPID); ls -d /proc/[0-9]* > /tmp/l; cat /tmp/l')


@case
def descriptors(c, b):
    sh(c, 'ls /proc/self/fd > /tmp/l; cat /tmp/l')


# ---- root and mounts ----
@case
def readonly_root(c, b):
    c['root']['readonly'] = True
    sh(c, 'echo x > /f || echo refused; echo x > /dev/shm/f && echo written; grep " / " /proc/mounts | cut -d" " -f4 | cut -d, -f1')


@case
def writable_root(c, b):
    sh(c, 'echo x > /f; cat /f; mkdir /d && rmdir /d && rm /f && echo ok')


@case
def tmpfs(c, b):
    mount(c, '/t', 'tmpfs', 'tmpfs', 'size=1m', 'mode=0750', 'nosuid', 'noexec')
    sh(c, 'stat -c %a /t; df -k /t | tail -n 1 | tr -s " " | cut -d" " -f2; cp /bin/true /t; /t/true; echo $?')


@case
def tmpfs_copyup(c, b):
    (b / 'rootfs/up').mkdir()
    (b / 'rootfs/up/f').write_text('from below\n')
    mount(c, '/up', 'tmpfs', 'tmpfs', 'tmpcopyup')
    sh(c, 'cat /up/f; echo y > /up/g && ls /up')


@case
def tmpfs_over_a_file(c, b):
    (b / 'rootfs/file').write_text('x')
    mount(c, '/file', 'tmpfs', 'tmpfs')
    sh(c, 'ls -ld /file | cut -c1')


@case
def bind_rw(c, b):
    (b / 'src').mkdir()
    (b / 'src/f').write_text('one\n')
    mount(c, '/v', 'bind', b / 'src', 'bind')
    sh(c, 'cat /v/f; echo two > /v/g && cat /v/g')


@case
def bind_ro(c, b):
    (b / 'src').mkdir()
    (b / 'src/f').write_text('one\n')
    mount(c, '/v', None, b / 'src', 'rbind', 'ro')
    sh(c, 'cat /v/f; echo two > /v/g || echo refused')


@case
def bind_of_a_file(c, b):
    (b / 'f').write_text('one\n')
    mount(c, '/a/b/file', 'bind', b / 'f', 'bind', 'ro')
    sh(c, 'cat /a/b/file; stat -c %F /a/b/file; ls -ld /a | cut -c 1-10; echo x >> /a/b/file || echo refused')


@case
def bind_noexec(c, b):
    (b / 'src').mkdir()
    (b / 'src/run').write_text('#!/bin/sh\necho ran\n')
    (b / 'src/run').chmod(0o755)
    mount(c, '/v', 'bind', b / 'src', 'bind', 'noexec', 'nosuid', 'nodev')
    sh(c, '/v/run; echo $?')


@case
def bind_relative_source(c, b):
    (b / 'src').mkdir()
    (b / 'src/f').write_text('one\n')
    mount(c, '/v', 'bind', 'src', 'bind')
    sh(c, 'cat /v/f')


@case
def bind_missing_source(c, b):
    mount(c, '/v', 'bind', b / 'absent', 'bind')
    sh(c, 'echo ran')


@case
def bind_file_over_directory(c, b):
    (b / 'f').write_text('one\n')
    mount(c, '/tmp', 'bind', b / 'f', 'bind')
    sh(c, 'echo ran')


@case
def bind_onto_a_link(c, b):
    (b / 'src').mkdir()
    (b / 'src/f').write_text('one\n')
    (b / 'rootfs/link').symlink_to('/tmp')
    mount(c, '/link', 'bind', b / 'src', 'bind')
    sh(c, 'cat /tmp/f')


@case
def bind_onto_a_link_that_climbs(c, b):
    (b / 'src').mkdir()
    (b / 'src/f').write_text('one\n')
    (b / 'rootfs/link').symlink_to('../../../../here')
    mount(c, '/link', 'bind', b / 'src', 'bind')
    sh(c, 'cat /here/f')


@case
def mount_relative_destination(c, b):
    mount(c, 'rel', 'tmpfs', 'tmpfs')
    sh(c, 'grep -c " /rel " /proc/mounts')


@case
def mount_unknown_type(c, b):
    mount(c, '/v', 'nosuchfs', 'none')
    sh(c, 'echo ran')


@case
def mount_unknown_option(c, b):
    mount(c, '/v', 'tmpfs', 'tmpfs', 'nosuchoption=1')
    sh(c, 'echo ran')


@case
def mount_no_type(c, b):
    mount(c, '/v', None, 'none')
    sh(c, 'echo ran')


@case
def mounts_of_the_base(c, b):
    sh(c, 'grep -v " / " /proc/mounts | cut -d" " -f2,3 | grep -v "/sys/fs/cgroup\\|/proc/\\|^/sys/" | sort')


@case
def sysfs_is_read_only(c, b):
    sh(c, 'mkdir /sys/x || echo refused; echo 1 > /proc/sys/kernel/hostname || echo refused')


@case
def masked(c, b):
    (b / 'rootfs/etc/secret').write_text('s')
    (b / 'rootfs/hidden').mkdir()
    (b / 'rootfs/hidden/f').write_text('s')
    c['linux']['maskedPaths'] = ['/etc/secret', '/hidden', '/absent', '/proc/kcore']
    sh(c, 'cat /etc/secret | wc -c; ls /hidden | wc -l; stat -c %F /etc/secret; echo x > /hidden/g || echo refused')


@case
def readonly_paths(c, b):
    c['linux']['readonlyPaths'] = ['/tmp', '/absent', '/proc/sys']
    sh(c, 'echo x > /tmp/f || echo refused; echo x > /etc/f && echo written')


# ---- names, namespaces, kernel parameters ----
@case
def hostname(c, b):
    c['hostname'] = 'some-name'
    sh(c, 'hostname; cat /proc/sys/kernel/hostname; uname -n')


@case
def hostname_without_namespace(c, b):
    c['hostname'] = 'some-name'
    c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'uts']
    sh(c, 'hostname')


@case
def no_ipc_namespace(c, b):
    c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'ipc']
    sh(c, 'echo ran')


@case
def namespace_twice(c, b):
    c['linux']['namespaces'].append({'type': 'uts'})
    sh(c, 'echo ran')


@case
def namespace_unknown(c, b):
    c['linux']['namespaces'].append({'type': 'colour'})
    sh(c, 'echo ran')


@case
def namespace_path_missing(c, b):
    c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'ipc'] + [
        {'type': 'ipc', 'path': '/proc/self/ns/absent'}]
    sh(c, 'echo ran')


@case
def network_by_path(c, b):
    c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'network'] + [
        {'type': 'network', 'path': f'/proc/{__import__("os").getpid()}/ns/net'}]
    sh(c, 'ls /proc/self/ns | grep -c net')


@case
def sysctl(c, b):
    c['linux']['sysctl'] = {'kernel.shmmni': '321', 'net.ipv4.ip_unprivileged_port_start': '80'}
    sh(c, 'cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_unprivileged_port_start')


@case
def sysctl_of_the_host(c, b):
    c['linux']['sysctl'] = {'kernel.panic': '1'}
    sh(c, 'echo ran')


# ---- devices and resources ----
@case
def devices(c, b):
    c['linux']['devices'] = [
        {'path': '/dev/z', 'type': 'c', 'major': 1, 'minor': 5, 'fileMode': 0o640, 'uid': 3, 'gid': 4},
        {'path': '/dev/sub/pipe', 'type': 'p', 'fileMode': 0o600}]
    sh(c, 'stat -c "%F %t %T %a %u %g" /dev/z /dev/sub/pipe')


@case
def devices_of_the_base(c, b):
    sh(c, 'ls -l /dev | cut -c 1-10,57- | sed "s/.*:.. //" | sort; head -c 3 /dev/zero | wc -c; echo x > /dev/null && echo ok')


@case
def pids_limit(c, b):
    c['linux']['resources']['pids'] = {'limit': 10}
    sh(c, 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; echo not reached')


@case
def memory_limit(c, b):
    c['linux']['resources']['memory'] = {'limit': 64 << 20, 'swap': 64 << 20}
    sh(c, 'tail /dev/zero; echo $?; exit 4')


@case
def memory_limit_of_the_first(c, b):
    c['linux']['resources']['memory'] = {'limit': 64 << 20, 'swap': 64 << 20}
    c['process']['args'] = ['tail', '/dev/zero']


@case
def cpu_shares_of_zero(c, b):
    c['linux']['resources']['cpu'] = {'shares': 0, 'quota': 0, 'period': 0}
    sh(c, 'echo ran')


# ---- seccomp ----
def filter_(c, action, names, default='SCMP_ACT_ALLOW', **more):
    c['linux']['seccomp'] = {'defaultAction': default, 'architectures': ['SCMP_ARCH_X86_64'],
                             'syscalls': [{'names': names, 'action': action, **more}]}


@case
def seccomp_errno(c, b):
    filter_(c, 'SCMP_ACT_ERRNO', ['mkdir', 'mkdirat'], errnoRet=28)
    sh(c, 'mkdir /x 2>&1; grep ^Seccomp: /proc/self/status')


@case
def seccomp_kill(c, b):
    filter_(c, 'SCMP_ACT_KILL_PROCESS', ['mkdir', 'mkdirat'])
    sh(c, 'mkdir /x; echo $?')


@case
def seccomp_argument(c, b):
    filter_(c, 'SCMP_ACT_ERRNO', ['kill'], args=[{'index': 1, 'value': 0, 'op': 'SCMP_CMP_EQ'}])
    sh(c, 'kill -0 $$ 2>&1; sleep 5 & kill $! && echo killed')


@case
def seccomp_unknown_call(c, b):
    filter_(c, 'SCMP_ACT_ERRNO', ['no_such_call', 'mkdir'])
    sh(c, 'mkdir /x 2>&1')


@case
def seccomp_unknown_action(c, b):
    filter_(c, 'SCMP_ACT_DANCE', ['mkdir'])
    sh(c, 'echo ran')


# ---- hooks and annotations ----
@case
def hooks_in_order(c, b):
    for kind in 'prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop':
        hook(c, kind, '/bin/sh', '-c', f'echo {kind} >> {b}/log')
    sh(c, 'sleep 0.3; echo ran')


@case
def hook_prestart_fails(c, b):
    hook(c, 'prestart', '/bin/false')
    sh(c, 'echo ran')


@case
def hook_create_container_fails(c, b):
    hook(c, 'createContainer', '/bin/false')
    sh(c, 'echo ran')


@case
def hook_start_container_fails(c, b):
    hook(c, 'startContainer', '/bin/false')
    sh(c, 'echo ran')


@case
def hook_poststart_fails(c, b):
    hook(c, 'poststart', '/bin/false')
    sh(c, 'sleep 0.3; echo ran')


@case
def hook_poststop_fails(c, b):
    hook(c, 'poststop', '/bin/false')
    sh(c, 'echo ran')


@case
def hook_hangs(c, b):
    hook(c, 'prestart', '/bin/sleep', '100', timeout=1)
    sh(c, 'echo ran')


@case
def hook_missing(c, b):
    hook(c, 'prestart', '/absent/hook')
    sh(c, 'echo ran')


@case
def annotations(c, b):
    c['annotations'] = {'a.b/c': 'd', 'empty': ''}
    sh(c, 'sleep 0.2')


# ---- what cannot run ----
@case
def no_such_program(c, b):
    c['process']['args'] = ['absent']


@case
def no_such_path(c, b):
    c['process']['args'] = ['/bin/absent']


@case
def not_executable(c, b):
    (b / 'rootfs/bin/data').write_text('x')
    c['process']['args'] = ['/bin/data']


@case
def a_directory(c, b):
    c['process']['args'] = ['/bin']


@case
def bad_format(c, b):
    (b / 'rootfs/bin/data').write_text('x')
    (b / 'rootfs/bin/data').chmod(0o755)
    c['process']['args'] = ['/bin/data']


@case
def no_interpreter(c, b):
    (b / 'rootfs/bin/script').write_text('#!/absent/sh\n')
    (b / 'rootfs/bin/script').chmod(0o755)
    c['process']['args'] = ['/bin/script']


@case
def cwd_is_a_file(c, b):
    c['process']['cwd'] = '/bin/sh'


@case
def cwd_relative(c, b):
    c['process']['cwd'] = 'tmp'


@case
def cwd_not_for_the_user(c, b):
    (b / 'rootfs/closed').mkdir(mode=0o700)
    c['process']['cwd'] = '/closed'
    c['process']['user'] = {'uid': 9, 'gid': 9}
    sh(c, 'pwd')


@case
def no_args(c, b):
    c['process']['args'] = []


@case
def no_process(c, b):
    del c['process']


@case
def user_negative(c, b):
    c['process']['user'] = {'uid': -1, 'gid': 0}
    sh(c, 'echo ran')


@case
def wrong_type(c, b):
    c['process']['args'] = 'sh'


@case
def wrong_type_of_a_number(c, b):
    c['process']['user'] = {'uid': '0', 'gid': 0}


@case
def rlimit_unknown(c, b):
    c['process']['rlimits'] = [{'type': 'RLIMIT_LUCK', 'soft': 1, 'hard': 1}]
    sh(c, 'echo ran')


@case
def rlimit_twice(c, b):
    c['process']['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'soft': n, 'hard': n} for n in (100, 50)]
    sh(c, 'ulimit -n')


@case
def capability_unknown(c, b):
    c['process']['capabilities']['bounding'] = ['CAP_KILL', 'CAP_DANCE']
    sh(c, 'echo ran')


@case
def no_root(c, b):
    del c['root']


@case
def root_missing(c, b):
    c['root']['path'] = 'absent'


@case
def no_version(c, b):
    del c['ociVersion']
    sh(c, 'echo ran')


@case
def version_2(c, b):
    c['ociVersion'] = '2.0.0'
    sh(c, 'echo ran')


@case
def no_linux(c, b):
    del c['linux']
    sh(c, 'echo ran')


@case
def not_json(c, b):
    return json.dumps(c)[:-1]


@case
def empty_file(c, b):
    return ''
