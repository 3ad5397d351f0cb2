#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A server of HTTP/2 that sends on all streams at once what fits into the client's windows,
# or what it never announced: right bytes or an errno, and the memory that was allowed.
. "$(dirname "$0")/../e2e/lib.sh"
need_fuse
need_program python3
python3 -c 'import ctypes; ctypes.CDLL("libnghttp2.so.14")' 2>/dev/null || skip "libnghttp2 is missing"
here=$(dirname "$0")

faults="endless header"
count=8 size=2400000
if is_long; then
	faults="over endless header interim padding trailer pings silent"
	count=400 size=30000000
fi
mkdir -p "$T/source" "$T/nginx"
for i in $(seq $count); do head -c $((i % 40 * 10000 + 1000)) /dev/urandom >"$T/source/small-$i"; done
for i in 1 2 3; do head -c $size /dev/urandom >"$T/source/big-$i"; done
publish "$T/source" "$T/store"
make_certificate
cat "$T/nginx/cert.pem" "$T/nginx/key.pem" >"$T/nginx/both.pem"
python3 "$here/http2_server.py" --store "$T/store" --certificate "$T/nginx/both.pem" \
	--fault-file "$T/fault" --url-file "$T/url" &
pids+=($!)
wait_until 20 test -s "$T/url" || fail "the server does not start"

# All files at once. kB of memory that the mount had at most.
read_all() {
	local f readers=()
	for f in "$T/source"/*; do
		timeout 120 cmp -s "$f" "$T/mnt/${f##*/}" 2>/dev/null &
		readers+=($!)
	done
	good=0
	for f in "${readers[@]}"; do
		wait "$f" && good=$((good + 1)) || [ $? != 124 ] || fail "a read with $1 does not end"
	done
	peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$(daemon_pids | head -n 1)/status")
}
for fault in $faults none; do
	echo none >"$T/fault"
	rm -rf "$T/cache"
	"$CAIRN" mount "$(cat "$T/url")" "$T/mnt" --cacert "$T/nginx/ca.pem" --cache "$T/cache" \
		-o memory=16M,timeout=2 2>/dev/null || fail "no mount over HTTP/2"
	ls "$T/mnt" >/dev/null
	echo "$fault" >"$T/fault"
	read_all "$fault"
	say "$fault: $good good, at most $peak kB"
	# 16 MB, and what a mount takes that holds nothing.
	grep -aq '__[at]san_init' "$CAIRN" || [ "$peak" -lt 65536 ] || fail "$peak kB with memory=16M"
	[ "$fault" != none ] || [ $good = $((count + 3)) ] || fail "not all could be read"
	unmount
done
