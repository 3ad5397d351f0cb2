#!/bin/bash
# SPDX-License-Identifier: MIT
# Whoever reads the small files of a directory in order finds the next ones in the cache.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
mkdir "$T/source"
head -c 26000000 /dev/urandom | split -b 100000 -a 3 --numeric-suffixes=100 - "$T/source/f"
publish "$T/source" "$T/store"
"$CAIRN" mount "file://$T/store" "$T/mnt" --cache "$T/cache" --timeout 2 2>"$T/mount.err" ||
	fail "$(cat "$T/mount.err")"
for i in $(seq 100 139); do
	cmp "$T/mnt/f$i" "$T/source/f$i"
done

# Each bundle has some ten of them. The next two come by themselves: then nobody is asked.
sleep 2
mv "$T/store" "$T/gone"
for i in $(seq 140 156); do
	cmp "$T/mnt/f$i" "$T/source/f$i" || fail "f$i had not been fetched ahead"
done
"$CAIRN" umount "$T/mnt"

mv "$T/gone" "$T/store"
"$CAIRN" mount "file://$T/store" "$T/mnt" --cache "$T/cache" --offline 2>"$T/mount.err"
[ ! -s "$T/mount.err" ]
cmp "$T/mnt/f150" "$T/source/f150"
if cat "$T/mnt/f359" >/dev/null 2>&1; then fail "it was not offline"; fi
"$CAIRN" umount "$T/mnt"

# A server that is away is told where people look.
start_serve "$T/store"
"$CAIRN" mount "$URL" "$T/mnt" --cache "$T/cache" --cacert "$CACERT" 2>/dev/null
cmp "$T/mnt/f150" "$T/source/f150"
"$CAIRN" umount "$T/mnt"
stop "$server_pid"
"$CAIRN" mount "$URL" "$T/mnt" --cache "$T/cache" --cacert "$CACERT" --timeout 2 2>"$T/mount.err"
grep -q "cannot be reached: going on with revision 1" "$T/mount.err"
cmp "$T/mnt/f150" "$T/source/f150"
"$CAIRN" umount "$T/mnt"
