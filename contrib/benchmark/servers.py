# SPDX-License-Identifier: MIT
"""The web server that hands out what was published, and the proxy that makes it far."""

import dataclasses
import os
import socket
import time

from processes import Daemon, Failed, run

ROUND_TRIP = 0.020            # seconds
GIGABIT = 1_000_000_000       # bits a second
START_PATIENCE = 10           # seconds

CONFIGURATION = """\
daemon off;
master_process on;
worker_processes 2;
{user}
pid {work}/pid;
error_log {work}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format counted '$bytes_sent $request_time';
    access_log {work}/access.log counted;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    default_type application/octet-stream;
    sendfile on;
    keepalive_requests 10000000;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        listen 127.0.0.1:{plain};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {work}/cert.pem;
        ssl_certificate_key {work}/key.pem;
        root {root};
        autoindex on;
        autoindex_exact_size on;
    }}
}}
"""


@dataclasses.dataclass(frozen=True)
class Site:
    """A way to the server. plain: without TLS, for peers that cannot be told whom to believe."""
    url: str
    plain: str
    authority: str          # a PEM file
    round_trip: float = 0
    rate: int = 0           # bits a second; 0: no cap
    proxy: "Proxy | None" = None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def await_answer(daemon, *ports):
    end = time.monotonic() + START_PATIENCE
    while not all(answers(port) for port in ports):
        if daemon.ended() or time.monotonic() > end:
            daemon.close()
            raise Failed(f"no server: {daemon.last_words()}")
        time.sleep(0.01)


def make_certificate(work):
    """A certificate for 127.0.0.1 by an authority of its own."""
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run([*new, "-x509", "-days", 7, "-subj", "/CN=bench authority",
         "-keyout", f"{work}/ca.key", "-out", f"{work}/ca.pem"])
    run([*new, "-subj", "/CN=localhost", "-keyout", f"{work}/key.pem",
         "-out", f"{work}/request.pem"])
    with open(f"{work}/names", "w") as names:
        names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run(["openssl", "x509", "-req", "-in", f"{work}/request.pem", "-CA", f"{work}/ca.pem",
         "-CAkey", f"{work}/ca.key", "-days", 7, "-CAcreateserial",
         "-extfile", f"{work}/names", "-out", f"{work}/cert.pem"])


class Web(Daemon):
    """nginx over HTTPS, and over plain HTTP on a second port."""

    def __init__(self, root, work):
        os.makedirs(work, exist_ok=True)
        make_certificate(work)
        self.work, self.port, self.plain_port = work, free_port(), free_port()
        with open(f"{work}/conf", "w") as conf:
            conf.write(CONFIGURATION.format(
                work=work, root=root, port=self.port, plain=self.plain_port,
                user="user root;" if os.geteuid() == 0 else ""))
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        super().__init__(["nginx", "-p", work, "-c", f"{work}/conf", "-e", f"{work}/error.log"],
                         f"{work}/log", env={**os.environ, "PATH": path})
        await_answer(self, self.port, self.plain_port)
        self.site = Site(f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.plain_port}",
                         f"{work}/ca.pem")

    def mark(self):
        return os.path.getsize(f"{self.work}/access.log")

    def since(self, mark):
        """Requests, bytes sent, and seconds spent in them, since the mark was made."""
        time.sleep(0.05)  # a request is logged when it is over
        with open(f"{self.work}/access.log") as log:
            log.seek(mark)
            rows = [line.split() for line in log if line.endswith("\n")]
        return len(rows), sum(int(r[0]) for r in rows), sum(float(r[1]) for r in rows)


class Proxy(Daemon):
    """tests/faults/proxy: half of the round trip in each direction."""

    def __init__(self, program, target, work, round_trip, rate=0):
        os.makedirs(work, exist_ok=True)
        self.program, self.control = program, f"{work}/{free_port()}.sock"
        self.port = free_port()
        command = [program, "-t", target, "-l", self.port, "-c", self.control,
                   "-d", round_trip * 500]
        if rate:
            command += ["-r", rate]
        super().__init__(command, f"{work}/proxy.log")
        await_answer(self, self.port)

    def bytes_down(self):
        words = run([self.program, "ctl", self.control, "stats"]).split()
        return int(words[words.index("down") + 1])


def far_site(keeper, program, web, work, round_trip=ROUND_TRIP, rate=0):
    """The server behind a proxy; kept by keeper."""
    proxy = keeper.keep(Proxy(program, web.port, work, round_trip, rate))
    plain = keeper.keep(Proxy(program, web.plain_port, work, round_trip, rate))
    return Site(f"https://127.0.0.1:{proxy.port}", f"http://127.0.0.1:{plain.port}",
                web.site.authority, round_trip, rate, proxy)
