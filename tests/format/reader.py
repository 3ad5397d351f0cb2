# SPDX-License-Identifier: MIT
"""A reader of stores, written from cairn-format(5) alone: whatever breaks a rule of that page is
refused. It knows nothing of cairn's own code. What is done with it: rebuild.py."""
import base64, datetime, functools, hashlib, json, os, re, subprocess, tempfile
from types import SimpleNamespace

import zstandard

FEATURES = {"delta", "extents"}
COLUMNS = "name type mode uid gid mtime nsec size links inode content object offset extra".split()
DOCUMENT_MAX, PAGE_MAX, CHUNK_MAX, SIZE_MAX = 1 << 20, 4 << 20, 2 << 20, 2**63 - 1
ENCODING = bytes([0, *range(2, 48), 1, *range(48, 256)])
ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
ED25519_HEAD = bytes.fromhex("302a300506032b6570032100")  # of a public key in DER, RFC 8410


class Refused(Exception):
    pass


def need(good, what):
    if not good:
        raise Refused(what)


# JSON: all of it is strict.

def parse(raw):
    def once(pairs):
        need(len(dict(pairs)) == len(pairs), "duplicate key")
        return dict(pairs)

    def depth(v):
        return 1 + max(map(depth, v.values() if isinstance(v, dict) else v), default=0) \
            if isinstance(v, (dict, list)) else 0
    try:
        value = json.loads(raw.decode(), object_pairs_hook=once)
        need(isinstance(value, dict) and depth(value) <= 16, "not an object, or too deep")
        return value
    except (ValueError, RecursionError) as e:
        raise Refused(f"not JSON: {e}") from None


def canonical(v):
    if isinstance(v, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(v[k]) for k in sorted(v)) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    if isinstance(v, str):
        return '"' + re.sub(r'[\0-\x1f"\\]', lambda m: ESCAPES.get(
            m[0], f"\\u{ord(m[0]):04X}"), v) + '"'
    return json.dumps(v)


def number(v, most=SIZE_MAX, least=0):
    need(type(v) is int and least <= v <= most, f"number {v!r}")
    return v


def text(v, most, pattern=".*"):
    try:
        need(isinstance(v, str) and "\0" not in v and len(v.encode()) <= most and
             re.fullmatch(pattern, v, re.S), f"text {v!r:.80}")
    except UnicodeEncodeError:
        raise Refused("half a character") from None
    return v


def digest(v):
    return text(v, 64, "[0-9a-f]{64}")


def array(v, most, least=0):
    need(isinstance(v, list) and least <= len(v) <= most, "no array, or its length")
    return v


def rows(v, width, most, least=0):
    return [array(row, width, width) for row in array(v, most, least)]


def members(v, names, optional=""):
    names, optional = set(names.split()), set(optional.split())
    need(isinstance(v, dict) and names <= set(v) <= names | optional, f"members of {v!r:.80}")
    return v


def base64_bytes(v):
    try:
        plain = base64.b64decode(v, validate=True)
    except (ValueError, TypeError):
        plain = b"?"
    need(base64.b64encode(plain).decode() == v, "base64")
    return plain


def byte_string(v, most, least=0):
    if isinstance(v, str):
        plain = text(v, most).encode()
    else:
        plain = base64_bytes(members(v, "base64")["base64"])
        need(b"\0" in plain or plain.decode(errors="replace").encode() != plain, "base64 of text")
    need(least <= len(plain) <= most, "a byte string's size")
    return plain


