# SPDX-License-Identifier: MIT
"""Datasets made of the machine's own files, and a second version of each.

Where the machine has too little, its files are taken again with their bytes exchanged by
a permutation of the 256 byte values: matches and frequencies stay, so it compresses as the
original does, and no run of bytes repeats.
"""

import dataclasses
import os
import random
import shutil
import stat

from processes import Failed, run

SOURCES = ("/usr", "/opt", "/var/lib", "/home")
SMALL = 64 << 10            # bytes, the largest file of `many`
LARGE = 16 << 20            # bytes, the smallest file that `big` is made of
COPY = 4 << 20              # bytes at a time
CHANGED = 0.01              # of the files
RENAMED = 0.002
INSERTED = 1000             # bytes in the middle of a large file
RESERVE = 4 << 30           # bytes that stay free on the disk


@dataclasses.dataclass(frozen=True)
class Profile:
    """How large the datasets are."""
    name: str
    many: int               # files
    mixed: int              # bytes
    big: int                # bytes, half of it in the first file
    reads: int              # files of the open, read, close rows
    far: int                # files of the tar row
    part: int               # files of a peer that needs a request for each
    made: tuple             # entries of the two made stores
    operations: int         # random reads, warm
    far_reads: int          # random reads of all readers, over the network
    repeats: int
    patience: int           # seconds for one load
    peers: str              # compared with, unless told otherwise
    one: int = 1            # the number of files of a row that reads one

    def bytes_needed(self):
        data = self.many * 10240 + self.mixed + self.big
        return 6 * data     # two versions, the stores of all systems, a cache of each


ALL_PEERS = "rclone,httpdirfs,fusepy,casync,squashfuse,restic"
PROFILES = {
    "full": Profile("full", many=100_000, mixed=2 << 30, big=4 << 30, reads=40_000, far=10_000,
                    part=1000, made=(10_000, 1_000_000), operations=200_000, far_reads=1600,
                    repeats=3, patience=60, peers=ALL_PEERS),
    "quick": Profile("quick", many=6000, mixed=96 << 20, big=256 << 20, reads=3000, far=2000,
                     part=200, made=(10_000, 100_000), operations=50_000, far_reads=320,
                     repeats=1, patience=15, peers="rclone,fusepy,squashfuse"),
    "tiny": Profile("tiny", many=300, mixed=4 << 20, big=8 << 20, reads=200, far=100,
                    part=50, made=(300, 1000), operations=500, far_reads=32,
                    repeats=1, patience=60, peers=""),
}


def regular_files(sources, choose):
    """Paths and sizes of regular files of one file system each, in a fixed order."""
    for source in sources:
        if not os.path.isdir(source):
            continue
        device = os.lstat(source).st_dev
        for directory, names, files in os.walk(source):
            names[:] = sorted(n for n in names
                              if os.lstat(f"{directory}/{n}").st_dev == device)
            for name in sorted(files):
                path = f"{directory}/{name}"
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode) and choose(status.st_size) and \
                        os.access(path, os.R_OK) and "\n" not in path:
                    yield path, status.st_size


def size_of(directory):
    return sum(os.lstat(f"{d}/{name}").st_size for d, _, names in os.walk(directory)
               for name in names)


def permutation(number):
    """Of the byte values; number 0 leaves all as it is."""
    table = list(range(256))
    if number:
        random.Random(number).shuffle(table)
    return bytes(table)


def copy_permuted(source, target, table):
    with open(source, "rb") as file, open(target, "wb") as out:
        while data := file.read(COPY):
            out.write(data.translate(table))


def make_many(target, profile):
    files = list(regular_files(SOURCES, lambda size: 0 < size <= SMALL))
    if not files:
        raise Failed("this machine has no small files to make a dataset of")
    for number in range(profile.many):
        turn, at = divmod(number, len(files))
        source = files[at][0]
        place = f"{target}/{'copy%d' % turn if turn else 'first'}{source}"
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if turn:
            copy_permuted(source, place, permutation(turn))
        else:
            shutil.copy2(source, place)


