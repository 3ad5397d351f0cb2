#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A store on a disk that loses power while it is published to: the revision of before is whole,
# the next publish goes on, and what it signs is there, byte by byte, though some blobs came
# back cut, empty, or with zeros in them. Ext4 and XFS on loop devices, shut down in mid-write,
# remounted, published again; and a store whose blobs lie on another file system than the rest of
# it. With CAIRN_LONG dozens of times; CAIRN_ROUNDS=N says how often.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
need_program mkfs.ext4
PATH=$PATH:/usr/sbin:/sbin
POWER_LOSS=$(find_program "${CAIRN_TOOLS:-./tests}/e2e/power_loss" ./power_loss)

rounds=2
! is_quick || rounds=1
! is_long || rounds=24
rounds=${CAIRN_ROUNDS:-$rounds}

mkdir "$T/old" "$T/new" "$T/disk"
text() { head -c $(($1 / 4 * 3)) /dev/urandom | base64 -w 0; }
echo first >"$T/old/first"
cp "$T/old/first" "$T/new/first"
# Bundles, objects of one block, objects of many chunks.
for i in $(seq 40); do text 60000 >"$T/new/small-$i"; done
for i in $(seq 16); do text 131072 >"$T/new/block-$i"; done
for i in $(seq 4); do text 2000000 >"$T/new/large-$i"; done

attach() { mount -o "loop$1" "$T/image" "$T/disk"; }
# A file system that was shut down may be busy for a moment.
detach() { wait_until 5 umount "$T/disk"; }
lose_power() { "$POWER_LOSS" "$T/disk" "$T/disk/store"; }

# What the newest revision names is there, and is what was published: read past every cache.
same_as() { # SOURCE WHAT [STORE]
	rm -rf "$T/cache" "$T/got"
	"$CAIRN" get "file://${3-$T/disk/store}" / "$T/got" --cache "$T/cache" >"$T/get.out" 2>&1 ||
		fail "$2: $(cat "$T/get.out")"
	diff -r "$1" "$T/got" || fail "$2"
}

blobs() { find "$T/disk/store/blobs" -type f ! -name '.*' | wc -l; }
has_blobs() { [ "$(blobs)" -ge "$1" ] || ! kill -0 "$publisher" 2>/dev/null; }

marked=0
# round OPTIONS BLOBS: power is lost when so many blobs are there
round() {
	rm -rf "$T/xdg-cache" "$T"/config/cairn/known_*
	attach "$1" || return 77
	publish "$T/old" "$T/disk/store" --name test
	"$CAIRN" publish "$T/new" "$T/disk/store" --level 13 >"$T/publish.out" 2>&1 &
	publisher=$!
	wait_until 60 has_blobs "$2" || fail "no $2 blobs: $(cat "$T/publish.out")"
	lose_power || fail "the file system is not shut down"
	wait "$publisher" || true
	detach
	attach "$1"
	[ ! -e "$T/disk/store/.unsynced" ] || marked=$((marked + 1))
	if grep -q '"revision":1[,}]' "$T/disk/store/manifest.json"; then
		same_as "$T/old" "$3, the revision of before"
	else
		same_as "$T/new" "$3, that was just finished"
	fi
	publish "$T/new" "$T/disk/store"
	[ ! -e "$T/disk/store/.unsynced" ] || fail "$3: the mark stays"
	same_as "$T/new" "$3, the next one"
	lose_power # nothing that was said to be published is lost
	detach
	attach "$1"
	same_as "$T/new" "$3, after another loss"
	detach
}

# rounds_of NAME MKFS OPTIONS
rounds_of() {
	local i
	for i in $(seq "$rounds"); do
		rm -f "$T/image"
		truncate -s 400M "$T/image"
		$2 "$T/image" >/dev/null
		round "$3" $((2 + i * 17 % 50)) "$1, round $i" || return 0
	done
	say "$1: $rounds losses"
}

rounds_of "ext4" "mkfs.ext4 -q" ""
# Sizes are in the journal before the data are on the disk: then zeros stand in their place.
rounds_of "ext4 without order" "mkfs.ext4 -q" ",data=writeback,nodelalloc"
if command -v mkfs.xfs >/dev/null; then rounds_of "XFS" "mkfs.xfs -q" ""; fi
! is_long || [ "$marked" -gt 0 ] || fail "power was never lost in mid-write"
say "$marked of them in mid-write"

# ---- blobs are on another file system: mounted there, or by a link
rm -f "$T/image"
truncate -s 400M "$T/image"
mkfs.ext4 -q "$T/image"
attach ""
mkdir -p "$T/linked" "$T/mounted/blobs" "$T/disk/there"
ln -s "$T/disk/there" "$T/linked/blobs"
mount --bind "$T/disk" "$T/mounted/blobs" # its own files are no blobs
publish "$T/new" "$T/linked"
publish "$T/new" "$T/mounted"
"$POWER_LOSS" "$T/disk"
umount "$T/mounted/blobs"
detach
attach ""
mount --bind "$T/disk" "$T/mounted/blobs"
same_as "$T/new" "blobs behind a link" "$T/linked"
same_as "$T/new" "blobs on a mount" "$T/mounted"
