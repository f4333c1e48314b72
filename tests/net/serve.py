"""serve.py PORT DIR - files over HTTP from any address of this machine, without a look at any name server."""
import http.server
import os
import socket
import socketserver
import sys


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6  # and IPv4 with it
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


os.chdir(sys.argv[2])
with Server(("::", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler) as server:
    print("serving", flush=True)
    server.serve_forever()
