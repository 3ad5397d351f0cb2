#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Uses reader.py, which knows stores by cairn-format(5) alone:

    rebuild.py check   STORE [KEY]             reads all revisions and tags, every byte of them
    rebuild.py extract STORE DIRECTORY [WHICH] makes a revision's tree, with all attributes
    rebuild.py profile STORE [WHICH]           tells what programs read when they start

WHICH is a revision's number or a tag, else the newest revision is meant.
"""
import hashlib, json, os, stat, sys

from reader import Refused, Store, need, path_of

SPECIAL = dict(c=stat.S_IFCHR, b=stat.S_IFBLK, p=stat.S_IFIFO, s=stat.S_IFSOCK)


def make(store, e):
    """In the working directory, like all below."""
    if e.type == "d":
        os.mkdir(e.name, 0o700)
    elif e.type == "l":
        os.symlink(e.target, e.name)
    elif e.type == "f":
        with open(e.name, "xb") as f:
            for at, piece in store.data(e):
                f.seek(at)
                f.write(piece)
            f.truncate(e.size)
    else:
        os.mknod(e.name, SPECIAL[e.type] | 0o600, os.makedev(*e.device))


def set_attributes(e):
    name = e.name or b"."
    if os.geteuid() == 0:
        os.chown(name, e.uid, e.gid, follow_symlinks=False)
    for attribute, value in e.xattrs:
        os.setxattr(name, attribute, value, follow_symlinks=False)
    if e.type != "l":
        os.chmod(name, e.mode)
    os.utime(name, ns=(0, e.mtime * 10**9 + e.nsec), follow_symlinks=False)


def extract(store, m, directory):
    os.mkdir(directory, 0o700)
    top, here, directories, links = os.open(directory, os.O_RDONLY), None, [], {}

    def enter(parent):
        os.chdir(top)
        os.chdir(parent or b".")
    for e in store.tree(m):
        if e.parent != here:
            enter(e.parent)
            here = e.parent
        if e.type == "d":
            directories.append(e)
        elif e.inode in links:
            os.link(links[e.inode], e.name, src_dir_fd=top, follow_symlinks=False)
            continue
        if e.name:
            make(store, e)
        if e.type != "d":
            set_attributes(e)
        if e.type != "d" and e.links > 1:
            links[e.inode] = path_of(e)
    for e in reversed(directories):
        enter(e.parent)
        set_attributes(e)


def check(store):
    newest, before, raw = store.manifest(), None, None
    for n in range(1, newest["revision"] + 1):
        path = f"revisions/{n}.json"
        if not os.path.exists(os.path.join(store.path, path)):
            before = None
            continue
        m, raw = store.manifest(str(n)), store.file(path)
        need(before in (None, m["previous"]) and m["name"] == newest["name"] and
             m.get("dataset") == newest.get("dataset"), f"{path} does not follow the one before")
        before = hashlib.sha256(raw).hexdigest()
        entries, size = 0, 0
        for e in store.tree(m):
            entries, size = entries + 1, size + sum(len(piece) for _, piece in store.data(e))
        print(f"revision {n}: {entries} entries, {size} bytes, {len(store.profile(m))} reads")
    need(raw == store.file("manifest.json"), "manifest.json is not the newest revision")
    for name in sorted(os.listdir(os.path.join(store.path, "tags"))):
        if name.endswith(".json") and name[0] != ".":
            print(f"tag {name[:-5]}: revision {store.manifest(name[:-5])['revision']}")


def main(verb, path, *rest):
    if verb == "check":
        check(Store(path, *rest))
    elif verb == "extract":
        store = Store(os.path.abspath(path))
        extract(store, store.manifest(*rest[1:]), rest[0])
    elif verb == "profile":
        store = Store(path)
        for read in store.profile(store.manifest(*rest)):
            print(json.dumps(read))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (Refused, OSError) as trouble:
        sys.exit(f"rebuild.py: {trouble}")
