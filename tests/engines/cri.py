"""cri.py - a client of the Kubernetes container runtime interface, version runtime.v1, over a Unix socket.

It knows the messages that cri_pod.py needs, as tables of field numbers from the interface's definition (api.proto); fields that
are not in a table are skipped when read. Needs python3-grpcio alone, no generated code.
"""
import grpc

# MESSAGE: NAME=NUMBER:TYPE ...; types: s string, y bytes, i integer, b bool, m map of strings, or a message; * repeated.
MESSAGES = {
    'Empty': '',
    'Int64': 'value=1:i',
    'KeyValue': 'key=1:s value=2:s',
    'VersionReply': 'version=1:s runtime_name=2:s runtime_version=3:s runtime_api_version=4:s',
    'Condition': 'type=1:s status=2:b reason=3:s message=4:s',
    'RuntimeStatus': 'conditions=1:*Condition',
    'StatusReply': 'status=1:RuntimeStatus',
    'Metadata': 'name=1:s uid=2:s namespace=3:s attempt=4:i',
    'Dns': 'servers=1:*s searches=2:*s options=3:*s',
    'Port': 'protocol=1:i container_port=2:i host_port=3:i host_ip=4:s',
    'Profile': 'profile_type=1:i localhost_ref=2:s',
    'Namespaces': 'network=1:i pid=2:i ipc=3:i target_id=4:s',
    'PodSecurity': 'namespace_options=1:Namespaces run_as_user=3:Int64 readonly_rootfs=4:b privileged=6:b seccomp=9:Profile',
    'PodLinux': 'cgroup_parent=1:s security_context=2:PodSecurity sysctls=3:m',
    'PodConfig': 'metadata=1:Metadata hostname=2:s log_directory=3:s dns_config=4:Dns port_mappings=5:*Port labels=6:m'
                 ' annotations=7:m linux=8:PodLinux',
    'RunPod': 'config=1:PodConfig runtime_handler=2:s',
    'PodId': 'pod_sandbox_id=1:s',
    'PodNetwork': 'ip=1:s',
    'PodStatus': 'id=1:s metadata=2:Metadata state=3:i network=5:PodNetwork runtime_handler=9:s',
    'PodStatusReply': 'status=1:PodStatus info=2:m',
    'Pods': 'items=1:*PodStatus',
    'Image': 'image=1:s',
    'Mount': 'container_path=1:s host_path=2:s readonly=3:b',
    'Resources': 'cpu_period=1:i cpu_quota=2:i cpu_shares=3:i memory_limit_in_bytes=4:i oom_score_adj=5:i',
    'Capabilities': 'add_capabilities=1:*s drop_capabilities=2:*s',
    'Security': 'capabilities=1:Capabilities privileged=2:b namespace_options=3:Namespaces run_as_user=5:Int64'
                ' readonly_rootfs=7:b no_new_privs=11:b masked_paths=13:*s readonly_paths=14:*s seccomp=15:Profile',
    'Linux': 'resources=1:Resources security_context=2:Security',
    'ContainerMetadata': 'name=1:s attempt=2:i',
    'ContainerConfig': 'metadata=1:ContainerMetadata image=2:Image command=3:*s args=4:*s working_dir=5:s envs=6:*KeyValue'
                       ' mounts=7:*Mount labels=9:m annotations=10:m log_path=11:s stdin=12:b stdin_once=13:b tty=14:b'
                       ' linux=15:Linux',
    'CreateContainer': 'pod_sandbox_id=1:s config=2:ContainerConfig sandbox_config=3:PodConfig',
    'ContainerId': 'container_id=1:s',
    'StopContainer': 'container_id=1:s timeout=2:i',
    'ContainerStatus': 'id=1:s state=3:i exit_code=7:i reason=10:s message=11:s',
    'ContainerStatusReply': 'status=1:ContainerStatus info=2:m',
    'Containers': 'containers=1:*ContainerStatus',
    'UpdateResources': 'container_id=1:s linux=2:Resources',
    'Exec': 'container_id=1:s cmd=2:*s timeout=3:i',
    'ExecReply': 'stdout=1:y stderr=2:y exit_code=3:i',
    'PortForward': 'pod_sandbox_id=1:s port=2:*i',
    'Url': 'url=1:s',
    'Cpu': 'timestamp=1:i usage_core_nano_seconds=2:Int64',
    'Memory': 'timestamp=1:i working_set_bytes=2:Int64',
    'Stats': 'cpu=2:Cpu memory=3:Memory',
    'StatsReply': 'stats=1:Stats',
}

