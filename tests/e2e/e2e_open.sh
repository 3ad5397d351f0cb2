#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The ways to treat opens: each shows the same tree, and does what it is for. What the
# kernel asks is read off libfuse's own account of it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse

mkdir -p "$T/source/small"
numbers "$T/source/small/" 100 50
head -c 3000000 /dev/urandom >"$T/source/large"
head -c 5000000 /dev/urandom >"$T/source/other"
truncate -s 10M "$T/source/sparse"
head -c 200000 /dev/urandom | dd of="$T/source/sparse" bs=4096 seek=1000 conv=notrunc status=none
publish "$T/source" "$T/store"
m=$T/mnt

# In the foreground, with all that is asked in $T/debug: mount_mode MODE [OPTION...]
mount_mode() {
	"$CAIRN" mount "file://$T/store" "$m" --cache "$T/cache" -v -f \
		-o "debug,open=$1" "${@:2}" 2>"$T/debug" &
	mounted=$!
	pids+=("$mounted")
	wait_until 20 mountpoint -q "$m" || fail "no mount with open=$1: $(tail -n 3 "$T/debug")"
}
unmount_mode() {
	unmount
	wait "$mounted" || fail "the mount's process"
}
asked() { # OPCODE: how often so far
	grep -c "opcode: $1 (" "$T/debug" || true
}
mode_is() {
	grep -q "open=$1: " "$T/debug" || fail "not open=$1: $(grep open= "$T/debug")"
	grep -qE 'opendir=(elide|plain)' "$T/debug" || fail "says nothing of opendir"
	grep -q 'io_uring=no: ' "$T/debug" || fail "says nothing of io_uring"
}

# Open for the kernel to read? Complete, it is as soon as it is on the disk, too.
is_lent() {
	exec 7<&-
	sleep 0.1
	exec 7<"$m/large"
	! flock -nx "$(find "$T/cache/objects" -type f -size 3000000c)" true
}

is_held() { # the large file, in the cache
	[ -n "$(find "$T/cache/objects" -type f -size 3000000c)" ]
}

# ---- plain: each open is sent
mount_mode plain
compare "$T/source" "$m"
[ "$(asked OPEN)" -ge 100 ] || fail "plain: $(asked OPEN) opens"
unmount_mode
mode_is plain

# ---- elide: one is, and then no more
mount_mode elide
compare "$T/source" "$m"
diff -r "$T/source" "$m"
if grep -q 'no open=elide here' "$T/debug"; then
	say "this kernel cannot leave opens out"
else
	[ "$(asked OPEN)" -le 4 ] || fail "elide: $(asked OPEN) opens"
	[ "$(asked RELEASE)" = 0 ] || fail "elide: a release"
	mode_is elide
fi
if sh -c ": >'$m/large'" 2>/dev/null; then fail "opened for writing"; fi
unmount_mode

# ---- auto: small files
mount_mode auto
compare "$T/source" "$m"
unmount_mode
grep -qE 'open=(elide|plain): .* in the mean' "$T/debug" || fail "auto tells no reason"

expect 2 "one of auto, elide, passthrough, plain" \
	"$CAIRN" mount "file://$T/store" "$m" --cache "$T/cache" -o open=sideways

# ---- passthrough: what is whole in the cache is read by the kernel itself
rm -rf "$T/cache"
mount_mode passthrough
if grep -q 'no open=passthrough here' "$T/debug"; then
	grep 'no open=passthrough here' "$T/debug"
	compare "$T/source" "$m"
	unmount_mode
	exit 0
fi
# open since before it was complete: stays as it was, for everybody, until all have closed
exec 7<"$m/large"
cmp "$m/large" "$T/source/large"
before=$(asked READ)
[ "$before" -gt 0 ] || fail "nothing was read through the daemon at first"
cmp /dev/fd/7 "$T/source/large" || fail "who was there first"
exec 7<&-
wait_until 5 sh -c "[ \"\$(grep -c 'opcode: RELEASE (' '$T/debug')\" -ge 1 ]"
wait_until 20 is_lent || grep -q 'does not take files of the cache' "$T/debug" ||
	fail "not lent to the kernel"
exec 7<&-
sleep 0.3
before=$(asked READ)
for _ in 1 2 3; do cmp "$m/large" "$T/source/large" || fail "through the kernel"; done
if grep -q 'does not take files of the cache' "$T/debug"; then
	say "the kernel does not take this cache's files"
else
	[ "$(asked READ)" = "$before" ] || fail "read by the daemon although it is complete"
	# open, it is not evicted, by any process; afterwards it is
	exec 7<"$m/large"
	"$CAIRN" cache evict --all --cache "$T/cache" >/dev/null
	is_held || fail "evicted while open"
	cmp /dev/fd/7 "$T/source/large" || fail "after an eviction"
	exec 7<&-
	sleep 0.3
	"$CAIRN" cache evict --all --cache "$T/cache" >/dev/null
	! is_held || fail "not evicted after the close"
fi
compare "$T/source" "$m"
compare "$T/source" "$m"
diff -r "$T/source" "$m"
unmount_mode
"$CAIRN" cache verify --cache "$T/cache" >/dev/null || fail "the cache"
