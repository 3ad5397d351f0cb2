# SPDX-License-Identifier: MIT
"""What the rows do: each is called with the bench, a system and nothing else that differs,
and returns a Sample. Files are read through mounts that were made for the sample.

States of a mount whose cache holds the dataset ("resident"):
    WARM        the same was done just before
    NAMES_COLD  the kernel knows no name and no attribute; what the disk holds of them is in
                its page cache
    DATA_WARM   as before, and the contents are in the page cache, of the cache's files
    DISK_COLD   nothing is in memory
"""

import dataclasses
import os
import time

from datasets import size_of
from measure import Sample, Watch, can_drop, drop_caches, timed
from processes import Failed, run

WARM, NAMES_COLD, DATA_WARM, DISK_COLD = "warm", "names cold", "data warm", "disk cold"


@dataclasses.dataclass(frozen=True)
class Load:
    """A load of fsload on the paths of a list."""
    kind: str
    count: str = ""         # the profile's name for how many paths; all of them without
    processes: int = 1
    operations: str = ""    # the profile's name for how many
    block: int = 4096

    def paths(self, bench, system, dataset):
        count = getattr(bench.profile, self.count) if self.count else 0
        if system.far:
            count = min(count or bench.profile.part, bench.profile.part)
        return bench.datasets.list(dataset, count)

    def __call__(self, bench, system, dataset, root):
        options = {"p": self.processes}
        if self.operations:
            each = getattr(bench.profile, self.operations) // self.processes
            options |= {"n": max(each, 1), "b": self.block}
        if self.kind == "list":
            return bench.loads("list", root, **options)
        return bench.loads(self.kind, root, self.paths(bench, system, dataset), **options)


@dataclasses.dataclass(frozen=True)
class Resident:
    """A load on a dataset that lies in the local cache."""
    dataset: str
    load: Load
    state: str

    def ready(self, bench):
        bench.datasets.need(self.dataset)

    def able(self, system):
        return "needs root" if self.state != WARM and not can_drop() else None

    def __call__(self, bench, system):
        if system.name == "native":
            return self.on_native(bench, system)
        cache = bench.filled(system, self.dataset)
        if self.state in (NAMES_COLD, DATA_WARM):
            self.warm_cache(bench, system, cache)
        with bench.mounted(system, bench.near, self.dataset, cache) as mount:
            root = system.root(mount.point, bench.datasets, self.dataset)
            self.bring_about(bench, system, root)
            with Watch(mount.pid) as watch:
                sample = self.load(bench, system, self.dataset, root)
        sample.cpu, sample.memory = watch.cpu, watch.memory
        return sample

    def warm_cache(self, bench, system, cache):
        """The kernel forgets what it knows of a mount with the mount, not its cache's files."""
        with bench.mounted(system, bench.near, self.dataset, cache) as mount:
            root = system.root(mount.point, bench.datasets, self.dataset)
            self.load(bench, system, self.dataset, root)

    def bring_about(self, bench, system, root):
        if self.state == WARM:
            self.load(bench, system, self.dataset, root)
        elif self.state == DISK_COLD:
            drop_caches(3)
        else:
            drop_caches(2)

    def on_native(self, bench, system):
        root = bench.datasets.path(self.dataset)
        if self.state == NAMES_COLD:
            drop_caches(3)  # inodes whose contents are in memory are not dropped alone
        if self.state in (NAMES_COLD, DATA_WARM):
            self.load(bench, system, self.dataset, root)
        self.bring_about(bench, system, root)
        return self.load(bench, system, self.dataset, root)


