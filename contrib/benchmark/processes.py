# SPDX-License-Identifier: MIT
"""Programs that the bench runs, and the mounts that they make.

Whatever is started here belongs to one Keeper and ends with it, also when the bench is
interrupted: children are in sessions of their own, so that Ctrl-C reaches the bench alone
and it takes the mounts down in order.
"""

import contextlib
import os
import signal
import subprocess
import time

MOUNT_PATIENCE = 60  # seconds until a mount must be there
END_PATIENCE = 60    # seconds that a daemon has to end after its unmounting


class Failed(Exception):
    """A program failed, or what was read is wrong; the text says how."""


def run(command, env=None, **options):
    """Runs to the end and returns what was printed; Failed tells the last line of stderr."""
    try:
        done = subprocess.run([str(c) for c in command], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", **options)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"took more than {late.timeout:.0f} s") from late
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise Failed(f"{os.path.basename(str(command[0]))}: {said[-1]}")
    return done.stdout


class Daemon:
    """A program in the background. Its output goes to a log."""

    def __init__(self, command, log, env=None):
        with open(log, "ab") as out:
            self.process = subprocess.Popen([str(c) for c in command], env=env, stdout=out,
                                            stderr=out, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        self.pid = self.process.pid
        self.log = log

    def ended(self):
        return self.process.poll() is not None

    def last_words(self):
        with open(self.log, errors="replace") as log:
            return (log.read().strip().splitlines() or ["it said nothing"])[-1]

    def close(self, patience=5):
        if not self.ended():
            self.process.terminate()
        self.wait(patience)

    def wait(self, patience):
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


class Mount(Daemon):
    """A daemon in the foreground of its own session, and its mount point."""

    def __init__(self, command, point, log, env=None):
        self.point = point
        os.makedirs(point, exist_ok=True)
        super().__init__(command, log, env)
        try:
            self.await_mount()
        except BaseException:
            self.close()
            raise

    def await_mount(self):
        end = time.monotonic() + MOUNT_PATIENCE
        while not is_mounted(self.point):
            if self.ended() or time.monotonic() > end:
                raise Failed(f"no mount: {self.last_words()}")
            time.sleep(0.001)

    def close(self, patience=END_PATIENCE):
        if is_mounted(self.point):
            subprocess.run(["umount", self.point], stderr=subprocess.DEVNULL, check=False)
        if is_mounted(self.point):
            # A user may unmount what is theirs; one that is busy is at least detached.
            tool = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount3", "-uzq"]
            subprocess.run([*tool, self.point], stderr=subprocess.DEVNULL, check=False)
            self.process.terminate()
        if self.ended():
            return
        self.wait(patience)


def is_mounted(point):
    """Asks the kernel's table: a stat of the point could wait for its daemon."""
    point = point.replace(" ", "\\040")
    with open("/proc/self/mountinfo") as table:
        return any(line.split(" ")[4] == point for line in table)


class Keeper(contextlib.ExitStack):
    """Owns daemons until they are let go of; closing it closes them, the newest first."""

    def __init__(self):
        super().__init__()
        self.kept = []
        self.callback(self.end_all)

    def keep(self, thing):
        self.kept.append(thing)
        return thing

    def end(self, thing):
        self.kept.remove(thing)
        thing.close()

    def end_all(self):
        while self.kept:
            self.kept.pop().close()
