#!/usr/bin/python3
"""cri_pod.py - what a kubelet does with a pod of a runtime class, through containerd's CRI plugin.

usage: cri_pod.py SOCKET HANDLER      TEST_FULL=1: also the long cases. HOST_PORTS=false: no iptables here.
Exit status 1 and a line each for what failed.

Containers of one pod on one address, exec, its timeout, logs, statistics, an update of limits, volumes, stopping with and
without grace, a container that cannot start, and that nothing is left in the engine's lists.
"""
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.parse

import grpc

import cri

FULL = bool(os.environ.get('TEST_FULL'))
HOST_PORTS = os.environ.get('HOST_PORTS') != 'false'
BUSYBOX = {'image': 'docker.io/library/busybox:latest'}
RUNNING, EXITED = 1, 2
failures = 0


def expect(what, want, got):
    global failures
    if want != got:
        print(f'{what}: expected:\n{want}\n  got:\n{got}')
        failures += 1


def page(url):
    r = subprocess.run(['curl', '-s', '-S', '-m', '5', url], capture_output=True)
    return (r.stdout + r.stderr).decode()


class Pod:
    def __init__(self, client, handler, name, **linux):
        self.client, self.name = client, name
        self.logs = f'/run/lab/logs/{name}'
        os.makedirs(self.logs)
        self.config = {
            'metadata': {'name': name, 'uid': f'uid-{name}', 'namespace': 'default', 'attempt': 0}, 'hostname': name,
            'log_directory': self.logs,
            'dns_config': {'servers': ['10.77.8.1'], 'searches': ['cluster.local']},
            'labels': {'app': name}, 'annotations': {'example.org/key': 'value'}, **linux.pop('config', {}),
            'linux': {'cgroup_parent': f'/kubepods/pod-{name}', 'security_context': {
                'namespace_options': {'network': 0, 'pid': linux.pop('pid', 1), 'ipc': 0}, 'seccomp': {'profile_type': 0}}},
        }
        self.id = client.RunPodSandbox(config=self.config, runtime_handler=handler)['pod_sandbox_id']

    def container(self, name, *command, resources=None, security=None, **more):
        config = {
            'metadata': {'name': name, 'attempt': 0}, 'image': BUSYBOX, 'command': command, 'log_path': f'{name}.log', **more,
            'linux': {
                'resources': {'cpu_period': 100000, 'cpu_quota': 50000, 'cpu_shares': 512, 'oom_score_adj': 1000,
                              'memory_limit_in_bytes': 128 << 20, **(resources or {})},
                'security_context': {
                    'namespace_options': {'network': 0, 'pid': 1, 'ipc': 0}, 'seccomp': {'profile_type': 0},
                    'masked_paths': ['/proc/kcore', '/proc/keys'], 'readonly_paths': ['/proc/sys'], **(security or {})},
            },
        }
        return Container(self, self.client.CreateContainer(pod_sandbox_id=self.id, config=config,
                                                           sandbox_config=self.config)['container_id'], name)

    def remove(self):
        for _ in range(2):  # the second one must do no harm
            self.client.StopPodSandbox(pod_sandbox_id=self.id)
        self.client.RemovePodSandbox(pod_sandbox_id=self.id)


class Forward:
    """A forwarded port as the engine's streaming server gives it: a WebSocket with a channel of data and one of errors."""

    def __init__(self, client, pod, port):
        url = urllib.parse.urlsplit(client.PortForward(pod_sandbox_id=pod.id, port=[port])['url'])
        self.socket = socket.create_connection((url.hostname, url.port), timeout=20)
        self.socket.sendall((f'GET {url.path}?port={port} HTTP/1.1\r\nHost: {url.netloc}\r\nOrigin: http://{url.netloc}\r\n'
                             'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
                             'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n'
                             'Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n').encode())
        self.file = self.socket.makefile('rb')
        while self.file.readline() not in (b'\r\n', b''):
            pass
        self.messages = {0: [], 1: []}  # the first of each is the port

    def send(self, data):
        message = b'\0' + data
        self.socket.sendall(struct.pack('>BBI', 0x82, 0x80 | len(message), 0) + message)  # masked with zeros

    def receive(self):
        """All data and errors until the server ends the connection."""
        while True:
            head = self.file.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return tuple(b''.join(m[1:]).decode() for m in self.messages.values())
            n = head[1] if head[1] < 126 else struct.unpack('>H', self.file.read(2))[0]
            message = self.file.read(n)
            if message:
                self.messages[message[0]].append(message[1:])