def time(v):
    try:
        return datetime.datetime.strptime(
            text(v, 20, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise Refused(f"time {v}") from None


# Manifests and tags

def signers(document):
    """The keys by which a document is signed rightly."""
    signed = canonical({k: v for k, v in document.items() if k != "signatures"}).encode()
    keys = set()
    for s in array(document["signatures"], 16):
        key = text(members(s, "key signature")["key"], 51, r"ed25519:[A-Za-z0-9_-]{43}")
        raw = base64.urlsafe_b64decode(key[8:] + "=")
        with tempfile.TemporaryDirectory() as d:
            for name, content in zip("kst", (
                    ED25519_HEAD + raw, base64_bytes(s["signature"]), signed)):
                with open(f"{d}/{name}", "wb") as f:
                    f.write(content)
            if not subprocess.call(
                    f"openssl pkeyutl -verify -pubin -keyform DER -inkey {d}/k -rawin -in {d}/t "
                    f"-sigfile {d}/s".split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
                keys.add(key)
    return keys


def read_document(raw):
    d = parse(raw)
    need(number(d.get("format"), least=1) == 1, f"format {d['format']} is newer than this reader")
    return d


def read_manifest(raw):
    m = read_document(raw)
    for feature in array(m.get("features"), 64):
        need(text(feature, 64) in FEATURES, f"feature {feature!r} is unknown")
    members(m, "format name revision created message previous root first totals chunking bundling "
            "paging features mirrors signatures", "dataset expires profile")
    text(m["name"], 255, r"[^\0-\x1f\x7f]+"), text(m.get("dataset", "0" * 32), 32, "[0-9a-f]{32}")
    number(m["revision"], 2**53, 1), text(m["message"], 65536), time(m["created"])
    need("expires" not in m or time(m["expires"]).timestamp() > 0, "expires")
    for d in [m["root"], *array(m["first"], 16)] + [m["previous"]] * (m["previous"] is not None):
        digest(d)
    if "profile" in m:
        digest(members(m["profile"], "digest size")["digest"])
        number(m["profile"]["size"], 1 << 20, 1)
    text(members(m["chunking"], "algorithm min mean max large")["algorithm"], 64)
    for n in [*members(m["totals"], "entries files bytes objects stored xattrs acls").values(),
              *(n for k, n in m["chunking"].items() if k != "algorithm"),
              *members(m["bundling"], "target").values(),
              *sum((array(c, 3, 3) for c in members(m["paging"], "leaf inner").values()), [])]:
        number(n)
    for url in array(m["mirrors"], 64):
        text(url, 4096, r"(https|http|file)://[^\0-\x20\x7f]+")
    return m


# Entries

def path_of(e):
    return e.parent + b"/" + e.name if e.parent else e.name


def key_of(parent, name):
    return parent.translate(ENCODING) + b"\0" + name.translate(ENCODING)


def check_name(name):
    need(0 < len(name) <= 255 and not set(name) & {0, 47} and name not in (b".", b".."), "a name")


def read_object(row):
    d, size, chunks = digest(row[0]), number(row[1], least=1), row[2]
    if chunks is None:
        number(size, CHUNK_MAX)
    elif isinstance(chunks, list):
        need(sum(number(s, CHUNK_MAX, 1) for c, s in rows(chunks, 2, 32, 2) if digest(c)) == size,
             "chunks do not add up")
    else:
        digest(chunks)
    return SimpleNamespace(digest=d, size=size, chunks=chunks)


def read_entry(parent, row, objects):
    row = array(row, len(COLUMNS))
    e = SimpleNamespace(parent=parent, **dict(zip(COLUMNS, row + [None] * (14 - len(row)))))
    e.name = byte_string(e.name, 255)
    if parent or e.name:
        check_name(e.name)
        need(len(path_of(e)) <= 4095, "a path's length")
    need(text(e.type, 1, "[fdlcbps]") == "d" or e.name, f"type {e.type!r}")
    number(e.mode, 0o7777), number(e.uid, 2**32 - 1), number(e.gid, 2**32 - 1)
    number(e.mtime, least=-2**63), number(e.nsec, 10**9 - 1), number(e.size)
    e.links = 1 + (e.type == "d") if e.links is None else number(e.links, 2**32 - 1, 1)
    own = int.from_bytes(hashlib.sha256(key_of(parent, e.name)).digest()[:8], "big") & SIZE_MAX
    e.inode = own + 2 * (own < 2) if e.inode is None else number(e.inode, least=2)
    x = {} if e.extra is None else members(e.extra, "", "target device xattrs extents")
    need(e.extra != {} and ("target" in x) == (e.type == "l") and
         ("device" in x) == (e.type in "cb"), "extra")
    e.target = byte_string(x["target"], 4095, 1) if "target" in x else b""
    e.device = [number(n, 2**32 - 1) for n in array(x.get("device", [0, 0]), 2, 2)]
    e.xattrs = [(byte_string(n, 255, 1), byte_string(v, 65536))
                for n, v in rows(x.get("xattrs", []), 2, 1024, "xattrs" in x)]
    need(all(a[0] < b[0] for a, b in zip(e.xattrs, e.xattrs[1:])), "order of attributes")
    need(e.type == "f" or (e.size == len(e.target) and e.object is None), "a size")
    read_content(e, x, objects)
    return e


def read_content(e, x, objects):
    e.extents, e.list = [], None
    if e.object is None:
        need(e.content is None and e.offset is None and "extents" not in x, "content of nothing")
        return
    index = number(e.object, min(objects.used, len(objects.list) - 1))
    objects.used = max(objects.used, index + 1)
    e.object, e.offset = objects.list[index], 0 if e.offset is None else number(e.offset)
    e.content = e.object.digest if e.content is None else digest(e.content)
    end, extents = 0, x.get("extents", [[0, e.size]])
    if isinstance(extents, list) and extents and isinstance(extents[0], str):
        e.list, runs, size = array(extents, 3, 3)
        digest(e.list)
        e.extents = (number(runs, 2**32, 4097), number(size, least=runs))
        need(size + runs - 1 <= e.size and e.offset + size <= e.object.size, "extents")
        return
    for at, size in rows(extents, 2, 4096, 1):
        end = number(at, least=end) + number(size, least=1)
        e.extents.append((at, size))
    need(end <= e.size and e.offset + sum(s for _, s in e.extents) <= e.object.size, "extents")


class Store:
    """A directory with the files of a store. All that is signed has to be by one key: the given
    one, else one of those that signed what is read first."""

    def __init__(self, path, key=None):
        self.path, self.key = path, key
        self.blob = functools.lru_cache(8)(self.blob)

    def file(self, path, most=DOCUMENT_MAX):
        with open(os.path.join(self.path, path), "rb") as f:
            raw = f.read(most + 1)
        need(len(raw) <= most, f"{path} is too long")
        return raw

    def believe(self, document):
        keys = signers(document)
        self.key = self.key or min(keys, default=None)
        need(self.key in keys, "not signed by the right key")
        return document

    def manifest(self, which="newest"):
        """By its number or a tag's name, both as text."""
        if which != "newest" and not which.isdigit():
            return self.tagged(which)
        path = "manifest.json" if which == "newest" else f"revisions/{which}.json"
        m = self.believe(read_manifest(self.file(path)))
        need(which in ("newest", str(m["revision"])), f"{path} is of another revision")
        return m

    def tagged(self, name):
        tag = self.believe(members(read_document(self.file(f"tags/{name}.json")),
                                   "format tag name revision manifest created signatures"))
        need(text(tag["tag"], 128, "[A-Za-z0-9_][A-Za-z0-9._-]*") == name, "another tag")
        m = self.manifest(str(number(tag["revision"], 2**53, 1)))
        raw = self.file(f"revisions/{m['revision']}.json")
        need(digest(tag["manifest"]) == hashlib.sha256(raw).hexdigest() and
             text(tag["name"], 255) == m["name"] and time(tag["created"]), "tag of something else")
        return m

    def blob(self, name, most, may_be_delta=False):
        raw = self.file(f"blobs/{name[:2]}/{name[2:]}", PAGE_MAX + PAGE_MAX // 64 + 1024)
        base = None
        if may_be_delta and raw[:8] == bytes.fromhex("5c2a4d1820000000"):
            base = zstandard.ZstdCompressionDict(self.blob(raw[8:40].hex(), CHUNK_MAX),
                                                 dict_type=zstandard.DICT_TYPE_RAWCONTENT)
            raw = raw[40:]
        try:
            need(raw[:4] == bytes.fromhex("28b52ffd") and
                 zstandard.get_frame_parameters(raw).content_size <= most, f"blob {name}: its head")
            run = zstandard.ZstdDecompressor(dict_data=base).decompressobj()
            content = run.decompress(raw)
        except zstandard.ZstdError as e:
            raise Refused(f"blob {name}: {e}") from None
        need(hashlib.sha256(content).hexdigest() == name and not run.unused_data, f"blob {name}")
        return content

    def entries(self, page, level=None, told=None):
        """What is below a page, in order. `told`: what the page above says of that."""
        p = parse(self.blob(page, PAGE_MAX))
        count, size, last = 0, 0, None
        for e in self.leaf(p) if p.get("cairn") == "leaf" else self.inner(p):
            key = key_of(e.parent, e.name)
            need(last is None or last < key, f"page {page}: order")
            count, size, last = count + 1, min(size + e.size * (e.type == "f"), SIZE_MAX), key
            yield e
        need(level in (None, p.get("level", 0)) and told in (None, (last, count, size)),
             f"page {page} is not what the one above it says")

    def leaf(self, p):
        need(members(p, "cairn columns objects runs")["columns"] == COLUMNS, "columns")
        objects = SimpleNamespace(list=list(map(read_object, rows(p["objects"], 3, 4096))), used=0)
        runs = rows(p["runs"], 2, 4096, 1)
        need(sum(len(array(r, 4096, 1)) for _, r in runs) <= 4096, "rows of a page")
        for parent, run in runs:
            parent = byte_string(parent, 4095)
            for name in parent.split(b"/") if parent else []:
                check_name(name)
            for row in run:
                yield read_entry(parent, row, objects)
        need(objects.used == len(objects.list), "an object is not used")

    def inner(self, p):
        need(members(p, "cairn level columns children")["cairn"] == "inner" and
             p["columns"] == "page parent name entries bytes".split(), "no page")
        for child, parent, name, entries, size in rows(p["children"], 5, 4096, 1):
            key = key_of(byte_string(parent, 4095), byte_string(name, 255))
            yield from self.entries(digest(child), number(p["level"], 6, 1) - 1, (
                key, number(entries, least=1), number(size)))

    def recipe(self, name, size, level=None, count=None):
        """The chunks that a recipe lists: [digest, size]."""
        r, bytes_, chunks = parse(self.blob(name, PAGE_MAX)), 0, 0
        if "parts" in r:
            below = number(members(r, "cairn level parts")["level"], 4, 1) - 1
            for d, c, s in rows(r["parts"], 3, 4096, 1):
                bytes_, chunks = bytes_ + number(s, least=1), chunks + number(c, least=1)
                yield from self.recipe(digest(d), s, below, c)
        else:
            for d, s in rows(members(r, "cairn chunks")["chunks"], 2, 4096, 1):
                bytes_, chunks = bytes_ + number(s, CHUNK_MAX, 1), chunks + 1
                yield digest(d), s
        need(r["cairn"] == "recipe" and level in (None, r.get("level", 0)) and bytes_ == size and
             count in (None, chunks), f"recipe {name}")

    def extents(self, name, size, told, level=None):
        """The runs that a list gives: (offset, size). `told`: what is said of it: where it begins
        and ends in a file of that size, or None; how many they are; and their bytes."""
        x, first, last, count, total = parse(self.blob(name, PAGE_MAX)), None, -1, 0, 0

        def add(at, to, n, bytes_):
            nonlocal first, last, count, total
            need(last < number(at) < number(to, size) and 0 < n <= bytes_ <= to - at - n + 1,
                 f"list of extents {name}")
            first, last = at if first is None else first, to
            count, total = count + n, total + bytes_
        if "parts" in x:
            below = number(members(x, "cairn level parts")["level"], 2, 1) - 1
            for d, at, to, n, bytes_ in rows(x["parts"], 5, 4096, 1):
                add(at, to, number(n), number(bytes_))
                yield from self.extents(digest(d), size, (at, to, n, bytes_), below)
        else:
            for at, n in rows(members(x, "cairn runs")["runs"], 2, 4096, 1):
                add(number(at), at + number(n, least=1), 1, n)
                yield at, n
        need(x["cairn"] == "extents" and level in (None, x.get("level", 0)) and
             told[0] in (None, first) and told[1] in (None, last) and
             told[2:] == (count, total), f"list of extents {name}")

    def data(self, e):
        """The pieces of a file: where each begins in it, and its bytes, which are hashed."""
        if e.object is None:
            return
        o, start, first, hashed = e.object, 0, e.offset, hashlib.sha256()
        runs = list(self.extents(e.list, e.size, (None, None, *e.extents)) if e.list else e.extents)
        runs.reverse()
        for name, size in ([(o.digest, o.size)] if o.chunks is None else o.chunks
                           if isinstance(o.chunks, list) else self.recipe(o.chunks, o.size)):
            while runs and first < start + size:
                at, left = runs.pop()
                chunk = self.blob(name, size, True)
                need(len(chunk) == size, f"chunk {name}: its size")
                piece = chunk[first - start:first - start + left]
                hashed.update(piece)
                yield at, piece
                first += len(piece)
                runs += [(at + len(piece), left - len(piece))] * (len(piece) < left)
            start += size
        need(hashed.hexdigest() == e.content, f"{path_of(e)!r}: its content")

    def tree(self, m):
        """All entries of a revision; the directory of each came before it."""
        directories, objects, totals = {b""}, set(), dict.fromkeys(m["totals"], 0)
        for e in self.entries(m["root"]):
            need(e.parent in directories and bool(totals["entries"]) == bool(e.name),
                 f"{path_of(e)!r} lies in no directory")
            if e.type == "d":
                directories.add(path_of(e))
            if e.object is not None:
                objects.add(e.object.digest)
            for name, n in (("entries", 1), ("files", e.type == "f"), ("xattrs", bool(e.xattrs)),
                            ("acls", any(b"system.posix_acl" in n for n, _ in e.xattrs)),
                            ("bytes", e.size * (e.type == "f"))):
                totals[name] = min(totals[name] + n, SIZE_MAX)
            yield e
        totals.update(objects=len(objects), stored=m["totals"]["stored"])
        need(totals == m["totals"], f"its totals are {totals}")

    def profile(self, m):
        """What programs read when they start: objects with path, offset and size."""
        if "profile" not in m:
            return []
        raw = self.blob(m["profile"]["digest"], 1 << 20)
        need(len(raw) == m["profile"]["size"], "the profile's size")
        return [read for read in map(parse, raw.splitlines()) if "path" in read]
