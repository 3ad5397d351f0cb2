#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The read-only file system that this kind usually starts from, as a peer of cairn.

    listing_fs.py LISTING_URL URL MOUNTPOINT CACHE CACERT

The listing names every file below URL, {"path": [size, mtime]}. A file is fetched whole,
with a request of its own, when it is first opened, and kept in CACHE.
"""

import errno
import hashlib
import http.client
import json
import os
import ssl
import stat
import sys
import threading
import urllib.parse

from fusepy import FUSE, FuseOSError, Operations

KEPT = 3600  # seconds that the kernel may keep names and attributes


class Server:
    """Fetches, over one connection for each thread."""

    def __init__(self, url, authority):
        self.url = urllib.parse.urlsplit(url)
        self.context = ssl.create_default_context(cafile=authority)
        self.local = threading.local()

    def connection(self):
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPSConnection(
                self.url.hostname, self.url.port, context=self.context, timeout=60)
        return self.local.connection

    def fetch(self, path, target):
        """path: absolute, on the server."""
        connection = self.connection()
        connection.request("GET", urllib.parse.quote(path))
        answer = connection.getresponse()
        if answer.status != 200:
            answer.read()
            raise FuseOSError(errno.EIO)
        with open(target, "wb") as out:
            while data := answer.read(1 << 20):
                out.write(data)


class ListingFS(Operations):
    def __init__(self, server, listing_path, cache):
        self.server, self.cache = server, cache
        os.makedirs(cache, exist_ok=True)
        listing = f"{cache}/listing.json"
        server.fetch(listing_path, listing)
        self.files = {}
        self.directories = {"": set()}
        with open(listing) as file:
            for path, (size, mtime) in json.load(file).items():
                self.files[path] = (size, mtime)
                self.add(path)

    def add(self, path):
        parent, _, name = path.rpartition("/")
        known = parent in self.directories
        self.directories.setdefault(parent, set()).add(name)
        if not known:
            self.add(parent)

    def getattr(self, path, fh=None):
        path = path.lstrip("/")
        if path in self.directories:
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path not in self.files:
            raise FuseOSError(errno.ENOENT)
        size, mtime = self.files[path]
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": size,
                "st_mtime": mtime}

    def readdir(self, path, fh):
        return [".", "..", *self.directories[path.lstrip("/")]]

    def open(self, path, flags):
        path = path.lstrip("/")
        kept = f"{self.cache}/{hashlib.sha256(path.encode()).hexdigest()}"
        if not os.path.exists(kept):
            part = f"{kept}.{threading.get_ident()}"
            self.server.fetch(f"{self.server.url.path}/{path}", part)
            os.rename(part, kept)
        return os.open(kept, os.O_RDONLY)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def release(self, path, fh):
        os.close(fh)


def main():
    listing, url, point, cache, authority = sys.argv[1:]
    files = ListingFS(Server(url, authority), urllib.parse.urlsplit(listing).path, cache)
    FUSE(files, point, foreground=True, ro=True,
         attr_timeout=KEPT, entry_timeout=KEPT, kernel_cache=True)


if __name__ == "__main__":
    main()
