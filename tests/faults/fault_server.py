#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Serves a store over HTTPS on the loopback, and misbehaves on purpose.

    fault_server.py --store DIR --tls DIR --seed N --rate-file FILE --url-file FILE --counts FILE

The rate file holds the share of requests that go wrong (0 to 1) and is read again for each.
Which fault strikes is a function of the seed, the path and how often that path was asked for,
so a run with the same seed has the same faults in store, whatever the timing. TLS holds
good.pem, and sick.pem (another CA's), each with its key in it. The counts, a JSON object of
fault: how often, are written when it is told to end (SIGTERM).
"""

import argparse
import hashlib
import http.server
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import threading
import time

PATIENCE = 20  # seconds that a fault holds a connection, unless the client leaves
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def bomb():
    """A zstd frame of 40 kB that claims to be small, and is 1.3 GB of zeros."""
    block = 128 << 10  # RLE blocks: RFC 8878, 3.1.1.2
    blocks = [struct.pack("<I", (i == 9999) | 1 << 1 | block << 3)[:3] + b"\0" for i in range(10000)]
    return ZSTD_MAGIC + bytes([0x00, 0x70]) + b"".join(blocks)


BOMB = bomb()


class Schedule:
    """Which fault, if any, a request gets."""

    def __init__(self, seed, rate_file):
        self.seed, self.rate_file = seed, rate_file
        self.asked, self.counts = {}, {}
        self.lock = threading.Lock()

    def rate(self):
        try:
            with open(self.rate_file) as f:
                return float(f.read() or 0)
        except (OSError, ValueError):
            return 0.0

    def draw(self, path):
        """A Random for this request, and whether it goes wrong."""
        with self.lock:
            n = self.asked[path] = self.asked.get(path, 0) + 1
        digest = hashlib.sha256(f"{self.seed} {path} {n}".encode()).digest()
        dice = random.Random(digest)
        return dice, dice.random() < self.rate()

    def count(self, name):
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1


class Faulty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    # ---- good answers

    def read(self, path):
        full = os.path.normpath(os.path.join(self.server.store, path.lstrip("/")))
        if not full.startswith(self.server.store + "/"):
            return None
        try:
            with open(full, "rb") as f:
                return f.read()
        except OSError:
            return None

    def span(self, size):
        """First and last byte that are asked for, or None."""
        text = self.headers.get("Range", "")
        if not text.startswith("bytes=") or "," in text:
            return None
        first, _, last = text[6:].partition("-")
        if not first.isdigit() or int(first) >= size:
            return None
        return int(first), min(int(last), size - 1) if last.isdigit() else size - 1

    def head(self, status, length, extra=()):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()

    def good(self, body):
        if body is None:
            self.head(404, 0)
            return
        etag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        if self.headers.get("If-None-Match") == etag:
            self.head(304, 0, [("ETag", etag)])
            return
        part = self.span(len(body))
        extra = [("ETag", etag), ("Accept-Ranges", "bytes")]
        if part:
            first, last = part
            extra.append(("Content-Range", f"bytes {first}-{last}/{len(body)}"))
            body = body[first : last + 1]
        self.head(206 if part else 200, len(body), extra)
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.partition("?")[0]
        dice, wrong = self.server.schedule.draw(path)
        body = self.read(path)
        if not wrong or "good" in self.path.partition("?")[2]:
            self.good(body)
            return
        kind = dice.choice(KINDS)
        self.server.schedule.count(kind.__name__)
        kind(self, body or b"nothing", dice)

    # ---- what may go wrong; each has the right body and the dice

    def hold(self):
        """Until the client leaves, or patience ends."""
        end = time.monotonic() + PATIENCE
        self.connection.settimeout(1)
        while time.monotonic() < end:
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True

    def cut(self, reset):
        if reset:
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def never_answer(self, body, dice):
        self.hold()

    def stall(self, body, dice):
        self.head(200, len(body))
        self.wfile.write(body[: len(body) // 2])
        self.hold()

    def trickle(self, body, dice):
        self.head(200, len(body))
        end = time.monotonic() + PATIENCE
        for i in range(len(body)):
            self.wfile.write(body[i : i + 1])
            self.wfile.flush()
            if time.monotonic() > end:
                break
            time.sleep(0.2)
        self.close_connection = True

    def reset_at_once(self, body, dice):
        self.cut(True)

    def reset_midway(self, body, dice):
        self.head(200, len(body))
        self.wfile.write(body[: dice.randrange(len(body) + 1)])
        self.cut(True)

    def truncate(self, body, dice):
        self.head(200, len(body))
        self.wfile.write(body[: dice.randrange(len(body))])
        self.cut(False)

    def too_short(self, body, dice):
        body = body[: dice.randrange(len(body))]
        self.head(200, len(body))
        self.wfile.write(body)

    def too_long(self, body, dice):
        body += b"more" * (1 << dice.randrange(22))
        self.head(200, len(body))
        self.wfile.write(body)

    def over_announced(self, body, dice):
        self.head(200, len(body))
        self.wfile.write(body + b"x" * 100000)
        self.close_connection = True

    def endless(self, body, dice):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")
        self.close_connection = True

    def other_status(self, body, dice):
        status = dice.choice([400, 401, 403, 404, 410, 416, 418, 500, 502, 503, 504])
        text = b"<html>no</html>"
        self.head(status, len(text))
        self.wfile.write(text)

    def slow_down(self, body, dice):
        after = dice.choice(["1", "2", "0", "-1", "soon", "99999999999999999999"])
        self.head(dice.choice([429, 503]), 0, [("Retry-After", after)])

    def other_blob(self, body, dice):
        blobs = self.server.blobs()
        self.good(self.read(dice.choice(blobs)) if blobs else b"")

    def flip(self, body, dice):
        wrong = bytearray(body)
        for _ in range(dice.randrange(1, 4)):
            wrong[dice.randrange(len(wrong))] ^= 1 << dice.randrange(8)
        self.good(bytes(wrong))

    def zeros(self, body, dice):
        at = dice.randrange(len(body))
        self.good(body[:at] + bytes(len(body) - at))

    def huge_header(self, body, dice):
        self.head(200, len(body), [("X-Long", "x" * dice.choice([20000, 300000]))])
        self.wfile.write(body)

    def many_headers(self, body, dice):
        self.head(200, len(body), [(f"X-{i}", "y" * 20) for i in range(5000)])
        self.wfile.write(body)

    def early_hints(self, body, dice):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
            self.wfile.flush()
            time.sleep(0.001)
        self.close_connection = True

    def garbage(self, body, dice):
        self.wfile.write(dice.randbytes(dice.randrange(1, 3000)))
        self.close_connection = True

    def portal(self, body, dice):
        text = b"<!DOCTYPE html><title>Log in</title>"
        self.head(200, len(text), [("Content-Type", "text/html")])
        self.wfile.write(text)

    def lying_encoding(self, body, dice):
        self.head(200, len(body), [("Content-Encoding", "gzip")])
        self.wfile.write(body)

    def wrong_range(self, body, dice):
        self.head(206, len(body), [("Content-Range", f"bytes 7-{len(body)}/{len(body) + 9}")])
        self.wfile.write(body)

    def redirect(self, body, dice):
        port = self.server.server_port
        where = dice.choice(
            [
                self.path + "?good",
                f"https://127.0.0.1:{port}{self.path}?good",
                f"//127.0.0.1:{port}{self.path}?good",
                self.path,
                f"http://127.0.0.1:{port}{self.path}",
                "https://127.0.0.1:1/",
                "file:///etc/passwd",
                "ftp://127.0.0.1/x",
                "",
                "https://" + "a" * 9000 + "/",
                "\\\\[::1",
            ]
        )
        self.head(dice.choice([301, 302, 303, 307, 308]), 0, [("Location", where)])

    def old_manifest(self, body, dice):
        self.good(self.read("/revisions/1.json") if self.path == "/manifest.json" else None)

    def decompression_bomb(self, body, dice):
        self.good(BOMB)


KINDS = [
    Faulty.never_answer, Faulty.stall, Faulty.trickle, Faulty.reset_at_once,
    Faulty.reset_midway, Faulty.truncate, Faulty.too_short, Faulty.too_long,
    Faulty.over_announced, Faulty.endless, Faulty.other_status, Faulty.slow_down,
    Faulty.other_blob, Faulty.flip, Faulty.zeros, Faulty.huge_header, Faulty.many_headers,
    Faulty.early_hints, Faulty.garbage, Faulty.portal, Faulty.lying_encoding,
    Faulty.wrong_range, Faulty.redirect, Faulty.old_manifest, Faulty.decompression_bomb,
]  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, options):
        super().__init__(("127.0.0.1", 0), Faulty)
        self.store = os.path.realpath(options.store)
        self.schedule = Schedule(options.seed, options.rate_file)
        self.contexts = [self.context(options.tls, name) for name in ("good", "sick")]

    @staticmethod
    def context(directory, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(directory, name + ".pem"))
        return context

    def blobs(self):
        found = []
        for top in os.listdir(self.store + "/blobs")[:8]:
            found += [f"/blobs/{top}/{name}" for name in os.listdir(f"{self.store}/blobs/{top}")]
        return sorted(found)

    def finish_request(self, request, client_address):
        """On a thread of the connection: refuse, show a sick certificate, or serve."""
        dice, wrong = self.schedule.draw("a connection")
        # most faults are those of requests
        kind = dice.choice(["refuse", "sick_certificate"] + 6 * [""]) if wrong else ""
        if kind:
            self.schedule.count(kind)
        if kind == "refuse":
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        request.settimeout(60)
        context = self.contexts[kind == "sick_certificate"]
        super().finish_request(context.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser()
    for name in ("store", "tls", "rate-file", "url-file", "counts"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    server = Server(options)
    with open(options.url_file + ".new", "w") as out:
        out.write(f"https://127.0.0.1:{server.server_port}")
    os.rename(options.url_file + ".new", options.url_file)

    def end(*_):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    server.serve_forever(poll_interval=0.2)
    with open(options.counts, "w") as out:
        json.dump(server.schedule.counts, out, sort_keys=True)
        out.write("\n")
    os._exit(0)  # connections that are held are not waited for


main()
