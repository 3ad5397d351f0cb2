#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A directory is published while it is in use: names come and go, files are written and
# replaced. What is unreadable is told of, all of it, or left out on demand. Files without
# a size, and mounts that nobody may look at.
. "$(dirname "$0")/lib.sh"

s=$T/source
mkdir -p "$s"
numbers "$s/still-" 40
"$CAIRN" key make >/dev/null 2>&1

# ---- names come and go
# churn NUMBER: makes, replaces, links, renames and removes files and directories for ever
churn() {
	local i=0 d
	trap - ERR EXIT
	set +eE
	while :; do
		i=$((i + 1))
		d=$s/churn-$1/$((RANDOM % 8))
		mkdir -p "$d/sub"
		echo "$i" >"$d/new-$1" && mv "$d/new-$1" "$d/file-$((RANDOM % 20))"
		echo "$i" >"$d/sub/other-$((RANDOM % 20))"
		ln -f "$d/file-$((RANDOM % 20))" "$d/link-$((RANDOM % 20))"
		rm -f "$d/file-$((RANDOM % 20))" "$d/link-$((RANDOM % 20))"
		[ $((i % 7)) != 0 ] || rm -rf "$s/churn-$1/$((RANDOM % 8))"
		[ $((i % 5)) != 0 ] || mv -T "$d" "$s/churn-$1/$((RANDOM % 8))"
		[ $((i % 11)) != 0 ] || ln -sfn "$i" "$s/churn-$1/$((RANDOM % 8))-link"
	done 2>/dev/null
}
churn 1 & pids+=("$!")
churn 2 & pids+=("$!")
wait_until 20 test -d "$s/churn-1/3"
rounds=20
! is_quick || rounds=6
for i in $(seq $rounds); do
	publish "$s" "$T/store" --no-index
	"$CAIRN" get "$T/store" /still-40 "$T/still-40" >/dev/null 2>&1
	cmp "$s/still-40" "$T/still-40" || fail "what nobody touches is another"
	rm "$T/still-40"
done
stop "${pids[0]}"
stop "${pids[1]}"
say "$rounds publishes of a tree in use, the last: $(tail -n 1 "$T/publish.out")"
# every file of the last one is whole
"$CAIRN" get "$T/store" / "$T/all" >"$T/get.out" 2>&1 || fail "$(cat "$T/get.out")"
# and at rest it is what is there
publish "$s" "$T/store" --no-index
rm -rf "$T/all"
"$CAIRN" get "$T/store" / "$T/all" >"$T/get.out" 2>&1 || fail "$(cat "$T/get.out")"
compare "$s" "$T/all"

# ---- files without a size, and one that is shorter than it says
if [ -r /proc/sys/kernel/ostype ]; then
	publish /proc/sys/kernel "$T/proc" --name proc --exclude '*' --include ostype \
		--include version
	for i in ostype version; do
		"$CAIRN" cat "$T/proc" $i 2>/dev/null | cmp - /proc/sys/kernel/$i || fail "/proc: $i"
	done
fi
if [ -r /sys/kernel/mm/transparent_hugepage/enabled ]; then
	publish /sys/kernel/mm/transparent_hugepage "$T/sys" --name sys --exclude '*' \
		--include enabled
	"$CAIRN" cat "$T/sys" enabled 2>/dev/null |
		cmp - /sys/kernel/mm/transparent_hugepage/enabled || fail "/sys: enabled"
fi

is_root || exit 0

# ---- what may not be read: as another user
user=65534
chmod 711 "$T"
mkdir "$T/closed" "$T/closed/directory" "$T/user"
for i in $(seq 120); do echo "$i" >"$T/closed/file-$i"; done
echo open >"$T/closed/open"
chown -R $user "$T/closed" "$T/user"
chmod 000 "$T"/closed/file-* "$T/closed/directory"
as_user() { setpriv --reuid $user --regid $user --clear-groups env HOME="$T/user" \
	XDG_CONFIG_HOME="$T/user" XDG_CACHE_HOME="$T/user" XDG_RUNTIME_DIR="$T/user" "$@"; }
if as_user true 2>/dev/null && as_user "$CAIRN" key make >/dev/null 2>&1; then
	expect 1 '121 names.*and 117 more' as_user "$CAIRN" publish "$T/closed" "$T/user/store"
	[ "$(grep -c "^cairn: cannot read" "$T/expect.err")" = 100 ] || fail "not 100 are named"
	grep -q '^cairn: and 21 more' "$T/expect.err" || fail "the rest is not counted"
	[ ! -e "$T/user/store/manifest.json" ] || fail "published without a word"
	expect 3 'file-120.*permission' as_user "$CAIRN" publish "$T/closed" "$T/user/store" \
		--skip-unreadable --json
	for i in $(seq 120); do
		grep -q "^cairn: cannot read 'file-$i': permission denied" "$T/expect.err" ||
			fail "file-$i is not told of"
		grep -q "\"file-$i\"" "$T/expect.out" || fail "file-$i is not in the JSON"
	done
	grep -q '"unreadable_count": 121' "$T/expect.out" || fail "$(head -n 30 "$T/expect.out")"
	expect 0 '' as_user "$CAIRN" publish "$T/closed" "$T/user/store" --exclude 'file-*' \
		--exclude directory/
fi

# ---- a mount of another user's, which root may not look at; nobody answers there
[ -e /dev/fuse ] && unshare_works || exit 0
mkdir "$T/with" "$T/with/theirs" "$T/with-store"
echo here >"$T/with/here"
theirs="exec 9<>/dev/fuse && mount -i -t fuse \
	-o fd=9,rootmode=040000,user_id=$user,group_id=$user theirs '$T/with/theirs'"
in_namespace "$theirs" sh -c "! stat '$T/with/theirs'" >/dev/null 2>&1 || exit 0
expect 1 "theirs.*another user's FUSE mount" in_namespace "$theirs" \
	"$CAIRN" publish "$T/with" "$T/with-store"
expect 3 "theirs" in_namespace "$theirs" "$CAIRN" publish "$T/with" "$T/with-store" --skip-unreadable
in_namespace "$theirs" "$CAIRN" publish "$T/with" "$T/with-store" --exclude theirs/ >/dev/null
in_namespace "$theirs" "$CAIRN" publish "$T/with" "$T/with-store" --one-file-system >/dev/null
"$CAIRN" ls "$T/with-store" -l / >"$T/ls" 2>/dev/null
grep -q '^d.*theirs' "$T/ls" || fail "no empty directory: $(cat "$T/ls")"
