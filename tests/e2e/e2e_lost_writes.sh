#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A cache on a disk that takes more than it has: what the kernel cannot write back, and lets
# go of, is fetched again, and never read as zeros. Not in the mount that wrote it, not
# when another process did, not when the disk was pulled out and came back; and not by
# users of one cache that tell different boots of the machine, as containers may.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
need_root
need_program mkfs.ext4
PATH=$PATH:/usr/sbin:/sbin

mkdir "$T/source" "$T/thin" "$T/disk"
for i in $(seq 16); do head -c 1000000 /dev/urandom >"$T/source/$i"; done
publish "$T/source" "$T/store"
URL=file://$T/store
key=$(public_key)

# The loop device goes with its mount, however the test ends.
attach_disk() { mount -o loop "$T/thin/image" "$T/disk"; }
detach_disk() { umount -l "$T/disk"; }
# make_disk MEGABYTES [OPTION...]: what it has, and how it is formatted
make_disk() {
	mount -t tmpfs -o "size=$1m" tmpfs "$T/thin" || skip "no tmpfs"
	truncate -s 100M "$T/thin/image"
	mkfs.ext4 -q -E nodiscard "${@:2}" "$T/thin/image"
	attach_disk || { umount "$T/thin"; skip "no loop device, or no ext4"; }
}
drop_disk() {
	detach_disk
	umount "$T/thin"
}
# All is written that can be, somebody else hears of the errors, and memory is short. Lost
# directories are an error to find.
forget() {
	sync -f "$T/disk" 2>/dev/null || true
	sync -f "$T/disk" 2>/dev/null || true
	find "$T/disk" "$T/mnt" -type f -exec dd if={} iflag=nocache count=0 status=none \; \
		2>/dev/null || true
}
mount_thin() {
	"$CAIRN" mount "$URL" "$T/mnt" --trust "$key" --cache "$T/disk/cache" -o floor=0 "$@" \
		2>"$T/mount.err" || fail "no mount: $(cat "$T/mount.err")"
}
same() { diff -r "$T/source" "$T/mnt" || fail "$1"; }

# ---- a mount that reads what it wrote itself, and one after it
make_disk 12 -O ^has_journal
mount_thin
same "before anything was lost"
forget
same "in the mount that wrote it"
forget
same "a second time"
unmount
wait_for_daemons
forget
# The books may have been lost as well, and have no room for new ones: then it says so.
if (mount_thin) 2>"$T/refused"; then
	same "in the next mount"
	unmount
else
	grep -q 'no space left; make room' "$T/refused" || fail "$(cat "$T/refused")"
	say "no room for the books, which is said"
fi
wait_for_daemons
drop_disk

# ---- a prefetch does not call kept what did not reach the disk
make_disk 12 -O ^has_journal
"$CAIRN" cache info --cache "$T/disk/cache" --floor 0 >/dev/null
expect 1 'cairn prefetch: not all is sure to stay in the cache|not in the cache' \
	"$CAIRN" prefetch "$URL" --trust "$key" --cache "$T/disk/cache"
wait_for_daemons
drop_disk

# ---- users that tell different boots; the disk is pulled out, and comes back as it was
make_disk 90
other_boot() { # COMMAND...
	cat /proc/sys/kernel/random/uuid >"$T/boot_id"
	in_namespace "mount --bind '$T/boot_id' /proc/sys/kernel/random/boot_id" "$@"
}
mount_thin -f &
mount_pid=$!
pids+=("$mount_pid")
wait_until 20 mountpoint -q "$T/mnt" || fail "no mount: $(cat "$T/mount.err")"
other_boot "$CAIRN" prefetch "$URL" 1 2 3 --trust "$key" --cache "$T/disk/cache" || fail "prefetch"
for i in $(seq 4 10); do cmp "$T/source/$i" "$T/mnt/$i"; done
other_boot "$CAIRN" prefetch "$URL" 11 --trust "$key" --cache "$T/disk/cache" || fail "prefetch"
for i in $(seq 12 16); do cmp "$T/source/$i" "$T/mnt/$i"; done
cp --sparse=always "$T/thin/image" "$T/image"
kill -KILL "$mount_pid"
wait "$mount_pid" 2>/dev/null || true
umount -l "$T/mnt"
detach_disk
mv "$T/image" "$T/thin/image"
attach_disk
other_boot sh -c '"$@" && diff -r "$0/source" "$0/mnt" && umount "$0/mnt"' "$T" \
	"$CAIRN" mount "$URL" "$T/mnt" --trust "$key" --cache "$T/disk/cache" -o floor=0 ||
	fail "on the disk that came back"
wait_for_daemons
mount_thin
same "once more"
unmount
wait_for_daemons
"$CAIRN" cache verify --cache "$T/disk/cache" || fail "the cache holds wrong bytes"
drop_disk