class Container:
    def __init__(self, pod, ident, name):
        self.pod, self.id, self.name, self.client = pod, ident, name, pod.client

    def start(self):
        self.client.StartContainer(container_id=self.id)
        return self

    def status(self):
        s = self.client.ContainerStatus(container_id=self.id)['status']
        return s['state'], s['exit_code'], s['reason']

    def ended(self, seconds=10):
        for _ in range(seconds * 20):
            if self.status()[0] == EXITED:
                break
            time.sleep(0.05)
        return self.status()

    def stop(self, timeout):
        self.client.StopContainer(container_id=self.id, timeout=timeout)
        return self.status()[1]

    def remove(self):
        self.client.RemoveContainer(container_id=self.id)

    def exec(self, *cmd, timeout=20):
        r = self.client.ExecSync(container_id=self.id, cmd=cmd, timeout=timeout)
        return r['stdout'].decode(), r['stderr'].decode(), r['exit_code']

    def log(self):
        """The container's lines, without the time that the engine puts before them."""
        with open(f'{self.pod.logs}/{self.name}.log') as f:
            return [line.rstrip('\n').partition(' ')[2] for line in f]


def web_pod(client, handler):
    volume = '/run/lab/volume'
    os.makedirs(volume, exist_ok=True)
    with open(f'{volume}/index.html', 'w') as f:
        f.write('from the volume\n')
    pod = Pod(client, handler, 'web', config={'port_mappings': [{'protocol': 0, 'container_port': 80, 'host_port': 8088}]})
    status = client.PodSandboxStatus(pod_sandbox_id=pod.id)['status']
    expect('pod: state, handler', (0, handler), (status['state'], status['runtime_handler']))
    address = status['network']['ip']
    main = pod.container('main', 'sh', '-c', 'trap "exit 5" TERM; httpd -p 80 -h /data; echo started $GREETING >&2;'
                         ' while :; do sleep 0.1; done', envs=[{'key': 'GREETING', 'value': 'hello'}], working_dir='/tmp',
                         mounts=[{'container_path': '/data', 'host_path': volume, 'readonly': True}]).start()
    expect('main: state', RUNNING, main.status()[0])
    expect('exec', ('out\n', 'err\n', 3), main.exec('sh', '-c', 'echo out; echo err >&2; exit 3'))
    expect('host name', 'web\n', main.exec('hostname')[0])
    expect('resolv.conf', 'search cluster.local\nnameserver 10.77.8.1\n', main.exec('cat', '/etc/resolv.conf')[0])
    expect('working directory', '/tmp\n', main.exec('pwd')[0])
    if handler == 'moat':
        expect("uname -r is not the host's", True, main.exec('uname', '-r')[0].strip() != os.uname().release)
    try:
        main.exec('sleep', '30', timeout=1)
        expect('exec: timeout', 'an error', 'none')
    except grpc.RpcError as e:
        expect('exec: timeout', grpc.StatusCode.DEADLINE_EXCEEDED, e.code())
    expect("page at the pod's address", 'from the volume\n', page(f'http://{address}/'))
    if HOST_PORTS:
        expect('page at the host port', 'from the volume\n', page('http://10.77.8.1:8088/'))
    with open(f'{volume}/index.html', 'w') as f:
        f.write('changed on the host\n')
    expect('a volume changes', 'changed on the host\n', page(f'http://{address}/'))
    forward = Forward(client, pod, 80)
    forward.send(b'GET / HTTP/1.0\r\n\r\n')
    expect('port-forward', 'changed on the host\n', forward.receive()[0].rpartition('\r\n')[2])
    expect('port-forward: nothing listens', ('', True), (lambda data, error: (data, 'port 81' in error or error))(
        *Forward(client, pod, 81).receive()))
    stats = client.ContainerStats(container_id=main.id)['stats']
    expect('stats', (True, True), (stats['memory']['working_set_bytes'].get('value', 0) > 0,
                                   stats['cpu']['usage_core_nano_seconds'].get('value', 0) > 0))
    client.UpdateContainerResources(container_id=main.id, linux={'cpu_shares': 256, 'memory_limit_in_bytes': 64 << 20})

    side = pod.container('side', 'wget', '-q', '-O', '-', 'http://127.0.0.1/').start()
    expect('side: end', (EXITED, 0, 'Completed'), side.ended())
    expect('side: log', ['stdout F changed on the host'], side.log())
    expect('main: log', ['stderr F started hello'], main.log())
    side.remove()
    processes = pod.container('processes', 'ps', '-o', 'pid,args').start()
    expect('processes: end', (EXITED, 0, 'Completed'), processes.ended())
    expect('a container sees its own processes alone', 2, len(processes.log()))
    processes.remove()

    expect('main: stopped with grace', 5, main.stop(10))
    main.remove()
    stubborn = pod.container('stubborn', 'sh', '-c', 'trap "" TERM; while :; do sleep 1; done').start()
    expect('stubborn: stopped', 137, stubborn.stop(1))
    stubborn.remove()
    absent = pod.container('absent', '/nonexistent')
    try:
        absent.start()
        expect('a missing command', 'an error', 'none')
    except grpc.RpcError as e:
        expect('a missing command', True, 'no such file or directory' in e.details() or e.details())
    absent.remove()
    pod.remove()