METHODS = {
    'Version': ('Empty', 'VersionReply'),
    'Status': ('Empty', 'StatusReply'),
    'RunPodSandbox': ('RunPod', 'PodId'),
    'StopPodSandbox': ('PodId', 'Empty'),
    'RemovePodSandbox': ('PodId', 'Empty'),
    'PodSandboxStatus': ('PodId', 'PodStatusReply'),
    'ListPodSandbox': ('Empty', 'Pods'),
    'CreateContainer': ('CreateContainer', 'ContainerId'),
    'StartContainer': ('ContainerId', 'Empty'),
    'StopContainer': ('StopContainer', 'Empty'),
    'RemoveContainer': ('ContainerId', 'Empty'),
    'ContainerStatus': ('ContainerId', 'ContainerStatusReply'),
    'ListContainers': ('Empty', 'Containers'),
    'UpdateContainerResources': ('UpdateResources', 'Empty'),
    'ExecSync': ('Exec', 'ExecReply'),
    'PortForward': ('PortForward', 'Url'),
    'ContainerStats': ('ContainerId', 'StatsReply'),
}


def parse_fields(text):
    fields = {}
    for word in text.split():
        name, _, rest = word.partition('=')
        number, _, kind = rest.partition(':')
        fields[name] = (int(number), kind.lstrip('*'), kind.startswith('*'))
    return fields


TABLES = {name: parse_fields(text) for name, text in MESSAGES.items()}


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def encode(message, values):
    out = b''

    def put(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data

    for name, value in values.items():
        number, kind, repeated = TABLES[message][name]
        if kind == 'm':
            items = [encode('KeyValue', {'key': k, 'value': v}) for k, v in value.items()]
        else:
            items = value if repeated else [value]
        for v in items:
            if kind in 'ib':
                out += varint(number << 3) + varint(int(v))
            elif kind == 's':
                out += put(number, v.encode())
            elif kind in 'ym':
                out += put(number, v)
            else:
                out += put(number, encode(kind, v))
    return out


def decode(message, data):
    values = {}
    for name, (_, kind, repeated) in TABLES[message].items():
        values[name] = [] if repeated else {'s': '', 'i': 0, 'b': False, 'y': b'', 'm': {}}.get(kind, {})
    names = {number: (name, kind, repeated) for name, (number, kind, repeated) in TABLES[message].items()}
    at = 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        key = number()
        wire = key & 7
        if wire == 0:
            value = number()
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
            continue
        else:
            length = number()
            value = data[at:at + length]
            at += length
        if key >> 3 not in names:
            continue
        name, kind, repeated = names[key >> 3]
        if kind == 'i':
            value -= (value >> 63) << 64
        elif kind == 'b':
            value = bool(value)
        elif kind == 's':
            value = value.decode()
        elif kind == 'm':
            pair = decode('KeyValue', value)
            values[name][pair['key']] = pair['value']
            continue
        elif kind != 'y':
            value = decode(kind, value)
        if repeated:
            values[name].append(value)
        else:
            values[name] = value
    return values


class Client:
    """Client(SOCKET).RunPodSandbox(config=..., runtime_handler=...) and so on; raises grpc.RpcError."""

    def __init__(self, socket):
        self.channel = grpc.insecure_channel(f'unix:{socket}')

    def __getattr__(self, method):
        request, reply = METHODS[method]
        call = self.channel.unary_unary(f'/runtime.v1.RuntimeService/{method}', lambda v: encode(request, v),
                                        lambda data: decode(reply, data))
        return lambda **values: call(values, timeout=60)
