#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Serves a store over HTTP/2 (RFC 9113) on the loopback, and misbehaves on purpose.

    http2_server.py --store DIR --certificate PEM --fault-file FILE --url-file FILE

Each stream gets what fits into the client's windows, all in turn, as fast as that goes. The
fault file names what happens to blobs, one of FAULTS or "none", and is read for each
request. PEM has the certificate and its key. Needs libnghttp2, for decoding requests.
"""

import argparse
import ctypes
import os
import select
import socket
import ssl
import struct
import threading

DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS, ACK, PADDED, PRIORITY = 1, 4, 1, 8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME = 16384  # bytes of a frame that everybody takes
FAULTS = ("over", "endless", "padding", "header", "trailer", "interim", "pings", "silent")


class Field(ctypes.Structure):
    """nghttp2_nv of nghttp2.h"""

    _fields_ = [("name", ctypes.POINTER(ctypes.c_ubyte)), ("value", ctypes.POINTER(ctypes.c_ubyte)),
                ("name_size", ctypes.c_size_t), ("value_size", ctypes.c_size_t),
                ("flags", ctypes.c_uint8)]  # fmt: skip


class Inflater:
    """HPACK (RFC 7541) of the requests of one connection."""

    library = ctypes.CDLL("libnghttp2.so.14")

    def __init__(self):
        self.inflater = ctypes.c_void_p()
        self.library.nghttp2_hd_inflate_new(ctypes.byref(self.inflater))

    def fields(self, block):
        field, flags, out = Field(), ctypes.c_int(), {}
        inflate = self.library.nghttp2_hd_inflate_hd2
        inflate.restype = ctypes.c_ssize_t
        inflate.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p,
                            ctypes.c_size_t, ctypes.c_int]  # fmt: skip
        while True:
            used = inflate(self.inflater, ctypes.byref(field), ctypes.byref(flags), block, len(block), 1)
            if used < 0:
                raise ValueError("HPACK")
            block = block[used:]
            if flags.value & 2:  # NGHTTP2_HD_INFLATE_EMIT
                name = ctypes.string_at(field.name, field.name_size)
                out[name] = ctypes.string_at(field.value, field.value_size)
            elif flags.value & 1 or not block:  # NGHTTP2_HD_INFLATE_FINAL
                self.library.nghttp2_hd_inflate_end_headers(self.inflater)
                return out


def integer(value):
    """Of seven bits first: RFC 7541, 5.1"""
    if value < 127:
        return bytes([value])
    out, value = b"\x7f", value - 127
    while value >= 128:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def literal(name, value):
    name, value = name.encode(), value.encode()
    return b"\0" + integer(len(name)) + name + integer(len(value)) + value


def endless(piece):
    while True:
        yield piece


class Stream:
    """One answer: heads to go, then body, a generator of pieces, then the end."""

    def __init__(self, window, path):
        self.window, self.path, self.left, self.body, self.trailer = window, path, b"", iter(()), b""


class Connection:
    def __init__(self, sock, options):
        self.sock, self.options, self.inflater = sock, options, Inflater()
        self.window, self.initial, self.streams, self.block = 65535, 65535, {}, b""
        self.flood = None  # a frame without end

    def send(self, kind, flags, stream, payload=b""):
        self.sock.sendall(struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload)

    def receive(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    def send_head(self, number, block, flags=0):
        pieces = [block[i : i + FRAME] for i in range(0, len(block), FRAME)] or [b""]
        for i, piece in enumerate(pieces):
            last = END_HEADERS if i == len(pieces) - 1 else 0
            self.send(CONTINUATION if i else HEADERS, last | (0 if i else flags), number, piece)

    def answer(self, number, path):
        stream = self.streams[number] = Stream(self.initial, path)
        fault = open(self.options.fault_file).read().strip() if path.startswith("/blobs/") else "none"
        full = os.path.normpath(os.path.join(self.options.store, path.lstrip("/")))
        if not full.startswith(self.options.store + "/") or not os.path.isfile(full):
            self.send_head(number, literal(":status", "404"), END_STREAM)
            del self.streams[number]
            return
        body = open(full, "rb").read()
        head = b"\x88" if fault == "endless" else b"\x88" + literal("content-length", str(len(body)))
        pieces = [body[i : i + FRAME] for i in range(0, len(body), FRAME)]
        if fault == "interim":
            self.flood = (HEADERS, END_HEADERS, number, literal(":status", "103") + literal("link", "x" * 64))
            return
        if fault == "header":
            head += b"".join(literal(f"x-{i}", "x" * 7500) for i in range(40))
        if fault == "pings":
            self.flood = (PING, 0, 0, bytes(8))
        self.send_head(number, head)
        stream.body = iter(pieces)
        if fault in ("over", "endless"):
            stream.body = endless(body[:FRAME] or b"x")
        elif fault == "padding":
            stream.body = endless(b"")
        elif fault == "silent":
            del self.streams[number]
        elif fault == "trailer":
            stream.trailer = b"".join(literal(f"x-{i}", "x" * 7500) for i in range(40))

    def take(self):
        head = self.receive(9)
        size, kind, flags, number = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
        payload = self.receive(size)
        if kind == HEADERS:
            skip = (flags & PADDED and 1) + (flags & PRIORITY and 5)
            self.block = payload[skip : size - payload[0] if flags & PADDED else size]
        elif kind == CONTINUATION:
            self.block += payload
        if kind in (HEADERS, CONTINUATION) and flags & END_HEADERS:
            self.answer(number, self.inflater.fields(self.block)[b":path"].decode())
        elif kind == RST_STREAM:
            self.streams.pop(number, None)
            if self.flood and self.flood[2] == number:
                self.flood = None
        elif kind == SETTINGS and not flags & ACK:
            for i in range(0, size, 6):
                name, value = struct.unpack(">HI", payload[i : i + 6])
                if name == 4:  # SETTINGS_INITIAL_WINDOW_SIZE
                    self.initial = value
            self.send(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if number == 0:
                self.window += more
            elif number in self.streams:
                self.streams[number].window += more

    def give(self, number, stream):
        """One frame, if there is room. True: something went."""
        size = 256 if not stream.left else len(stream.left)
        if not stream.left:
            piece = next(stream.body, None)
            if piece is None:
                if stream.trailer:
                    self.send_head(number, stream.trailer, END_STREAM)
                else:
                    self.send(DATA, END_STREAM, number)
                del self.streams[number]
                return True
            if not piece:  # a frame of padding alone
                if min(self.window, stream.window) < size:
                    return False
                self.window, stream.window = self.window - size, stream.window - size
                self.send(DATA, PADDED, number, b"\xff" + bytes(255))
                return True
            stream.left = piece
        size = min(len(stream.left), self.window, stream.window)
        if size <= 0:
            return False
        self.window, stream.window = self.window - size, stream.window - size
        self.send(DATA, 0, number, stream.left[:size])
        stream.left = stream.left[size:]
        return True

    def run(self):
        if self.receive(len(PREFACE)) != PREFACE:
            return
        self.send(SETTINGS, 0, 0)
        while True:
            busy = False
            for number, stream in list(self.streams.items()):
                busy = self.give(number, stream) or busy
            if self.flood:
                for _ in range(100):
                    self.send(*self.flood)
                busy = True
            while self.sock.pending() or select.select([self.sock], [], [], 0 if busy else 60)[0]:
                busy = True
                self.take()


def serve(sock, context, options):
    try:
        with context.wrap_socket(sock, server_side=True) as secure:
            Connection(secure, options).run()
    except (OSError, ValueError, KeyError):
        pass


def main():
    parser = argparse.ArgumentParser()
    for name in ("store", "certificate", "fault-file", "url-file"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    options.store = os.path.realpath(options.store)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    with open(options.url_file + ".new", "w") as out:
        out.write(f"https://127.0.0.1:{listener.getsockname()[1]}")
    os.rename(options.url_file + ".new", options.url_file)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, context, options), daemon=True).start()


main()
