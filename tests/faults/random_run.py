#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Readers of a mount, beside everything that can happen to it, compared with a reference copy.

    random_run.py --seed N --seconds N --cairn PROGRAM --url URL --cacert FILE --trust KEY
        --source DIR --mount DIR --cache DIR --rate-file FILE [--ballast FILE] [--json]

Every byte that a read gives must be right; an errno is allowed while things go wrong, and no
call may outlive its deadline by far. What happens, and in which order, follows from the seed;
when it happens beside the readers does not. In the end nothing goes wrong any more, and then
all must be readable, the cache sound, and nothing leaked. The last line counts.
"""

import argparse
import collections
import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

TIMEOUT = 4  # seconds: --timeout of all that is run
# What no call may take: several deadlines in a row, on a busy machine. A hang is longer.
HANG = 120
READERS = 6
MEMORY_KIB = 400 << 10
FAIR = {
    errno.EIO, errno.ETIMEDOUT, errno.EACCES, errno.ENETUNREACH, errno.EHOSTUNREACH,
    errno.ECONNREFUSED, errno.ENOMEM, errno.ENOSPC, errno.EPERM, errno.EKEYREJECTED,
    # no daemon
    errno.ENOTCONN, errno.ECONNABORTED, errno.ESTALE, errno.EBADF,
}  # fmt: skip


class Fault(Exception):
    """The program is at fault."""


class Run:
    def __init__(self, options):
        self.o = options
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.failure = None
        self.stop = threading.Event()
        self.mounted = threading.Event()
        self.calls = {}  # thread: what it does, since when
        self.rotten = False  # tools, which trust the cache, may read what was damaged
        self.names = []
        for folder, _, files in os.walk(options.source):
            self.names += [
                os.path.relpath(os.path.join(folder, f), options.source) for f in files
            ]
        self.names.sort()
        self.environment = dict(os.environ)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def fail(self, text):
        with self.lock:
            self.failure = self.failure or text
        self.stop.set()

    # ---- readers

    def read_one(self, dice):
        name = dice.choice(self.names)
        kind = dice.choice(["whole", "piece", "stat", "list"])
        path, right = (os.path.join(d, name) for d in (self.o.mount, self.o.source))
        # what is below an empty mount point is no answer of ours
        if kind == "stat":
            got, want = os.lstat(path), os.lstat(right)
            same = (got.st_size, got.st_mode, got.st_mtime_ns) == (
                want.st_size, want.st_mode, want.st_mtime_ns,
            )  # fmt: skip
        elif kind == "list":
            same = sorted(os.listdir(os.path.dirname(path))) == sorted(
                os.listdir(os.path.dirname(right))
            )
        else:
            size = os.lstat(right).st_size
            at = dice.randrange(size + 1) if kind == "piece" else 0
            length = dice.choice([1, 4096, 100000]) if kind == "piece" else size + 1
            same = self.read_file(path, at, length) == self.read_file(right, at, length)
        if not same and os.path.ismount(self.o.mount):
            raise Fault(f"{kind} of {name}: wrong")
        self.count(kind if same else "not mounted")

    @staticmethod
    def read_file(path, at, length):
        with open(path, "rb", buffering=0) as f:
            f.seek(at)
            parts = []
            while length > 0:
                part = f.read(min(length, 1 << 17))
                if not part:
                    break
                parts.append(part)
                length -= len(part)
            return b"".join(parts)

    def reader(self, number):
        dice = random.Random(f"{self.o.seed} reader {number}")
        while not self.stop.is_set():
            if not self.mounted.wait(0.2):
                continue
            self.calls[number] = time.monotonic()
            try:
                self.read_one(dice)
            except OSError as e:
                # between unmounting and mounting there is nothing below the mount point
                if e.errno == errno.ENOENT and not self.mounted.is_set():
                    self.count("not mounted")
                elif e.errno in FAIR:
                    self.count(errno.errorcode[e.errno])
                else:
                    self.fail(f"an errno of no sense: {e}")
            except Fault as e:
                self.fail(str(e))
            self.calls.pop(number, None)

    def watch(self):
        for number, since in list(self.calls.items()):
            if time.monotonic() - since > HANG:
                self.fail(f"reader {number} hangs")

    # ---- commands

    def start(self, *words):
        return subprocess.Popen(
            [self.o.cairn, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def finish(self, process, words, may_die=False):
        try:
            out, said = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Fault(f"hangs: cairn {' '.join(words)}") from None
        if process.returncode < 0 and not may_die:
            raise Fault(f"dies by {signal.Signals(-process.returncode).name}: cairn {' '.join(words)}")
        if process.returncode not in (0, 1) and not may_die:
            raise Fault(f"ends with {process.returncode}: cairn {' '.join(words)}: {said[-300:]}")
        if process.returncode == 1 and (not said or b"success" in said.lower()):
            raise Fault(f"fails and says nothing: cairn {' '.join(words)}: {said[-300:]}")
        self.count(f"cairn {words[0]}: {process.returncode}")
        return process.returncode, out, said

    def cairn(self, *words):
        return self.finish(self.start(*words), words)

    def reading(self):
        return ["--cache", self.o.cache, "--cacert", self.o.cacert, "--trust", self.o.trust,
                "--timeout", str(TIMEOUT)]  # fmt: skip

    # ---- what happens

    def set_rate(self, rate):
        with open(self.o.rate_file, "w") as out:
            out.write(str(rate))

    def act_rate(self, dice):
        self.set_rate(dice.choice([0, 0.02, 0.1, 0.3, 0.7, 1]))

    def act_cat(self, dice):
        name = dice.choice(self.names)
        status, out, _ = self.cairn("cat", self.o.url, "/" + name, *self.reading())
        with open(os.path.join(self.o.source, name), "rb") as f:
            if status == 0 and not self.rotten and f.read() != out:
                raise Fault(f"cairn cat {name}: wrong")

    def act_look(self, dice):
        self.cairn("cache", dice.choice(["info", "ls"]), "--json", "--cache", self.o.cache)

    def act_ls(self, dice):
        self.cairn("ls", self.o.url, *self.reading())

    def act_verify(self, dice):
        status, _, _ = self.cairn("cache", "verify", "--repair", "--cache", self.o.cache)
        self.rotten = self.rotten and status != 0

    def act_evict(self, dice):
        to = dice.choice([["--to", "3M"], ["--to", "1M"], ["--all"]])
        self.cairn("cache", "evict", *to, "--cache", self.o.cache)

    def act_prefetch(self, dice):
        """One that is stopped for a while, killed, or left alone."""
        words = ["prefetch", self.o.url, *self.reading()]
        process = self.start(*words)
        end = dice.choice(["", "stop", "kill"])
        time.sleep(dice.random())
        if end == "stop":
            process.send_signal(signal.SIGSTOP)
            time.sleep(1 + dice.random())
            self.act_look(dice)
            process.send_signal(signal.SIGCONT)
        elif end == "kill":
            process.kill()
        self.finish(process, words, end == "kill")

    def act_fill(self, dice):
        """The disk of the cache is full for a while."""
        if not self.o.ballast:
            return
        try:
            with open(self.o.ballast, "wb") as f:
                while True:
                    f.write(bytes(1 << 20))
        except OSError as e:
            if e.errno != errno.ENOSPC:
                raise
        time.sleep(1 + dice.random())
        os.unlink(self.o.ballast)

    def act_pause(self, dice):
        """The daemon is stopped: nobody can do anything, and goes on after."""
        pid = self.daemon()
        if pid:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(dice.random())
            os.kill(pid, signal.SIGCONT)

    def act_remount(self, dice):
        self.unmount(kill=False)
        self.mount()

    def act_crash(self, dice):
        """The daemon is killed, perhaps something in its cache is damaged, and it starts again."""
        self.unmount(kill=True)
        damage = dice.choice(["", "object", "books", "missing", "cut"])
        if damage == "object" and "verify=open" not in self.o.options:
            damage = ""
        if damage:
            self.damage(dice, damage)
        self.mount()

    def damage(self, dice, kind):
        folder = "meta" if kind == "books" else "objects"
        top = os.path.join(self.o.cache, folder)
        files = [
            os.path.join(where, f) for where, _, fs in sorted(os.walk(top)) for f in sorted(fs)
        ]
        if kind == "books":
            files = [f for f in files if f.endswith("data.mdb")]
        if not files:
            return
        path = dice.choice(files)
        self.count(f"damage: {kind}")
        self.rotten = self.rotten or kind == "object"
        if kind == "missing":
            os.unlink(path)
            return
        size = os.path.getsize(path)
        if kind == "cut":
            os.truncate(path, dice.randrange(size + 1))
            return
        with open(path, "r+b") as f:
            for _ in range(dice.randrange(1, 6)):
                f.seek(dice.randrange(max(size, 1)))
                f.write(dice.randbytes(dice.choice([1, 1, 50, 4096])))

    ACTIONS = (
        4 * [act_rate] + 2 * [act_cat] + [act_look, act_ls, act_verify, act_evict]
        + 2 * [act_prefetch] + [act_fill, act_pause, act_remount] + 2 * [act_crash]
    )  # fmt: skip

    # ---- the mount

    def daemon(self):
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
                mine = os.path.samefile(f"/proc/{pid}/exe", self.o.cairn)
            except OSError:
                continue
            if mine and self.o.mount.encode() in words and b"mount" in words[:2]:
                return int(pid)
        return None

    def mount(self):
        """What is damaged may cost one command."""
        words = ["mount", self.o.url, self.o.mount, *self.reading(), "-o", self.o.options]
        for _ in range(20):
            process = self.start(*words)
            status, _, said = self.finish(process, words, may_die=True)
            if status == 0 and os.path.ismount(self.o.mount):
                self.mounted.set()
                return
            # a server that is all faults lets nobody in
            self.set_rate(0)
        raise Fault(f"cannot be mounted any more: {said[-300:]}")

    def unmount(self, kill):
        self.mounted.clear()
        pid = self.daemon()
        if kill and pid:
            os.kill(pid, signal.SIGKILL)
        subprocess.run(
            ["umount", "-l", self.o.mount] if os.getuid() == 0 else ["fusermount3", "-uz", self.o.mount],
            check=False,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + HANG
        while self.daemon():
            if time.monotonic() > end:
                raise Fault("the daemon outlives its mount")
            time.sleep(0.05)

    # ---- the end

    def settle(self):
        """Nothing goes wrong any more: all is there, after what was begun has failed."""
        self.set_rate(0)
        end = time.monotonic() + HANG
        for name in self.names:
            while True:
                try:
                    got = self.read_file(os.path.join(self.o.mount, name), 0, 1 << 40)
                    break
                except OSError as e:
                    if time.monotonic() > end:
                        raise Fault(f"{name} stays unreadable: {e}") from None
                    time.sleep(0.2)
            with open(os.path.join(self.o.source, name), "rb") as f:
                if got != f.read():
                    raise Fault(f"{name}: wrong at the end")

    def leaks(self, pid, before):
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        peak = int(status["VmHWM"].split()[0])
        now = len(os.listdir(f"/proc/{pid}/fd"))
        if peak > MEMORY_KIB and not self.o.instrumented:
            raise Fault(f"the daemon took {peak} KiB")
        # connections and open objects come and go
        if now > before + 300:
            raise Fault(f"the daemon has {now} descriptors, {before} when it began")
        self.counts["peak KiB"] = peak
        self.counts["descriptors"] = now

    def sound(self):
        status, _, said = self.cairn("cache", "verify", "--repair", "--cache", self.o.cache)
        if status:
            status, _, said = self.cairn("cache", "verify", "--cache", self.o.cache)
        if status:
            raise Fault(f"the cache is not sound: {said[-300:]}")

    def run(self):
        # who knows no revision yet would take an old manifest for the newest
        self.set_rate(0)
        self.mount()
        threads = [threading.Thread(target=self.reader, args=(i,), daemon=True) for i in range(READERS)]
        for thread in threads:
            thread.start()
        dice = random.Random(f"{self.o.seed} actions")
        end = time.monotonic() + self.o.seconds
        while time.monotonic() < end and not self.stop.is_set():
            action = dice.choice(self.ACTIONS)
            self.count(action.__name__)
            action(self, dice)
            self.watch()
            time.sleep(dice.random() / 2)
        self.stop.set()
        for thread in threads:
            thread.join(HANG)
        if self.failure:
            raise Fault(self.failure)
        if any(thread.is_alive() for thread in threads):
            raise Fault("a reader hangs")
        self.unmount(kill=False)
        self.mount()
        pid = self.daemon()
        before = len(os.listdir(f"/proc/{pid}/fd"))
        self.settle()
        self.leaks(pid, before)
        self.unmount(kill=False)
        self.sound()


def main():
    parser = argparse.ArgumentParser()
    for name in ("cairn", "url", "cacert", "trust", "source", "mount", "cache", "rate-file"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--options", default="quota=12M")
    parser.add_argument("--ballast")
    parser.add_argument("--instrumented", action="store_true")
    run = Run(parser.parse_args())
    try:
        run.run()
    except Fault as e:
        run.stop.set()
        print(f"seed {run.o.seed}: {e}", file=sys.stderr)
        print(json.dumps(dict(sorted(run.counts.items()))), flush=True)
        os._exit(1)
    print(json.dumps(dict(sorted(run.counts.items()))), flush=True)
    os._exit(0)


main()
