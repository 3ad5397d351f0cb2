#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A mirror of a store behind nginx: made by a copy that is killed again and again, followed
# while the publisher goes on, mounted. What is rotten at the source does not come over.
. "$(dirname "$0")/lib.sh"
need_program nginx

mkdir "$T/source"
for i in $(seq 200); do
	head -c $((i * 50)) /dev/urandom >"$T/source/small $i"
done
head -c 20000000 /dev/urandom >"$T/source/large"
ln "$T/source/large" "$T/source/second name"
publish "$T/source" "$T/store" --tag first
start_nginx "$T/store"
key=$(public_key)

same_stores() { # STORE STORE
	diff -r -x .lock "$1" "$2" >"$T/diff.out" || fail "$1 and $2: $(head -n 5 "$T/diff.out")"
}
copy() { "$CAIRN" copy "$URL" "$T/mirror" --cacert "$CACERT" --trust "$key" "$@"; }
# What readers see of it at any time: nothing, or all of a revision.
readable() {
	[ ! -e "$T/mirror/manifest.json" ] ||
		"$CAIRN" copy "$T/mirror" "$T/reread" --read-data --json >"$T/reread.out" ||
		fail "the mirror is not whole: $(tail -n 3 "$T/reread.out")"
	rm -rf "$T/reread"
}

# killed, at any moment, and begun again
kills=0
for delay in 0.01 0.03 0.05 0.08 0.12 0.2 0.3; do
	! is_quick || [ "$delay" != 0.3 ] || break
	copy >"$T/killed.out" 2>&1 &
	pid=$!
	sleep "$delay"
	! kill -KILL $pid 2>/dev/null || kills=$((kills + 1))
	wait $pid 2>/dev/null || true
	readable
done
copy >"$T/copy.out" 2>"$T/copy.err" || fail "copy: $(cat "$T/copy.err")"
say "killed $kills times"
grep -q "$key" "$T/copy.out" || fail "it does not say whose it is: $(cat "$T/copy.out")"
copy --tag first >/dev/null
same_stores "$T/store" "$T/mirror"
[ ! -e "$T/mirror/.unsynced" ] || fail "the mark of a copy is left"

# the publisher goes on, and so does the mirror; its tag, too
for round in 1 2; do
	echo "round $round" >>"$T/source/small 7"
	echo "round $round" >>"$T/source/large"
	publish "$T/source" "$T/store" --tag first
	requests=$(wc -l <"$T/nginx/access.log")
	copy --json >"$T/copy.out"
	grep -q '"whole":true,"revisions":1,"tags":1,' "$T/copy.out" || fail "$(cat "$T/copy.out")"
	requests=$(($(wc -l <"$T/nginx/access.log") - requests))
	[ $requests -lt 30 ] || fail "$requests requests for a small change"
	same_stores "$T/store" "$T/mirror"
done
requests=$(wc -l <"$T/nginx/access.log")
copy --json | grep -q '"revisions":0,"tags":0,"blobs":0,' || fail "something is new"
[ $(($(wc -l <"$T/nginx/access.log") - requests)) -lt 5 ] || fail "it asks for what it has"

# a mirror of the mirror, from a directory; and it mounts
expect 0 '' "$CAIRN" copy "$T/mirror" "file://$T/second"
same_stores "$T/store" "$T/second"
if [ -r /dev/fuse ] && [ -w /dev/fuse ]; then
	mount_at "file://$T/second" "$T/mnt" --trust "$key"
	compare "$T/source" "$T/mnt"
	unmount
fi

# another key, another dataset, and where nothing can be written
expect 1 'is signed by the key .* not one that is believed' "$CAIRN" copy "$T/store" "$T/third" \
	--trust ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
[ ! -e "$T/third" ] || fail "a store was left behind"
mkdir "$T/other source"
publish "$T/other source" "$T/other"
expect 1 'another dataset.*--replace' "$CAIRN" copy "$T/other" "$T/second"
expect 1 'can be read, but not written to' "$CAIRN" copy "$T/other" "$URL"
expect 1 'the same store' "$CAIRN" copy "$T/other" "$T/other/."
expect 1 'nothing was published' "$CAIRN" copy "$URL/blobs" "$T/third" --cacert "$CACERT"
same_stores "$T/store" "$T/second"

# rot at the source: what it is in is left out, and said; the rest comes
blob=$(cd "$T/store" && find blobs -type f -size +200k | head -n 1)
printf rot | dd of="$T/store/$blob" bs=1 seek=5000 conv=notrunc status=none
rm -rf "$T/third"
got=0
"$CAIRN" copy "$URL" "$T/third" --cacert "$CACERT" --json >"$T/copy.out" 2>&1 || got=$?
[ $got = 1 ] || fail "status $got of a copy from a rotten store"
grep -q "$blob" "$T/copy.out" || fail "it does not say what is rotten: $(cat "$T/copy.out")"
[ ! -e "$T/third/$blob" ] || fail "a rotten blob came over"
[ ! -e "$T/third/manifest.json" ] || fail "a manifest came over without its blobs"
# the mirror, which has it, is looked through and stays
got=0
copy --read-data >/dev/null 2>&1 || got=$?
[ $got = 0 ] || fail "a mirror that is whole needs nothing"
printf rot | dd of="$T/mirror/$blob" bs=1 seek=6000 conv=notrunc status=none
"$CAIRN" copy "$T/second" "$T/mirror" --read-data >/dev/null
same_stores "$T/second" "$T/mirror"
