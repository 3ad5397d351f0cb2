#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A proxy for HTTPS (CONNECT, RFC 9110 section 9.3.6) on the loopback, for tests.

    connect_proxy.py PORT_FILE [NAME:PASSWORD]

Writes its port to the file, and a line for each tunnel to standard output. Lets nobody
connect to ports below 1024, and only those who know the password.
"""

import base64
import http.server
import os
import select
import socket
import sys

PIECE = 1 << 16


class Tunnel(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        if sys.argv[2:]:
            word = base64.b64encode(sys.argv[2].encode()).decode()
            if self.headers["Proxy-Authorization"] != "Basic " + word:
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
                self.end_headers()
                return
        if int(port) < 1024:
            self.send_error(403)
            return
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