@dataclasses.dataclass(frozen=True)
class Cold:
    """A load on a mount whose cache is empty. site: near, far, or link (far and capped)."""
    dataset: str
    site: str
    load: object            # called like a Load
    verify: bool = True     # that what was read is right

    def ready(self, bench):
        if not self.dataset.startswith("made/"):
            bench.datasets.need(self.dataset)

    def able(self, system):
        return None if system.networked or system.name == "native" else "is local"

    def __call__(self, bench, system):
        site = bench.site(self.site)
        cache = bench.new_cache(system)
        mark = bench.web.mark()
        with bench.mounted(system, site, self.dataset, cache) as mount:
            root = system.root(mount.point, bench.datasets, self.dataset)
            with Watch(mount.pid) as watch:
                sample = self.load(bench, system, self.dataset, root)
            self.account(bench, site, sample, mark)
            if self.verify:
                bench.check(system, self.dataset, root)
        sample.cpu, sample.memory = watch.cpu, watch.memory
        bench.drop_cache(cache)
        return sample

    @staticmethod
    def account(bench, site, sample, mark):
        sample.requests, sample.wire, served = bench.web.since(mark)
        waited = served + sample.requests * site.round_trip
        sample.in_flight = waited / sample.seconds


@dataclasses.dataclass(frozen=True)
class Tar:
    """tar c of the first files into a pipe."""
    count: str

    def __call__(self, bench, system, dataset, root):
        count = getattr(bench.profile, self.count)
        if system.far:
            count = min(count, bench.profile.part)
        paths = bench.datasets.list(dataset, count)
        sample = timed(["sh", "-c", 'tar -cf - -C "$1" --no-recursion -T "$2" | cat >/dev/null',
                        "sh", root, paths], timeout=bench.patience)
        sample.operations = min(count, bench.datasets.lines(paths))
        return sample


class FirstMount:
    """From the mount's command to the end of the first listing of the root."""

    def __init__(self, entries):
        self.entries = entries  # 0 or 1: the smaller or the larger made store

    def ready(self, bench):
        pass

    def able(self, system):
        return None if system.name == "cairn" else "made stores are cairn's"

    def __call__(self, bench, system):
        name = bench.made(self.entries)
        cache = bench.new_cache(system)
        mark = bench.web.mark()
        began = time.monotonic()
        with bench.mounted(system, bench.site("far"), name, cache) as mount:
            if not os.listdir(mount.point):
                raise Failed("nothing is listed")
            sample = Sample(time.monotonic() - began)
        sample.requests, sample.wire, _ = bench.web.since(mark)
        bench.drop_cache(cache)
        return sample


class FirstFind:
    """find -ls of the larger made store, through an empty cache."""

    def ready(self, bench):
        pass

    def able(self, system):
        return None if system.name == "cairn" else "made stores are cairn's"

    def __call__(self, bench, system):
        return Cold(bench.made(1), "far", self.find, verify=False)(bench, system)

    @staticmethod
    def find(bench, system, dataset, root):
        began = time.monotonic()
        counted = run(["sh", "-c", 'find "$1" -ls | wc -l', "sh", root], timeout=bench.patience)
        sample = Sample(time.monotonic() - began, int(counted))
        if sample.operations < bench.profile.made[1]:
            raise Failed(f"{sample.operations} entries are listed")
        return sample


@dataclasses.dataclass(frozen=True)
class Prefetch:
    """All of a dataset into an empty cache, without a mount."""
    dataset: str

    def ready(self, bench):
        bench.datasets.need(self.dataset)

    def able(self, system):
        return None if hasattr(system, "prefetch") else "has no such command"

    def __call__(self, bench, system):
        system.prepare(bench.datasets, self.dataset)
        cache = bench.new_cache(system)
        mark = bench.web.mark()
        command = system.prefetch(bench.near, self.dataset, cache)
        sample = bench.watched(command, system.environment())
        sample.bytes_read = bench.datasets.describe(self.dataset)["bytes"]
        sample.requests, sample.wire, _ = bench.web.since(mark)
        bench.drop_cache(cache)
        return sample


