# SPDX-License-Identifier: MIT
"""What is measured: seconds, a daemon's CPU and anonymous memory, requests and bytes."""

import dataclasses
import json
import os
import threading
import time

from processes import run

SAMPLING = 0.05  # seconds between two looks at a daemon's memory


@dataclasses.dataclass
class Sample:
    """One measurement. None: it does not apply."""
    seconds: float
    operations: int = 1
    bytes_read: int = 0
    cpu: float | None = None       # seconds of the daemon
    memory: int | None = None      # bytes, the daemon's peak RssAnon
    requests: int | None = None    # as the web server counted them
    wire: int | None = None        # bytes that it sent
    in_flight: float | None = None  # requests, on the average, as a client sees them

    def per_operation(self):
        return self.seconds / max(self.operations, 1)

    def rate(self):
        return self.bytes_read / self.seconds


def can_drop():
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def drop_caches(level):
    """2: names and attributes; 3: pages too."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as control:
        control.write(str(level))


class Watch:
    """Looks at a process while a workload runs: `with Watch(pid) as w: ...; w.cpu`."""

    def __init__(self, pid):
        self.pid, self.cpu, self.memory = pid, None, None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def __enter__(self):
        self.began = self.cpu_seconds()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        ended = self.cpu_seconds()
        if self.began is not None and ended is not None:
            self.cpu = ended - self.began

    def cpu_seconds(self):
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                fields = stat.read().rsplit(") ", 1)[1].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def look(self):
        while True:
            memory = anonymous_memory(self.pid)
            if memory is not None:
                self.memory = max(memory, self.memory or 0)
            if self.stop.wait(SAMPLING):
                return


def anonymous_memory(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


class Loads:
    """The loads of fsload."""

    def __init__(self, program, patience):
        self.program, self.patience = program, patience

    def __call__(self, kind, root, paths=None, **options):
        """Options by letter, as fsload has them: p=16. Returns a Sample."""
        command = [self.program, kind]
        for letter, value in options.items():
            command += [f"-{letter}"] if value is True else [f"-{letter}", value]
        command += [root] + ([paths] if paths else [])
        told = json.loads(run(command, timeout=self.patience))
        return Sample(told["seconds"], told["operations"], told["bytes"])


def timed(command, **options):
    """A Sample of a command that is run to its end."""
    began = time.monotonic()
    run(command, **options)
    return Sample(time.monotonic() - began)
