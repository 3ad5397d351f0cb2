# SPDX-License-Identifier: MIT
"""The systems that are measured. Each knows how to mount a dataset from a site.

far: a peer whose reads each cost it a request, so that it gets a part of the work only and
is compared by operation.
"""

import json
import os
import shutil

from processes import Mount, run

HERE = os.path.dirname(os.path.abspath(__file__))


class System:
    name = ""
    far = False             # a request for each file or directory
    networked = True        # fetches from the site; else everything is local
    programs = ()

    peer = True             # not one of ours

    @property
    def key(self):
        """The name as a part of a file's name."""
        return self.name.replace(", ", "-")

    def missing(self):
        """The first program that is not there."""
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        return next((p for p in self.programs if not shutil.which(p, path=path)), None)

    def prepare(self, datasets, name):
        """Makes what has to be served of a dataset."""

    def command(self, site, name, point, cache):
        raise NotImplementedError

    def environment(self, site=None):
        return None

    def root(self, point, datasets, name):
        """Where the dataset lies in the mount."""
        return point

    def mount(self, site, name, point, cache, log):
        os.makedirs(cache, exist_ok=True)
        return Mount(self.command(site, name, point, cache), point, log, self.environment(site))


class Cairn(System):
    peer = False

    def __init__(self, program, home, options=(), name="cairn"):
        self.program, self.home, self.options, self.name = program, home, list(options), name
        os.makedirs(home, exist_ok=True)

    def environment(self, site=None):
        return {**os.environ, "HOME": self.home, "XDG_CONFIG_HOME": f"{self.home}/config",
                "XDG_CACHE_HOME": f"{self.home}/cache", "XDG_DATA_HOME": f"{self.home}/data"}

    def prepare(self, datasets, name):
        if not name.startswith("made/"):
            datasets.once(f"{datasets.directory}/stores/{name}",
                          lambda t: run(self.publish(datasets.path(name), t),
                                        env=self.environment()))

    def publish(self, source, store):
        return [self.program, "publish", source, store, "--name", "bench"]

    def url(self, site, name):
        return f"{site.url}/{name if '/' in name else 'stores/' + name}"

    def command(self, site, name, point, cache):
        command = [self.program, "mount", self.url(site, name), point, "--foreground",
                   "--cache", cache, "--cacert", site.authority]
        for option in self.options:
            command += ["-o", option]
        return command

    def prefetch(self, site, name, cache):
        return [self.program, "prefetch", self.url(site, name), "--cache", cache,
                "--cacert", site.authority]

    def cat(self, site, name, cache, path):
        return [self.program, "cat", self.url(site, name), path, "--cache", cache, "--offline"]


class Rclone(System):
    name, far, programs = "rclone", True, ("rclone",)

    def command(self, site, name, point, cache):
        return ["rclone", "mount", ":http:", point, "--http-url", f"{site.url}/plain/{name}/",
                "--ca-cert", site.authority, "--config", "/dev/null", "--read-only",
                "--vfs-cache-mode", "full", "--cache-dir", cache, "--dir-cache-time", "24h",
                "--attr-timeout", "1h"]


class Httpdirfs(System):
    name, far, programs = "httpdirfs", True, ("httpdirfs",)

    def command(self, site, name, point, cache):
        # It believes no nginx that it may ask for ranges.
        return ["httpdirfs", "-f", "--cache", "--cache-location", cache, "--no-range-check",
                "--cacert", site.authority, f"{site.url}/plain/{name}/", point]


class ListingFS(System):
    name, far, programs = "fusepy", True, ("python3",)

    def prepare(self, datasets, name):
        root = datasets.path(name)
        datasets.once(f"{datasets.directory}/lists/{name}/listing.json",
                      lambda t: self.write_listing(root, datasets.list(name), t))
        shutil.copy(f"{datasets.directory}/lists/{name}/listing.json",
                    f"{datasets.directory}/stores/{name}.listing.json")

    @staticmethod
    def write_listing(root, paths, target):
        listing = {}
        with open(paths) as lines:
            for path in lines:
                status = os.stat(f"{root}/{path[:-1]}")
                listing[path[:-1]] = (status.st_size, status.st_mtime)
        with open(target, "w") as out:
            json.dump(listing, out)

    def command(self, site, name, point, cache):
        return ["/usr/bin/python3", f"{HERE}/listing_fs.py",
                f"{site.url}/stores/{name}.listing.json", f"{site.url}/plain/{name}", point,
                cache, site.authority]


class Casync(System):
    name, programs = "casync", ("casync",)

    def prepare(self, datasets, name):
        index = f"{datasets.directory}/stores/{name}.caidx"
        store = f"{datasets.directory}/stores/{name}.castr"
        datasets.once(index, lambda t: self.make(t, store, datasets.path(name)))

    @staticmethod
    def make(target, store, source):
        index = target + ".caidx"  # the suffix tells what to make
        run(["casync", "make", "--compression=zstd", f"--store={store}", index, source])
        os.rename(index, target)

    def publish(self, source, store):
        return ["sh", "-c", """mkdir -p "$2"
casync make --compression=zstd --store="$2/castr" "$2/made.caidx" "$1" >&2""", "sh", source, store]

    def command(self, site, name, point, cache):
        return ["casync", "mount", f"--store={site.plain}/stores/{name}.castr",
                f"{site.plain}/stores/{name}.caidx", point]


class Squashfuse(System):
    name, networked, programs = "squashfuse", False, ("squashfuse", "mksquashfs")

    def prepare(self, datasets, name):
        self.stores = f"{datasets.directory}/stores"
        datasets.once(f"{self.stores}/{name}.squashfs",
                      lambda t: run(["mksquashfs", datasets.path(name), t, "-comp", "zstd",
                                     "-Xcompression-level", 3, "-no-progress", "-quiet"]))

    def command(self, site, name, point, cache):
        return ["squashfuse", "-f", f"{self.stores}/{name}.squashfs", point]


class Restic(System):
    name, networked, programs = "restic", False, ("restic",)

    def environment(self, site=None):
        return {**os.environ, "RESTIC_PASSWORD": "bench", "RESTIC_PROGRESS_FPS": "0"}

    def prepare(self, datasets, name):
        self.stores = f"{datasets.directory}/stores"
        datasets.once(f"{self.stores}/{name}.restic",
                      lambda t: run(self.publish(datasets.path(name), t),
                                    env=self.environment()))

    def publish(self, source, store):
        return ["sh", "-c", """[ -e "$2/config" ] || restic -q init -r "$2"
restic -q -r "$2" backup --no-cache "$1" """, "sh", source, store]

    def command(self, site, name, point, cache):
        return ["restic", "-r", f"{self.stores}/{name}.restic", "mount", "--no-cache", point]

    def root(self, point, datasets, name):
        return f"{point}/snapshots/latest{datasets.path(name)}"


class Native(System):
    """The dataset itself, on the file system that it lies on."""
    name, networked, peer = "native", False, False


def named(names):
    """The peers of these names, separated by commas."""
    peers = [Rclone(), Httpdirfs(), ListingFS(), Casync(), Squashfuse(), Restic()]
    return [peer for peer in peers if peer.name in names.split(",")]
