#!/bin/bash
# SPDX-License-Identifier: MIT
# Nobody waits for a stranger: whatever lock of the cache a stopped process holds, commands
# end with data or with a sentence, and a mount's readers get what the network has.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

need_fuse
need_program flock
HOLD=$(find_program "${HOLD:-./tests/faults/hold}" ./hold)
rounds=2

is_long && rounds=400
patience=90 # seconds; only what would wait for ever takes so long

mkdir "$T/source"
for i in $(seq 12); do
	head -c 400000 /dev/urandom >"$T/source/f$i"
done
publish "$T/source" "$T/store"
url=file://$T/store

# ends NAME COMMAND...: it ends, with success or with a sentence that says what is the matter.
ends() {
	local name=$1 rc=0
	shift
	timeout "$patience" "$@" >"$T/$name.out" 2>"$T/$name.err" || rc=$?
	[ $rc != 124 ] || fail "$name: $* waits for ever"
	[ $rc = 0 ] || grep -Eq "is held by|is locked by" "$T/$name.err" ||
		fail "$name: $*: $rc, $(cat "$T/$name.err")"
	return $rc
}

# ---- a lock that is held, and a mount that has been there before

# hold NAME WHAT FILE: by a process that is stopped; its pid is $holder.
hold() {
	"$HOLD" "$2" "$3" >"$T/$1.held" &
	holder=$!
	trap 'kill -KILL "$holder" 2>/dev/null || true' EXIT # of the part
	wait_until 20 grep -q held "$T/$1.held" || fail "$1: cannot be held"
	kill -STOP "$holder"
}

# blamed NAME: the sentence says who it is.
blamed() {
	grep -q "process $holder (hold), which is stopped" "$T/$1.err" ||
		fail "$1: $(cat "$T/$1.err") is not about $holder"
}

# with_lock NAME WHAT FILE HAS: `HAS` is what a command that comes now must give, "data" or
# "sentence".
with_lock() {
	local name=$1 cache=$T/cache-$1 m=$T/mnt-$1 has
	mkdir "$m"
	"$CAIRN" mount "$url" "$m" --cache "$cache" --timeout 10 2>"$T/$name.mount"
	hold "$1" "$2" "$cache/$3"
	has=data
	ends "$name-ls" "$CAIRN" ls "$url" --cache "$cache" --timeout 3 || has=sentence
	[ $has = "$4" ] || fail "$name: ls gives a $has: $(cat "$T/$name-ls.err")"
	[ $has = data ] || blamed "$name-ls"
	[ $has = sentence ] || [ "$(wc -l <"$T/$name-ls.out")" = 12 ] || fail "$name: ls"
	# The mount is open already, and reads what it does not have.
	ends "$name-read" cat "$m/f1" || fail "$name: the mount reads nothing"
	cmp "$T/$name-read.out" "$T/source/f1"
	kill -KILL "$holder"
	ends "$name-later" cat "$m/f2"
	cmp "$T/$name-later.out" "$T/source/f2"
	"$CAIRN" umount "$m"
}

# What is held alone only while nobody else has the cache open.
at_the_door() { # NAME WHAT FILE
	local name=$1 cache=$T/cache-$1
	"$CAIRN" ls "$url" --cache "$cache" >"$T/$name.first"
	hold "$1" "$2" "$cache/$3"
	if ends "$name-ls" "$CAIRN" ls "$url" --cache "$cache" --timeout 3; then
		fail "$name: it was not held"
	fi
	blamed "$name-ls"
	kill -KILL "$holder"
	ends "$name-later" "$CAIRN" ls "$url" --cache "$cache"
}

with_lock turn flock meta/write.lock data &
parts=($!)
with_lock writer writer meta data &
parts+=($!)
with_lock readers reader meta sentence &
parts+=($!)
at_the_door opening opening meta &
parts+=($!)
at_the_door door flock lock &
parts+=($!)
for part in "${parts[@]}"; do
	wait "$part" || fail "a part failed"
done

# ---- who notes a key

"$HOLD" flock "$XDG_CONFIG_HOME/cairn/known_keys.lock" >"$T/keys.held" &
pids+=($!)
wait_until 20 grep -q held "$T/keys.held"
mkdir "$T/source2"
echo new >"$T/source2/file"
publish "$T/source2" "$T/store2"
if ends keys "$CAIRN" ls "file://$T/store2" --cache "$T/cache-keys"; then
	fail "a key was noted though somebody else was at it"
fi
kill "${pids[-1]}"

# ---- a prefetch that is stopped anywhere

# Stopped or over.
is_still() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null || true) in
	T* | Z* | '') return 0 ;;
	esac
	return 1
}

# One that works on the cache, and is stopped or killed within it.
victim() { # KIND CACHE MOUNT
	case $1 in
	prefetch) exec "$CAIRN" prefetch "$url" --cache "$2" ;;
	evict) exec "$CAIRN" cache evict --all --cache "$2" ;;
	repair) exec "$CAIRN" cache verify --repair --cache "$2" ;;
	mount) exec "$CAIRN" mount -f "$url" "$3" --cache "$2" ;;
	esac
}

is_mounted() { mountpoint -q "$1"; }

stop_one() { # ROUND SIGNAL KIND
	local cache=$T/cache-stop name=stop-$3 pid m=$T/mnt-stop-$1
	mkdir "$m"
	[ "$3" != prefetch ] || "$CAIRN" cache evict --all --cache "$cache" >/dev/null 2>&1
	set -m # in a process group of its own, as from a terminal
	victim "$3" "$cache" "$m" >/dev/null 2>&1 &
	pid=$!
	set +m
	pids+=("$pid")
	if [ "$3" = mount ] && wait_until 20 is_mounted "$m"; then
		cat "$m"/f* >/dev/null 2>&1 &
	fi
	sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
	kill "-$2" "$pid" 2>/dev/null || true
	wait_until 20 is_still "$pid" || fail "round $1: $2 does not stop a $3"
	if [ "$2" = TSTP ] && [ -e "$cache/meta/write.lock" ]; then
		# Ctrl-Z waits until nothing is held.
		flock -n "$cache/meta/write.lock" true || fail "round $1: stopped with the lock"
		flock -s -n "$cache/lock" true || fail "round $1: stopped in the door"
	fi
	# Beside it: a command, one that needs the cache, and a mount that was there before.
	ends "$name-info" "$CAIRN" cache info --cache "$cache" || true
	ends "$name-ls" "$CAIRN" ls "$url" --cache "$cache" --timeout 5 || true
	ends "$name-cat" "$CAIRN" cat "$url" f7 --cache "$cache" --timeout 5 &&
		cmp "$T/$name-cat.out" "$T/source/f7"
	ends "$name-read" cat "$T/mnt-beside/f$((1 + RANDOM % 12))" ||
		fail "round $1: the mount beside a $3 reads nothing"
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	# Whoever it held up goes on.
	ends "$name-after" "$CAIRN" cache info --cache "$cache" ||
		fail "round $1: after a killed $3: $(cat "$T/$name-after.err")"
	[ "$3" != mount ] || umount -l "$m" 2>/dev/null || fusermount3 -uz "$m"
}

mkdir "$T/mnt-beside"
"$CAIRN" mount "$url" "$T/mnt-beside" --cache "$T/cache-stop" --timeout 10 2>"$T/beside.mount"
kinds=(prefetch mount evict repair)
signals=(STOP TSTP KILL)
for round in $(seq "$rounds"); do
	stop_one "$round" "${signals[RANDOM % 3]}" "${kinds[RANDOM % 4]}"
done
"$CAIRN" umount "$T/mnt-beside"
