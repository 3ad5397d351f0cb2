#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is wrong with a store is found and named: what was cut without reading it, what was
# flipped by reading it; mended from a mirror or from the source, killed meanwhile or not.
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/source/deep/er"
for i in $(seq 100); do
	head -c $((i * 90)) /dev/urandom >"$T/source/deep/small $i"
done
head -c 6000000 /dev/urandom >"$T/source/deep/er/large"
publish "$T/source" "$T/store" --tag first
echo changed >"$T/source/deep/small 7"
publish "$T/source" "$T/store" --tag second
cp -a "$T/store" "$T/mirror"
key=$(public_key)

check() { "$CAIRN" check "$T/store" "$@" >"$T/check.out" 2>"$T/check.err"; }
finds() { # STATUS PATTERN [OPTION...]
	local want=$1 pattern=$2 got=0
	shift 2
	check "$@" || got=$?
	[ $got = "$want" ] || fail "status $got: $(cat "$T/check.out" "$T/check.err")"
	grep -qE -- "$pattern" "$T/check.out" || fail "no '$pattern' in: $(cat "$T/check.out")"
}
# The largest blobs are those of the large file.
blob=$(cd "$T/store" && find blobs -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
flip() { printf rot | dd of="$T/store/$blob" bs=1 seek=5000 conv=notrunc status=none; }

finds 0 'looked at 2 revisions, 2 tags, [0-9]+ blobs'
finds 0 '"about":"store","weight":"good".*"rotten":0.*"listed":true' --json --read-data --trust "$key"
[ "$(wc -l <"$T/check.out")" = 1 ] || fail "more than a summary: $(cat "$T/check.out")"

# cut: seen by its size and frame
truncate -s -100 "$T/store/$blob"
finds 1 "^wrong +revision 2: deep/er/large: cannot be read"
grep -q "$blob" "$T/check.out" || fail "it does not name the blob"
grep -q 'cairn check: .* rotten or missing, which hits 2 files' "$T/check.err" || fail "$(cat "$T/check.err")"
finds 1 '"about":"file","weight":"wrong".*"revision":1,"file":"deep/er/large"' --json
# from the source, whose bytes are looked at
finds 0 "$blob|put together again" --repair --from "$T/source"
finds 0 'looked at' --read-data

# flipped: seen by reading
flip
finds 0 'looked at'
finds 1 "^wrong .*$blob" --read-data
start_serve "$T/mirror"
finds 0 '1 of 1 were mended' --read-data --repair --from "$URL" --cacert "$CACERT"
finds 0 'looked at' --read-data
# the URL itself: the site, then the store
"$CAIRN" check "$URL" --cacert "$CACERT" --read-data=50 >"$T/check.out" || fail "$(cat "$T/check.out")"
grep -q '^good ' "$T/check.out" && grep -q '^looked at 2 revisions' "$T/check.out" ||
	fail "$(cat "$T/check.out")"
"$CAIRN" check "$URL" --cacert "$CACERT" --site >"$T/check.out"
! grep -q '^looked at' "$T/check.out" || fail "--site looks at the store"
expect 1 'is not on a server' "$CAIRN" check "$T/store" --site
expect 2 '--from goes with --repair' "$CAIRN" check "$T/store" --from "$T/mirror"

# all is rotten, and the repair is killed again and again
find "$T/store/blobs" -type f | while read -r file; do truncate -s -1 "$file"; done
for delay in 0.02 0.05 0.1; do
	"$CAIRN" check "$T/store" --repair --from "$T/mirror" >/dev/null 2>&1 &
	pid=$!
	sleep "$delay"
	kill -KILL $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
done
finds 0 'mended' --repair --from "$T/mirror" --read-data
finds 0 'looked at' --read-data

# a tag that moved, a manifest that is gone, a revision that is another
sed -i 's/"revision":1/"revision":2/' "$T/store/tags/first.json"
finds 1 '^wrong .*tags/first.json'
rm "$T/store/manifest.json"
finds 1 '^wrong .*manifest.json'
cp "$T/store/revisions/2.json" "$T/store/revisions/1.json"
finds 1 '^wrong .*revisions/1.json'
finds 0 'mended' --repair --from "$T/mirror"
finds 0 'looked at 2 revisions, 2 tags'

# what nothing refers to
mkdir -p "$T/store/blobs/00"
cp "$T/store/$blob" "$T/store/blobs/00/$(printf '0%.0s' $(seq 62))"
finds 0 '^advice +blobs/00/0+: no revision refers to it'
finds 0 '^1 blobs .* are referred to by no revision'
