"""An echo server and many clients in asyncio, over IPv4, IPv6, TLS and datagrams."""
import asyncio, os, ssl, subprocess, sys

CLIENTS = int(sys.argv[1])
SIZE = 100_000


async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def client(host, port, **kw):
    reader, writer = await asyncio.open_connection(host, port, **kw)
    data = os.urandom(SIZE)
    sent = asyncio.ensure_future(writer.drain())
    writer.write(data)
    got = await reader.readexactly(SIZE)
    await sent
    writer.close()
    return got == data


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


class Ask(asyncio.DatagramProtocol):
    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.answer.done() or self.answer.set_result(data)


async def main():
    for host in '127.0.0.1', '::1':
        server = await asyncio.start_server(serve, host, 7000)
        async with server:
            print(host, sum(await asyncio.gather(*[client(host, 7000) for _ in range(CLIENTS)])))
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', '/tmp/k', '-out', '/tmp/c'],
                   check=True, stderr=subprocess.DEVNULL)
    there = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    there.load_cert_chain('/tmp/c', '/tmp/k')
    here = ssl.create_default_context(cafile='/tmp/c')
    server = await asyncio.start_server(serve, '127.0.0.1', 7001, ssl=there)
    async with server:
        print('tls', sum(await asyncio.gather(*[client('localhost', 7001, ssl=here) for _ in range(CLIENTS // 10)])))
    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(Echo, local_addr=('127.0.0.1', 7002))
    ask, protocol = await loop.create_datagram_endpoint(Ask, remote_addr=('127.0.0.1', 7002))
    ask.sendto(b'a datagram')
    print((await asyncio.wait_for(protocol.answer, 10)).decode())

asyncio.run(main())
