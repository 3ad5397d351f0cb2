#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The same contents give the same root digest: from two checkouts made at other times, with
# other umasks, by other users. What of a tree is published, and what becomes of it.
. "$(dirname "$0")/lib.sh"
need_program git

"$CAIRN" key make >/dev/null 2>&1
root_of() { sed -n 's/.*"root": "\(.*\)".*/\1/p' "$1"; }
as_json() { "$CAIRN" publish --json "$@" >"$T/json" 2>"$T/publish.err" || fail "$(cat "$T/publish.err")"; }

# ---- a repository, and two checkouts of it
git init -q "$T/repository"
numbers "$T/repository/file-" 30
mkdir -p "$T/repository/src/deep" "$T/repository/build"
echo 'int main(void);' >"$T/repository/src/deep/a.c"
printf '#!/bin/sh\n' >"$T/repository/run"
chmod 755 "$T/repository/run"
ln -s run "$T/repository/link"
git -C "$T/repository" add -A
git -C "$T/repository" -c user.name=x -c user.email=x@example.com commit -qm one
SOURCE_DATE_EPOCH=$(git -C "$T/repository" log -1 --format=%ct)
(umask 022 && git clone -q "$T/repository" "$T/one")
(umask 077 && git clone -q "$T/repository" "$T/two")
find "$T/two" -exec touch -hd '2030-01-02 03:04:05.678' {} +
! is_root || chown -hR 12:34 "$T/two"
! is_root || git config --global --add safe.directory '*'

same=(--exclude .git/ --owner 0 --group 0 --mode a=rX,u+w)
as_json "$T/one" "$T/store-1" --name repository "${same[@]}"
first=$(root_of "$T/json")
as_json "$T/two" "$T/store-2" --name repository "${same[@]}"
[ "$first" != "$(root_of "$T/json")" ] || fail "times make no difference"
export SOURCE_DATE_EPOCH
as_json "$T/one" "$T/store-3" --name repository "${same[@]}"
first=$(root_of "$T/json")
as_json "$T/two" "$T/store-4" --name repository "${same[@]}"
[ "$first" = "$(root_of "$T/json")" ] || fail "two checkouts, two roots"
# when it was made is not told either
made=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
grep -q "\"created\": *\"$made\"" "$T/store-4/manifest.json" || fail "$(cat "$T/store-4/manifest.json")"
# what is older than that stays
touch -hd '2001-02-03' "$T/two/file-1"
as_json "$T/two" "$T/store-4" "${same[@]}"
"$CAIRN" get "$T/store-4" / "$T/got" 2>/dev/null
[ "$(date -u -r "$T/got/file-1" +%F)" = 2001-02-03 ] || fail "an older file became newer"
[ "$(date -u -r "$T/got/file-2" +%s)" = "$SOURCE_DATE_EPOCH" ] || fail "a newer one did not become older"
unset SOURCE_DATE_EPOCH
as_json "$T/one" "$T/store-5" --name repository "${same[@]}" --mtime 2020-01-01
first=$(root_of "$T/json")
as_json "$T/two" "$T/store-6" --name repository "${same[@]}" --mtime @1577836800
[ "$first" = "$(root_of "$T/json")" ] || fail "--mtime: two roots"
SOURCE_DATE_EPOCH=yesterday expect 2 'SOURCE_DATE_EPOCH' "$CAIRN" publish "$T/one" "$T/store-5"
expect 2 '--mode' "$CAIRN" publish "$T/one" "$T/store-5" --mode u=z
expect 2 '--owner' "$CAIRN" publish "$T/one" "$T/store-5" --owner 'no one'

