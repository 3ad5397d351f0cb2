#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Servers that die, stall and lie: they stop only those who need them, and give no wrong
# byte.
. "$(dirname "$0")/../e2e/lib.sh"
need_fuse
need_program nginx

# What the proxy has sent to clients.
bytes_down() {
	"$PROXY" ctl "$T/proxy.sock" stats | sed 's/.* down \([0-9]*\) .*/\1/'
}

mkdir "$T/source"
numbers "$T/source/small-" 200 100
for i in 1 2 3 4 5; do head -c 6000000 /dev/urandom >"$T/source/big-$i"; done
publish "$T/source" "$T/store"
start_nginx "$T/store"
start_proxy "$PLAIN_PORT"
URL=http://127.0.0.1:$PROXY_PORT
m=$T/mnt
key=$(public_key)

# ---- a server that accepts and never answers: who waits for it does so for 300 s
mount_at "$URL" "$m" --trust "$key" --timeout 300
find "$m" -ls >/dev/null
cat "$m"/small-* >/dev/null
proxy fault blackhole
readers=()
for i in $(seq 24); do
	# a script's background jobs ignore SIGINT unless told otherwise
	env --default-signal=INT cat "$m/big-$((i % 3 + 1))" >/dev/null 2>&1 &
	readers+=($!)
done
sleep 0.5
begin=$(date +%s%N)
find "$m" -ls >/dev/null
cat "$m"/small-* | cmp - <(cat "$T/source"/small-*) || fail "cached files"
took=$((($(date +%s%N) - begin) / 1000000))
say "cached: find and cat took $took ms with ${#readers[@]} readers parked"
[ $took -lt 150000 ] || fail "parked readers stop the others"

# Ctrl-C ends a parked reader
for reader in "${readers[@]:0:12}"; do
	begin=$(date +%s%N)
	kill -INT "$reader"
	wait "$reader" 2>/dev/null || true
	took=$((($(date +%s%N) - begin) / 1000000))
	[ $took -lt 60000 ] || fail "an interrupted reader took $took ms to end"
done

# when the server comes back, the others go on
proxy fault none
for reader in "${readers[@]:12}"; do wait "$reader" || fail "a reader did not recover"; done
compare "$T/source" "$m"
unmount

# ---- a deadline
rm -rf "$T/cache"
mount_at "$URL" "$m" --trust "$key" --timeout 2 # by default 60
find "$m" -ls >/dev/null
proxy fault blackhole
begin=$SECONDS
! cat "$m/big-1" >/dev/null 2>"$T/err" || fail "read from a dead server"
grep -q 'timed out' "$T/err" || fail "not a timeout: $(cat "$T/err")"
[ $((SECONDS - begin)) -le 30 ] || fail "the deadline of 2 s took $((SECONDS - begin)) s"
# nobody listens
proxy fault refuse
! cat "$m/big-2" >/dev/null 2>"$T/err" || fail "read from no server"
grep -qiE 'unreachable|timed out' "$T/err" || fail "errno: $(cat "$T/err")"
[ "$(stat -c %s "$m/big-2")" = 6000000 ] || fail "stat needs no server"
proxy fault none
# a read that has just failed fails again for a second (fs/recent_failures.h)
wait_until 5 cmp -s "$m/big-2" "$T/source/big-2" || fail "the server is back"
unmount

# ---- servers that lie or break off: fetched again, right in the end
for fault in "flip 200000 3" "zero 300000 2" "truncate 150000 3" "reset 100000 3" \
	"flip 1000 1" "truncate 400 1"; do
	rm -rf "$T/cache"
	mount_at "$URL" "$m" --trust "$key" --timeout 60
	# shellcheck disable=SC2086 # words
	proxy fault $fault
	compare "$T/source" "$m"
	proxy fault none
	unmount
	"$CAIRN" cache verify --cache "$T/cache" >/dev/null || fail "$fault got into the cache"
done

# ---- a stalled transfer is given up and asked for again, within the deadline
rm -rf "$T/cache"
mount_at "$URL" "$m" --trust "$key" --timeout 60
find "$m" -ls >/dev/null
proxy fault stall 500000 1
begin=$SECONDS
cmp "$m/big-1" "$T/source/big-1" || fail "a stall"
say "a stalled transfer cost $((SECONDS - begin)) s"
unmount

# ---- a slow line: each blob takes longer than the time without progress, none is given up
rm -rf "$T/cache"
proxy delay 20
proxy rate 4000000
down=$(bytes_down)
"$CAIRN" prefetch --cache "$T/cache" --trust "$key" --timeout 4 "$URL" big-3 >/dev/null ||
	fail "prefetch over a slow line"
mount_at "$URL" "$m" --trust "$key" --timeout 4
head -c 2000000 "$m/big-4" | cmp - <(head -c 2000000 "$T/source/big-4") || fail "a slow read"
unmount
down=$(($(bytes_down) - down))
# big-3, and of big-4 what was read and read ahead before the end
[ $down -lt 14000000 ] || fail "over a slow line, $down bytes came for 8 MB"
proxy rate 0

# ---- far away: a round trip of 40 ms
proxy delay 20
rm -rf "$T/cache"
mount_at "$URL" "$m" --trust "$key"
compare "$T/source" "$m"
unmount
