#!/bin/bash
# SPDX-License-Identifier: MIT
# The quota holds on the disk, as statfs(2) tells, at every instant: under two mounts, a
# prefetch and an evictor, some of which are killed.
# CAIRN_LONG=1: for some minutes.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
need_root
need_program python3
QUOTA=24 # MiB
rounds=2
! is_long || rounds=20

mkdir "$T/source" "$T/disk" "$T/one" "$T/two"
for i in $(seq 20); do head -c 1500000 /dev/urandom >"$T/source/f$i"; done
mkdir "$T/source/small"
head -c 300000 /dev/urandom | split -b 3000 -a 3 - "$T/source/small/"
publish "$T/source" "$T/store"
URL=file://$T/store
key=$(public_key)
mount -t tmpfs -o size=100m tmpfs "$T/disk" || skip "no tmpfs"
cache=$T/disk/cache
"$CAIRN" cache info --cache "$cache" --quota "${QUOTA}M" --floor 0 >/dev/null

# Looks at the disk a hundred times a second, until the file "stop" is there; prints the
# most that was used, in KiB.
cat >"$T/watch.py" <<'END'
import os, sys, time
disk, stop, most = sys.argv[1], sys.argv[2], 0
while not os.path.exists(stop):
    s = os.statvfs(disk)
    most = max(most, (s.f_blocks - s.f_bfree) * s.f_frsize // 1024)
    time.sleep(0.01)
print(most)
END
python3 "$T/watch.py" "$T/disk" "$T/stop" >"$T/most" &
watcher=$!
pids+=("$watcher")

begin_mount() { # POINT
	"$CAIRN" mount -f "$URL" "$1" --trust "$key" --cache "$cache" 2>>"$T/mount.err" &
	mount_pid=$!
	pids+=("$mount_pid")
	wait_until 20 mountpoint -q "$1" || fail "no mount: $(cat "$T/mount.err")"
}
read_files() { # POINT FILE...
	local point=$1 i
	shift
	for i in "$@"; do cmp "$point/f$i" "$T/source/f$i" || return 1; done
}

begin_mount "$T/one"
for round in $(seq "$rounds"); do
	begin_mount "$T/two"
	read_files "$T/one" $(seq 20) &
	reader=$!
	read_files "$T/two" $(seq 20 -1 1) 2>/dev/null &
	killed_reader=$!
	"$CAIRN" prefetch "$URL" --trust "$key" --cache "$cache" >/dev/null 2>&1 &
	prefetch=$!
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	"$CAIRN" cache evict --all --cache "$cache" >/dev/null 2>&1 || true
	kill -KILL "$prefetch" "$mount_pid" 2>/dev/null || true
	umount -l "$T/two" 2>/dev/null || true
	wait "$prefetch" "$mount_pid" "$killed_reader" 2>/dev/null || true
	diff -r "$T/source/small" "$T/one/small" || fail "wrong bytes"
	wait "$reader" || fail "wrong bytes, or none, in round $round"
done
: >"$T/stop"
wait "$watcher"
most=$(cat "$T/most")
say "at most $((most / 1024)) MiB of $QUOTA"
[ "$most" -le $((QUOTA * 1024)) ] || fail "$most KiB on the disk, of a quota of $QUOTA MiB"

unmount "$T/one"
wait_for_daemons
"$CAIRN" cache verify --cache "$cache" || fail "the cache holds wrong bytes"