# ---- a .gitignore, as git has it
cd "$T/one"
printf 'build/\n*.o\n!keep.o\n# a comment\n/src/deep/*.tmp\n' >.gitignore
mkdir -p build/inner src/build
touch build/inner/x src/build/y src/a.o src/keep.o src/deep/1.tmp src/1.tmp build.o
publish . "$T/ignored" --exclude .git/ --exclude-from .gitignore
"$CAIRN" get "$T/ignored" / "$T/taken" 2>/dev/null
(cd "$T/taken" && find . ! -type d | sort) >"$T/ours"
git ls-files -co --exclude-standard | sed 's,^,./,' | sort >"$T/theirs"
cmp "$T/ours" "$T/theirs" || fail "not what git takes: $(diff "$T/ours" "$T/theirs")"
[ ! -e "$T/taken/build" ] || fail "an excluded directory"
publish . "$T/ignored" --exclude .git/ --exclude-from - --include /build/inner/ <.gitignore
"$CAIRN" ls "$T/ignored" /build 2>/dev/null | grep -q inner || fail "what is included is not there"
expect 2 'pattern' "$CAIRN" publish . "$T/ignored" --exclude '[a'
expect 2 'nowhere' "$CAIRN" publish . "$T/ignored" --exclude-from "$T/nowhere"

# ---- what would change: nothing is written, and it is what then happens
mkdir "$T/tree" "$T/nobody"
numbers "$T/tree/file-" 20
XDG_CONFIG_HOME=$T/nobody "$CAIRN" publish "$T/tree" "$T/dry" --dry-run --verbose >"$T/said-dry"
grep -q '^added  *file-20$' "$T/said-dry" || fail "$(cat "$T/said-dry")"
grep -q '^would publish revision 1 .*: 21 added$' "$T/said-dry" || fail "$(cat "$T/said-dry")"
[ ! -e "$T/dry" ] && [ -z "$(ls "$T/nobody")" ] || fail "a dry run made something"
publish "$T/tree" "$T/dry"
all_of() { find "$T/dry" -type f -exec sha256sum {} + | sort; }
all_of >"$T/before"
echo "quite another" >"$T/tree/file-3"
touch -d 2001-01-01 "$T/tree/file-4"
rm "$T/tree/file-5"
ln -s x "$T/tree/link"
expect 0 '' "$CAIRN" publish "$T/tree" "$T/dry" -n -v
for line in '^content  *file-3  (size, data, mtime)$' '^attributes  *file-4  (mtime)$' \
	'^removed  *file-5$' '^added  *link$' 'revision 2 .*: 1 added, 1 removed, 1 content, 2 attr'; do
	grep -q "$line" "$T/expect.out" || fail "not '$line' in $(cat "$T/expect.out")"
done
expect 0 '' "$CAIRN" publish "$T/tree" "$T/dry" --dry-run --json
[ "$(grep -c '^{"kind":' "$T/expect.out")" = 5 ] || fail "$(cat "$T/expect.out")"
all_of | cmp - "$T/before" || fail "a dry run wrote to the store"
tail -n 1 "$T/expect.out" | tr ',' '\n' | grep '"\(root\|new_blobs\|new_bytes\|stored\)"' >"$T/would"
"$CAIRN" publish "$T/tree" "$T/dry" --json | tr -d ' \n' | tr ',' '\n' |
	grep '"\(root\|new_blobs\|new_bytes\|stored\)"' | cmp - "$T/would" || fail "it was another"
expect 0 '' "$CAIRN" publish "$T/tree" "$T/dry" -n
grep -q '^nothing would change: revision 2 ' "$T/expect.out" || fail "$(cat "$T/expect.out")"

# ---- what a manifest says
publish . "$T/said" --expires 30d --mirror https://a.example/x --mirror https://b.example/x \
	--tag v1 --tag stable
grep -q '"expires"' "$T/said/manifest.json" || fail "no expiry"
grep -q 'https://b.example/x' "$T/said/manifest.json" || fail "no mirror"
[ -e "$T/said/tags/v1.json" ] && [ -e "$T/said/tags/stable.json" ] || fail "no tags"
publish . "$T/said" # and once more without an expiry; the mirrors stay
! grep -q '"expires"' "$T/said/manifest.json" || fail "an expiry that nobody gave"
grep -q 'https://b.example/x' "$T/said/manifest.json" || fail "no mirror any more"
publish . "$T/said" --no-mirrors
! grep -q 'https://b.example/x' "$T/said/manifest.json" || fail "still a mirror"
expect 2 'passed' "$CAIRN" publish . "$T/said" --expires 2001-01-01
expect 1 'mirror' "$CAIRN" publish . "$T/said" --mirror here
