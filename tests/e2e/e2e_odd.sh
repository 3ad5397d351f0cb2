#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every odd kind, name, size, time and attribute survives, over HTTPS and from a directory.
. "$(dirname "$0")/lib.sh"
need_fuse

mkdir "$T/source"
"$ODDTREE" "$T/source"
publish "$T/source" "$T/store"

start_serve "$T/store"
mount_url
compare "$T/source" "$T/mnt"

# What rsync and tar can see of it; the deep path is too long for rsync, and a TiB too
# much to read.
rsync -aHAXni --checksum --delete --exclude=/deep --exclude=/sparse/one-TiB \
	"$T/source/" "$T/mnt/" >"$T/rsync.out"
[ ! -s "$T/rsync.out" ] || fail "rsync would change: $(head -n 5 "$T/rsync.out")"
tar -C "$T/source" --format=pax --xattrs --acls --exclude=./deep --exclude=./sparse/one-TiB \
	-cf - . 2>/dev/null |
	tar -C "$T/mnt" --compare -f - >"$T/tar.out" 2>&1 ||
	fail "tar found: $(head -n 5 "$T/tar.out")"

# reading all of a hole gives zeros, and as many as there are
head -c 300000000 "$T/mnt/sparse/one-TiB" | cmp - <(head -c 300000000 /dev/zero)
[ "$(du -k "$T/mnt/sparse/only-a-hole" | cut -f 1)" -le 4 ] || fail "a hole takes space"
unmount

mount_at "file://$T/store" "$T/mnt2"
compare "$T/source" "$T/mnt2"
unmount "$T/mnt2"
