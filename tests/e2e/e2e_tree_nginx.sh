#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Some ten thousand real files over nginx cannot be told from their source.
. "$(dirname "$0")/lib.sh"
need_fuse
need_program nginx

if is_quick; then
	sample_tree "$T/source" 4000 40
elif is_long; then
	sample_tree "$T/source" 30000 400
else
	sample_tree "$T/source" 12000 150
fi
publish "$T/source" "$T/store"
start_nginx "$T/store"

# what a site does to its readers, told to who looks: nginx as it comes says nothing of caches
! "$CAIRN" check "$URL" --cacert "$CACERT" >"$T/check.out" 2>/dev/null || fail "check: no fault"
grep -q '^wrong .*Cache-Control: no-cache' "$T/check.out" || fail "check: $(cat "$T/check.out")"
[ "$(grep -c '^wrong' "$T/check.out")" = 1 ] || fail "check: $(cat "$T/check.out")"
grep -q '^good .*parts of files' "$T/check.out" || fail "check: $(cat "$T/check.out")"

mount_url
compare "$T/source" "$T/mnt"

rsync -aHAXni --checksum --delete "$T/source/" "$T/mnt/" >"$T/rsync.out"
[ ! -s "$T/rsync.out" ] || fail "rsync would change: $(head -n 5 "$T/rsync.out")"

tar -C "$T/source" --xattrs --acls -cf - . | tar -C "$T/mnt" --compare -f - >"$T/tar.out" 2>&1 ||
	fail "tar found: $(head -n 5 "$T/tar.out")"

diff -r --no-dereference "$T/source" "$T/mnt" >"$T/diff.out" ||
	fail "diff found: $(head -n 5 "$T/diff.out")"

entries=$(find "$T/source" | wc -l)
[ "$(find "$T/mnt" | wc -l)" = "$entries" ] || fail "find counts other entries"
# all of it is here by now: nothing is asked of the server any more
requests=$(wc -l <"$T/nginx/access.log")
find "$T/mnt" -type f -exec cat {} + >/dev/null
[ "$(grep -c /blobs/ "$T/nginx/access.log")" -le "$requests" ] || fail "fetched again"
unmount
