#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What was prefetched needs no server; the cache can be looked at, checked and emptied
# while a mount runs on it.
. "$(dirname "$0")/lib.sh"
need_fuse

cache() { "$CAIRN" cache "$@" --cache "$T/cache"; }
is_json() { # one document on stdin, or with --lines one a line
	command -v python3 >/dev/null || return 0
	python3 -c 'import json, sys
text = sys.stdin.read()
for part in text.splitlines() if sys.argv[1:] else [text]:
    json.loads(part)' "$@"
}

sample_tree "$T/source" 1500 20
head -c 9000000 /dev/urandom >"$T/source/big"
mkdir "$T/source/one" "$T/source/two"
head -c 3000000 /dev/urandom >"$T/source/one/a.bin"
head -c 3000000 /dev/urandom >"$T/source/two/b.bin"
publish "$T/source" "$T/store"
start_serve "$T/store"
mount_url

# part of it, by a pattern, through the mount point
"$CAIRN" prefetch "$T/mnt" one '*/b.bin'
stop "$server_pid"
cmp "$T/source/one/a.bin" "$T/mnt/one/a.bin" || fail "not prefetched"
cmp "$T/source/two/b.bin" "$T/mnt/two/b.bin" || fail "not prefetched by pattern"
unmount

# all of it, by the URL
start_serve "$T/store"
"$CAIRN" prefetch "$URL" --cacert "$CACERT" --cache "$T/cache"
mount_url
stop "$server_pid"
compare "$T/source" "$T/mnt"

cache info >"$T/info"
cache ls >"$T/ls"
[ -s "$T/info" ] && [ -s "$T/ls" ] || fail "cache info and ls say nothing"
cache info --json | is_json
cache ls --json | is_json --lines
cache verify || fail "verify found rot in a fresh cache"

# rot: one byte changed in each object file, found, mended, never served
find "$T/cache/objects" -type f -size +1000k | head -n 3 | while read -r object; do
	printf '\377\000\377' | dd of="$object" bs=1 seek=1000 conv=notrunc status=none
done
! cache verify >"$T/verify" 2>&1 || fail "verify overlooks rot"
cache verify --repair || true
cache verify || fail "repair left rot"
unmount

start_serve "$T/store"
mount_url
compare "$T/source" "$T/mnt"
[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
cache pin "$URL" one --cacert "$CACERT"
cache evict --to 0
compare "$T/source" "$T/mnt"
cache evict --to 0
stop "$server_pid"
[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
cmp "$T/source/one/a.bin" "$T/mnt/one/a.bin" || fail "what is pinned was evicted"
cache unpin "$URL" one
unmount