def make_mixed(target, profile):
    """Files of all sizes with symlinks and hard links to some of them."""
    left, number, previous = profile.mixed, 0, None
    limit = max(profile.mixed // 16, 1)
    for source, size in regular_files(reversed(SOURCES), lambda size: 0 < size <= limit):
        if left <= 0:
            break
        place = target + source
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy2(source, place)
        if number % 50 == 10:
            os.link(place, place + ".hardlink")
        if number % 50 == 20:
            os.symlink(os.path.basename(place), place + ".symlink")
        if number % 50 == 30 and previous:
            os.symlink(os.path.relpath(previous, os.path.dirname(place)), place + ".far")
        previous, left, number = place, left - size, number + 1


def make_big(target, profile):
    """Three files of the machine's large files, one after another."""
    sources = list(regular_files(SOURCES, lambda size: size >= min(LARGE, profile.big // 8)))
    sizes = [profile.big // 2, profile.big // 4, profile.big // 4]
    turn, at = 0, 0
    os.makedirs(target, exist_ok=True)
    for number, left in enumerate(sizes):
        with open(f"{target}/part{number}.bin", "wb") as out:
            while left > 0:
                if at == len(sources):
                    turn, at = turn + 1, 0
                left -= append(sources[at][0], out, left, permutation(turn))
                at += 1


def append(source, out, limit, table):
    done = 0
    with open(source, "rb") as file:
        while done < limit and (data := file.read(min(COPY, limit - done))):
            out.write(data.translate(table))
            done += len(data)
    return done


MAKERS = {"many": make_many, "mixed": make_mixed, "big": make_big}


def edit(path, rng):
    """Overwrites some bytes of a small file; inserts into the middle of a large one."""
    size = os.path.getsize(path)
    if size < 128 << 10:
        with open(path, "r+b") as file:
            file.seek(size // 2)
            file.write(rng.randbytes(min(size - size // 2, 64) or 1))
        return
    with open(path, "rb") as file, open(path + ".new", "wb") as out:
        shutil.copyfileobj(_Head(file, size // 2), out, COPY)
        out.write(rng.randbytes(INSERTED))
        shutil.copyfileobj(file, out, COPY)
    shutil.copymode(path, path + ".new")
    os.rename(path + ".new", path)


class _Head:
    """The first bytes of a file, for copyfileobj."""

    def __init__(self, file, size):
        self.file, self.left = file, size

    def read(self, size):
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        return data


def make_second(first, second):
    """Copies a dataset and changes it; returns how many files were changed and renamed."""
    run(["cp", "-a", "--reflink=auto", first, second])
    files = sorted(path for path, _ in regular_files([second], lambda size: size > 0))
    rng = random.Random(2)
    changed = rng.sample(files, max(1, int(len(files) * CHANGED)))
    for path in changed:
        edit(path, rng)
    renamed = rng.sample(files, max(1, int(len(files) * RENAMED)))
    for path in renamed:
        os.rename(path, path + ".renamed")
    return len(changed), len(renamed)


class Datasets:
    """The datasets of a profile in a directory that is kept from run to run."""

    def __init__(self, directory, profile, say):
        self.directory, self.profile, self.say = directory, profile, say
        for part in ("plain", "second", "stores", "lists", "made"):
            os.makedirs(f"{directory}/{part}", exist_ok=True)

    def path(self, name, version=1):
        return f"{self.directory}/{'plain' if version == 1 else 'second'}/{name}"

    def check_space(self):
        """What was made before need not be made again."""
        free = shutil.disk_usage(self.directory).free
        need = self.profile.bytes_needed() - size_of(self.directory) + RESERVE
        if free < need:
            raise Failed(f"{self.directory}: {free >> 30} GiB are free and {need >> 30} needed; "
                         "choose another with --directory, or --quick")

    def once(self, target, make):
        """Makes target below the directory unless it is there whole."""
        if os.path.exists(target):
            return
        unfinished = target + ".unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.say(f"making {os.path.relpath(target, self.directory)}")
        make(unfinished)
        os.rename(unfinished, target)

    def need(self, name, second=False):
        self.once(self.path(name), lambda t: MAKERS[name](t, self.profile))
        if second:
            self.once(self.path(name, 2), lambda t: make_second(self.path(name), t))
        self.once(f"{self.directory}/lists/{name}", lambda t: self.make_lists(name, t))

    def made(self, entries, program):
        """A store of so many entries that were made up."""
        store = f"{self.directory}/made/{entries}"
        self.once(store, lambda t: run([program, t, entries]))
        return f"made/{entries}"

    def make_lists(self, name, target):
        root = self.path(name)
        paths = sorted(os.path.relpath(p, root) for p, _ in regular_files([root], lambda _: True))
        os.makedirs(target)
        with open(f"{target}/0", "w") as out:
            out.writelines(f"{p}\n" for p in paths)

    @staticmethod
    def lines(path):
        with open(path) as file:
            return sum(1 for _ in file)

    def list(self, name, count=0):
        """A file with the first paths of a dataset, all of them without count."""
        whole = f"{self.directory}/lists/{name}/0"
        part = f"{self.directory}/lists/{name}/{count}"
        if not os.path.exists(part):
            with open(whole) as lines, open(part, "w") as out:
                out.writelines(line for _, line in zip(range(count), lines))
        return part

    def describe(self, name):
        root, files, size = self.path(name), 0, 0
        for path, bytes_ in regular_files([root], lambda _: True):
            files, size = files + 1, size + bytes_
        return {"files": files, "bytes": size}
