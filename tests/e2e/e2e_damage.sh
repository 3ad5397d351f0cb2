#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The cache's index is damaged at random, at rest and under a mount: at most one command
# fails for each damaged copy, none crashes or goes on for ever, and the next ones give right
# bytes. A mount goes on, too, unless LMDB went astray while it wrote: then that is what has
# failed, and the next mount gives right bytes. CAIRN_LONG=1: thousands of copies; CAIRN_SEED
# repeats a run.
. "$(dirname "$0")/lib.sh"
DAMAGE=$(find_program "${CAIRN_TOOLS:-./tests}/e2e/damage" ./tests/e2e/damage)

copies=2 mounts=1
if is_long; then copies=2000 mounts=200; fi
seed=${CAIRN_SEED:-$(date +%s)}
say "$copies damaged copies and $mounts mounts, CAIRN_SEED=$seed"

mkdir "$T/source"
for i in $(seq 40); do mkdir "$T/source/d$i"; done
for i in $(seq 2000); do
	printf '%s file %d\n' "$seed" "$i" >"$T/source/d$((i % 40 + 1))/file-$i"
done
head -c 3000000 /dev/urandom >"$T/source/large"
publish "$T/source" "$T/store"
key=$(public_key)
"$CAIRN" prefetch "file://$T/store" --trust "$key" --cache "$T/whole" >"$T/out" 2>"$T/err" || fail "$(cat "$T/err")"

# Ends in time, not by a signal; counts what fails.
attempt() {
	local status=0
	timeout 60 "$@" >"$T/out" 2>"$T/err" || status=$?
	[ "$status" -lt 124 ] || fail "copy $copy: status $status: $*: $(head -c 500 "$T/err")"
	[ $status = 0 ] || failures=$((failures + 1)) why="$* : $(head -c 300 "$T/err")"
	return $status
}
cat_right() { # FILE [OPTION...]
	if attempt "$CAIRN" cat "file://$T/store" "$1" --cache "$T/cache" "${@:2}"; then
		cmp -s "$T/out" "$T/source/$1" || fail "copy $copy: wrong bytes of $1"
	fi
}
# Who is told that it failed tries again; then all is here again.
bring_all() { attempt "$CAIRN" prefetch "file://$T/store" --cache "$T/cache"; }
use_all() {
	attempt "$CAIRN" cache info --cache "$T/cache" || true
	attempt "$CAIRN" ls -R "file://$T/store" --cache "$T/cache" || true
	cat_right "d$((copy % 40 + 1))/file-$((copy % 40 + 40))"
	attempt "$CAIRN" cache verify --repair --cache "$T/cache" || true
	bring_all || bring_all || true
	cat_right large --offline
}

for copy in $(seq "$copies"); do
	rm -rf "$T/cache"
	cp -a "$T/whole" "$T/cache"
	"$DAMAGE" "$T/cache/meta/data.mdb" $((seed + copy))
	failures=0 why=
	use_all
	[ $failures -le 1 ] || fail "copy $copy: $failures commands failed, at last $why"
done

# What src/cache/meta/guard.h cannot come back from ends the process. The kernel may know
# all names without it, but not this.
has_ended() { [[ $(stat -f "$T/mnt" 2>&1) == *'not connected'* ]]; }
use_mount() {
	! "$COMPARE" "$T/source" "$T/mnt" >"$T/out" 2>&1 || return 0
	has_ended || fail "mount $copy: $(head -c 2000 "$T/out")"
	ended=$((ended + 1))
	umount -l "$T/mnt" 2>/dev/null || fusermount3 -uz "$T/mnt"
	mount_at "file://$T/store" "$T/mnt" --trust "$key"
	compare "$T/source" "$T/mnt"
}

ended=0
if [ -r /dev/fuse ] && { is_root || command -v fusermount3 >/dev/null; }; then
	copy=0 # another one for each that ends
	while [ $copy -lt $((mounts + ended)) ]; do
		copy=$((copy + 1))
		rm -rf "$T/cache"
		cp -a "$T/whole" "$T/cache"
		mount_at "file://$T/store" "$T/mnt" --trust "$key"
		"$DAMAGE" "$T/cache/meta/data.mdb" $((seed - copy)) tree
		use_mount
		use_mount
		unmount
		wait_for_daemons
		failures=0 why=
		use_all
		[ $failures -le 1 ] || fail "mount $copy: $failures commands failed, at last $why"
		[ $ended -le $((1 + mounts / 20)) ] || fail "$ended of $copy mounts ended"
	done
	say "$ended of $copy mounts ended"
else
	say "no mounts: /dev/fuse is missing"
fi
