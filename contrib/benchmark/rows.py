# SPDX-License-Identifier: MIT
"""The rows of the table: a workload, what it is compared with, and what it should reach."""

import dataclasses
from typing import Callable

from servers import GIGABIT, ROUND_TRIP
from workloads import (DATA_WARM, DISK_COLD, NAMES_COLD, WARM, Cold, FirstFind, FirstMount,
                       Floor, Load, LoneCat, Prefetch, Publish, Resident, Tar, Update)

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number of a row, from a sample and the base's sample of the same round."""
    unit: str
    of: Callable
    most: float | None = None
    least: float | None = None

    def reach(self):
        if self.most is not None:
            return f"<= {self.most:g}"
        return f">= {self.least:g}" if self.least is not None else ""

    def met(self, value):
        if self.most is not None:
            return value <= self.most
        return value >= self.least if self.least is not None else None


@dataclasses.dataclass(frozen=True)
class Row:
    key: str
    title: str
    work: Callable
    figures: tuple
    base: object = "native"     # this, or called with the bench (a Floor), or None
    rounds: int = 0             # 0: as many as the profile has
    systems: str = "peers"      # peers: cairn and all of them; cairn; plain: without passthrough
    reads: bool = True          # what is watched reads what was published


def time_of_native(**reach):
    return Figure("of native's time", lambda s, b: s.per_operation() / b.per_operation(), **reach)


def speed_of_native(**reach):
    return Figure("of native's speed", lambda s, b: b.per_operation() / s.per_operation(), **reach)


def speed_of_floor(**reach):
    return Figure("of the floor's speed", lambda s, b: s.rate() / b.rate(), **reach)


SECONDS = Figure("s", lambda s, b: s.seconds)
MEMORY = Figure("MiB of the daemon's own", lambda s, b: s.memory / MIB, most=64)
STORED = Figure("of its bytes stored", lambda s, b: s.wire / s.bytes_read)
FETCHED = Figure("of its stored bytes fetched", lambda s, b: s.wire / s.bytes_read)
FIRST = Load("sequential", count="one")
ROWS = (
    Row("stat-warm", "stat of every file, warm",
        Resident("many", Load("stat"), WARM), (time_of_native(most=1.2),)),
    Row("list-cold", "ls -lR, kernel caches cold",
        Resident("many", Load("list"), NAMES_COLD), (time_of_native(most=0.9),)),
    Row("stat-cold", "stat of every file, kernel caches cold",
        Resident("many", Load("stat"), NAMES_COLD), (time_of_native(most=5),)),
    Row("read-disk", "open, read, close of small files, disk cold",
        Resident("many", Load("read", "reads"), DISK_COLD), (time_of_native(most=0.25),)),
    Row("read-cold", "the same, kernel caches cold",
        Resident("many", Load("read", "reads"), DATA_WARM), (time_of_native(most=4),)),
    Row("read-warm", "the same, warm",
        Resident("many", Load("read", "reads"), WARM), (time_of_native(most=1.4),)),
    Row("sequential", "sequential read, resident",
        Resident("big", FIRST, DATA_WARM), (speed_of_native(least=0.9),)),
    Row("map", "the same, mapped",
        Resident("big", Load("map", "one"), DATA_WARM), (speed_of_native(least=0.9),)),
    Row("sequential-plain", "sequential read, resident, no passthrough",
        Resident("big", FIRST, DATA_WARM), (speed_of_native(least=0.25),), systems="plain"),
    Row("map-plain", "the same, mapped",
        Resident("big", Load("map", "one"), DATA_WARM), (speed_of_native(least=0.25),),
        systems="plain"),
    Row("random-warm", "random reads of 4 KiB, warm",
        Resident("big", Load("random", "one", operations="operations"), WARM),
        (speed_of_native(least=0.9),)),
    Row("touch-warm", "random touches of a map, warm",
        Resident("big", Load("touch", "one", operations="operations"), WARM),
        (speed_of_native(least=0.9),)),
    Row("first-find", "first find -ls of many entries, 20 ms", FirstFind(),
        (dataclasses.replace(SECONDS, most=8), MEMORY), base=None, systems="cairn"),
    Row("first-mount-few", "mount to first ls, few entries, 20 ms", FirstMount(0),
        (Figure("round trips", lambda s, b: s.seconds / ROUND_TRIP, most=5),),
        base=None, systems="cairn"),
    Row("first-mount", "the same, many entries", FirstMount(1),
        (Figure("round trips", lambda s, b: s.seconds / ROUND_TRIP, most=5),
         Figure("of the time with few", lambda s, b: s.seconds / b.seconds, most=1.2)),
        base=lambda bench: FirstMount(0)(bench, bench.cairn), systems="cairn"),
    Row("tar", "tar c of small files, empty cache, 20 ms",
        Cold("many", "far", Tar("far")),
        (Figure("times the speed of a request a file",
                lambda s, b: s.operations * ROUND_TRIP / s.seconds, least=20),
         Figure("files a request", lambda s, b: s.operations / s.requests, least=50)), base=None),
    Row("stream", "sequential read of big, empty cache",
        Cold("big", "near", Load("sequential")), (speed_of_floor(least=0.8),),
        base=Floor("big", written=False)),
    Row("stream-link", "the same, 20 ms and 1 Gbit/s", Cold("big", "link", Load("sequential")),
        (Figure("of the link", lambda s, b: s.wire * 8 / s.seconds / GIGABIT, least=0.93),),
        base=None),
    Row("random-far", "random reads of 64 KiB, empty cache, 20 ms, 16 readers",
        Cold("big", "far", Load("random", "one", processes=16, operations="far_reads",
                                block=64 << 10)),
        (Figure("bytes fetched for each read", lambda s, b: s.wire / s.bytes_read, most=12),
         Figure("requests in flight", lambda s, b: s.in_flight, least=12)), base=None),
    Row("prefetch-mixed", "prefetch of mixed", Prefetch("mixed"), (speed_of_floor(least=0.8),),
        base=Floor("mixed", written=True), systems="cairn"),
    Row("prefetch-big", "prefetch of big", Prefetch("big"), (speed_of_floor(least=0.8),),
        base=Floor("big", written=True), systems="cairn"),
    Row("lone-cat", "cairn cat of a cached file, nobody else there", LoneCat("mixed"),
        (Figure("ms", lambda s, b: s.per_operation() * 1000),), base=None, systems="cairn"),
    Row("publish", "publish mixed", Publish("mixed", 1), (SECONDS, STORED), base=None, rounds=1,
        reads=False),
    Row("publish-second", "publish version 2 of mixed", Publish("mixed", 2), (SECONDS, STORED),
        base=None, rounds=1, reads=False),
    *(Row(f"update-{name}", f"from version 1 to 2 of {name}", Update(name), (SECONDS, FETCHED),
          base=None, systems="cairn", rounds=1) for name in ("many", "mixed", "big")),
)
