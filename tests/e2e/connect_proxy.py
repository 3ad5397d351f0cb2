#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A proxy for HTTPS (CONNECT, RFC 9110 section 9.3.6) on the loopback, for tests.

    connect_proxy.py PORT_FILE

Writes its port to the file, and a line for each tunnel to standard output.
"""

import http.server
import os
import select
import socket
import sys

PIECE = 1 << 16


class Tunnel(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        print(self.path, flush=True)
        with socket.create_connection((host, int(port))) as server:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: server, server: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(PIECE)
                    if not data:
                        return
                    ends[end].sendall(data)

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tunnel) as proxy:
    with open(sys.argv[1] + ".new", "w") as out:
        out.write(str(proxy.server_port))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    proxy.serve_forever()