@dataclasses.dataclass(frozen=True)
class LoneCat:
    """`cairn cat` of a file that the cache holds, again and again, with nobody else there:
    what each command pays to open and leave a cache."""
    dataset: str
    times: int = 20

    def ready(self, bench):
        bench.datasets.need(self.dataset)

    def able(self, system):
        return None if hasattr(system, "cat") else "has no such command"

    def __call__(self, bench, system):
        system.prepare(bench.datasets, self.dataset)
        cache = bench.new_cache(system)
        run(system.prefetch(bench.near, self.dataset, cache), env=system.environment(),
            timeout=bench.patience)
        with open(bench.datasets.list(self.dataset, 1)) as paths:
            path = paths.readline().rstrip("\n")
        command = system.cat(bench.near, self.dataset, cache, path)
        run(["sh", "-c", '"$@" >/dev/null', "sh", *command], env=system.environment())
        began = time.monotonic()
        for _ in range(self.times):
            run(["sh", "-c", '"$@" >/dev/null', "sh", *command], env=system.environment())
        sample = Sample(time.monotonic() - began, self.times)
        bench.drop_cache(cache)
        return sample


@dataclasses.dataclass(frozen=True)
class Floor:
    """The work that nobody can avoid: the same blobs over HTTPS, by as many curl processes
    as there are processors, each piped through zstd -d into openssl sha256."""
    dataset: str
    written: bool           # what comes out of zstd goes into files, too

    def __call__(self, bench):
        bench.cairn.prepare(bench.datasets, self.dataset)
        lists = bench.blob_lists(self.dataset)
        keep = f'tee "{bench.work}/floor.$n" |' if self.written else ""
        script = f"""n=0
for list; do
    n=$((n + 1))
    {{ curl -sS --fail --cacert "$CA" -K "$list" | zstd -dcq | {keep} openssl sha256; }} &
    jobs="$jobs $!"
done
for job in $jobs; do wait "$job" || exit 1; done"""
        sample = timed(["bash", "-c", "set -e -o pipefail; jobs=; " + script, "bash", *lists],
                       env={**os.environ, "CA": bench.near.authority}, timeout=bench.patience)
        sample.bytes_read = bench.datasets.describe(self.dataset)["bytes"]
        for number in range(len(lists)):
            path = f"{bench.work}/floor.{number + 1}"
            if os.path.exists(path):
                os.unlink(path)
        return sample


@dataclasses.dataclass(frozen=True)
class Publish:
    """A dataset into an empty store; then its second version on top of that."""
    dataset: str
    version: int

    def ready(self, bench):
        bench.datasets.need(self.dataset, second=True)

    def able(self, system):
        return None if hasattr(system, "publish") else "does not publish"

    def __call__(self, bench, system):
        store = bench.new_cache(system)
        env = system.environment()
        sources = [bench.datasets.path(self.dataset, v) for v in (1, 2)[:self.version]]
        for source in sources[:-1]:
            run(system.publish(source, store), env=env)
        before = size_of(store)
        sample = bench.watched(system.publish(sources[-1], store), env)
        sample.bytes_read = bench.datasets.describe(self.dataset)["bytes"]
        sample.wire = size_of(store) - before
        bench.drop_cache(store)
        return sample


@dataclasses.dataclass(frozen=True)
class Update:
    """What a reader that holds all of a dataset fetches to hold all of its version 2."""
    dataset: str

    def ready(self, bench):
        bench.datasets.need(self.dataset, second=True)

    def able(self, system):
        return None if hasattr(system, "prefetch") else "has no such command"

    def __call__(self, bench, system):
        store, cache, env = bench.new_cache(system), bench.new_cache(system), system.environment()
        name = os.path.relpath(store, bench.datasets.directory)
        prefetch = system.prefetch(bench.near, name, cache)
        run(system.publish(bench.datasets.path(self.dataset), store), env=env)
        run(prefetch, env=env)
        run(system.publish(bench.datasets.path(self.dataset, 2), store), env=env)
        mark = bench.web.mark()
        sample = bench.watched(prefetch, env)
        sample.requests, sample.wire, _ = bench.web.since(mark)
        sample.bytes_read = size_of(store)
        bench.drop_cache(store)
        bench.drop_cache(cache)
        return sample