def shared_pids(client, handler):
    pod = Pod(client, handler, 'pids', pid=0)
    a = pod.container('a', 'sleep', '1000', security={'namespace_options': {'network': 0, 'pid': 0, 'ipc': 0}}).start()
    b = pod.container('b', 'sleep', '2000', security={'namespace_options': {'network': 0, 'pid': 0, 'ipc': 0}}).start()
    seen = a.exec('ps', '-o', 'args')[0]
    expect('shared pids: what is seen', (True, True, True), tuple(w in seen for w in ('/pause', 'sleep 1000', 'sleep 2000')))
    expect('shared pids: stopped', 137, a.stop(0))
    expect('shared pids: the other', RUNNING, b.status()[0])
    b.stop(0)
    a.remove()
    b.remove()
    pod.remove()


def many_execs(client, handler):
    pod = Pod(client, handler, 'execs')
    c = pod.container('main', 'sleep', '1000').start()
    for i in range(100):
        if c.exec('sh', '-c', f'exit {i}')[2] != i:
            expect('exec', i, 'another')
    pod.remove()


def main():
    client = cri.Client(sys.argv[1])
    handler = sys.argv[2]
    for c in client.Status()['status']['conditions']:
        expect(f'engine: {c["type"]} {c["message"]}', True, c['status'])
    for test in [web_pod] + [shared_pids, many_execs] * FULL:
        start = time.monotonic()
        try:
            test(client, handler)
        except grpc.RpcError as e:
            expect(test.__name__, 'no error', f'{e.code().name}: {e.details()}')
        if os.environ.get('TEST_VERBOSE'):
            print(f'{time.monotonic() - start:7.2f} {test.__name__} {handler}')
    for pod in client.ListPodSandbox()['items']:
        expect('pods left', '', pod['id'])
        client.StopPodSandbox(pod_sandbox_id=pod['id'])
        client.RemovePodSandbox(pod_sandbox_id=pod['id'])
    return 1 if failures else 0


sys.exit(main())
