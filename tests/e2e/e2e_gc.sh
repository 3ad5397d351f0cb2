#!/bin/bash
# SPDX-License-Identifier: MIT
# cairn gc on a directory: what goes and what stays, what readers of a pruned revision are
# told, killed at random moments beside publishers, after which every revision is whole and
# what none needs goes. Fault by fault: tests/unit/publish/test_gc.c.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
store=$T/store
here_url=file://$store

# change NUMBER: a state of the source, kept beside as what revision NUMBER has to be
change() {
	local i
	mkdir -p "$T/source"
	head -c 300000 /dev/urandom >"$T/source/large"
	for i in $((RANDOM % 20)) $((RANDOM % 20)); do
		head -c 20000 /dev/urandom >"$T/source/small-$i"
	done
	# What comes back is what a publisher finds listed to be deleted.
	if [ $((RANDOM % 2)) = 0 ] && [ -d "$T/states/$(($1 - 3))" ]; then
		cp "$T/states/$(($1 - 3))"/* "$T/source/"
	fi
	echo "$1" >"$T/source/number"
	mkdir -p "$T/states"
	cp -r "$T/source" "$T/states/$1"
}

revisions_there() { find "$store/revisions" -name '*.json' | sed 's,.*/,,; s,\.json,,' | sort -n; }

check_revisions() {
	local n
	for n in $(revisions_there); do
		rm -rf "$T/got" "$T/got-cache"
		"$CAIRN" get "$here_url" / "$T/got" --cache "$T/got-cache" --revision "$n" \
			>"$T/get.out" 2>&1 || fail "revision $n: $(cat "$T/get.out")"
		diff -r "$T/states/$n" "$T/got" >"$T/diff" || fail "revision $n: $(cat "$T/diff")"
	done
}

# ---- what goes and what stays
for n in 1 2 3 4; do
	change $n
	publish "$T/source" "$store" --tag "tag-$n"
done
rm "$store/tags/tag-1.json" "$store/tags/tag-3.json"
"$CAIRN" gc "$store" --keep 1 --grace 0 --dry-run >"$T/dry"
grep -q 'would remove revision 3 of' "$T/dry" || fail "dry: $(cat "$T/dry")"
[ "$(revisions_there | tr '\n' ' ')" = '1 2 3 4 ' ] || fail "a dry run is not dry"
"$CAIRN" gc "$store" --keep 1 --json >"$T/json"
grep -q '"dry_run": false' "$T/json" || fail "json: $(cat "$T/json")"
[ "$(revisions_there | tr '\n' ' ')" = '2 4 ' ] || fail "kept: $(revisions_there)"
before=$(find "$store/blobs" -type f | wc -l)
"$CAIRN" gc "$store" --keep 1 --grace 0 >"$T/out"
grep -q '^deleted:' "$T/out" || fail "nothing was deleted: $(cat "$T/out")"
[ "$(find "$store/blobs" -type f | wc -l)" -lt "$before" ] || fail "no blob has gone"
check_revisions
expect 2 'kept' "$CAIRN" gc "$store" --keep none
expect 2 'grace' "$CAIRN" gc "$store" --grace soon
expect 1 'https' "$CAIRN" gc https://127.0.0.1/store --keep 1
expect 1 'store|exist|No such' "$CAIRN" gc "$T/nowhere" --keep 1

# ---- two steps: listed, and deleted when the list is old enough
change 5
publish "$T/source" "$store"
find "$store/blobs" -type f -exec touch -d '5 days ago' {} +
"$CAIRN" gc "$store" --keep 1 --no-keep-tags >"$T/out"
grep -q '^removing tag tag-2 of revision 2$' "$T/out" || fail "no tag goes: $(cat "$T/out")"
grep -q '^listed:' "$T/out" || fail "nothing is listed: $(cat "$T/out")"
"$CAIRN" gc "$store" >"$T/out"
grep -q '^waiting:' "$T/out" || fail "nothing waits: $(cat "$T/out")"
find "$store/tombstones" -type f -exec touch -d '3 days ago' {} +
# What is published again is put again, and stays.
rm -rf "$T/source"
cp -r "$T/states/4" "$T/source"
cp -r "$T/source" "$T/states/6"
publish "$T/source" "$store" --no-index
"$CAIRN" gc "$store" >"$T/out"
grep -q '^deleted:' "$T/out" || fail "nothing is deleted: $(cat "$T/out")"
[ -z "$(ls "$store/tombstones")" ] || fail "lists are left"
check_revisions

# ---- readers of what was pruned
change 7
publish "$T/source" "$store" --tag old
mkdir "$T/pruned"
"$CAIRN" mount "$here_url" "$T/pruned" --cache "$T/cache" --tag old -f 2>"$T/mount.log" &
pids+=("$!")
wait_until 20 mountpoint -q "$T/pruned" || fail "not mounted: $(cat "$T/mount.log")"
ls "$T/pruned" >"$T/listing"
change 8
publish "$T/source" "$store"
"$CAIRN" gc "$store" --keep 1 --no-keep-tags --grace 0 >"$T/out"
! cat "$T/pruned/large" >"$T/large" 2>&1 || fail "a pruned file is read without a cache"
wait_until 20 grep -q 'pruned' "$T/mount.log" || fail "the mount does not say why: $(cat "$T/mount.log")"
unmount "$T/pruned"
for command in 'cat @ /number' 'prefetch @' 'ls @ /' "mount @ $T/mnt"; do
	# shellcheck disable=SC2086 # words
	expect 1 'pruned.*newest is 8' "$CAIRN" ${command/@/$here_url} --cache "$T/cache" --revision 7
done
expect 1 'no revision 99' "$CAIRN" cat "$here_url" /number --cache "$T/cache" --revision 99

# ---- killed anywhere, beside publishers
kills=5
if is_quick; then kills=2; fi
if is_long; then kills=300; fi
killed=0 number=8
for _ in $(seq $kills); do
	number=$((number + 1))
	change $number
	(until "$CAIRN" publish "$T/source" "$store" >"$T/beside" 2>&1; do
		grep -q 'being written to' "$T/beside" || exit 1
		sleep 0.01
	done) &
	publisher=$!
	"$CAIRN" gc "$store" --keep 2 --grace 0 >"$T/gc.out" 2>&1 &
	pid=$!
	sleep "0.$((RANDOM % 2))$((RANDOM % 10))$((RANDOM % 10))"
	kill -KILL $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null || true
	wait $publisher || fail "a publisher beside a killed gc: $(cat "$T/beside")"
	check_revisions
done
"$CAIRN" gc "$store" --keep 2 --grace 0 >"$T/out"
check_revisions
[ "$(revisions_there | wc -l)" = 2 ] || fail "left: $(revisions_there)"
"$CAIRN" gc "$store" --keep 2 --grace 0 --json >"$T/json"
python3 - "$T/json" "$store" <<'END'
import json, os, sys
told = json.load(open(sys.argv[1]))
there = sum(len(files) for _, _, files in os.walk(sys.argv[2] + "/blobs"))
assert told["needed"]["blobs"] == there, (told, there)
assert told["deleted"]["blobs"] == 0, told
END
say "$killed of $kills killed"
