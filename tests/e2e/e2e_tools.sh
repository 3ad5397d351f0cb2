#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ls, cat, get and stat show the same tree without FUSE.
. "$(dirname "$0")/lib.sh"

mkdir "$T/source"
"$ODDTREE" "$T/source" kinds links order levels sizes sparse modes times xattrs
sample_tree "$T/source/sample" 800 10
publish "$T/source" "$T/store"
start_serve "$T/store"
"$CAIRN" check "$URL" --cacert "$CACERT" --trust "$(public_key)" --json >"$T/check.out" ||
	fail "check: $(cat "$T/check.out")"
! grep -vq '"weight":"good"' "$T/check.out" || fail "check: $(cat "$T/check.out")"
tool() { "$CAIRN" "$1" "$URL" --cacert "$CACERT" --cache "$T/cache" "${@:2}"; }

tool ls -R >"$T/ls"
diff <(sort "$T/ls") <(find "$T/source" -mindepth 1 -printf '%P\n' | sort) ||
	fail "ls -R lists another tree"
diff <(tool ls order | sort) <(find "$T/source/order" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort) ||
	fail "ls of a directory"

for file in kinds/file kinds/empty-file sizes/random-131073 sizes/random-41943040 \
	sparse/many-holes; do
	tool cat "$file" | cmp - "$T/source/$file" || fail "cat $file"
done

tool get "" "$T/all" || fail "get of everything"
compare "$T/source" "$T/all"
tool get sizes/random-4097 "$T/one" || fail "get of a file"
cmp "$T/one" "$T/source/sizes/random-4097"

tool stat sizes/random-2097153 >"$T/stat"
grep -q 2097153 "$T/stat" || fail "stat does not tell the size"
grep -q "$(sha256sum <"$T/source/sizes/random-2097153" | cut -c 1-64)" "$T/stat" ||
	fail "stat does not tell the digest"
grep -q '"target": *"file"' <<<"$(tool stat --json kinds/symlink)" || fail "stat --json of a symlink"

expect 1 'no/such' tool ls no/such
expect 1 'no/such' tool cat no/such
expect 1 'not a file|director' tool cat order
expect 1 'exist.*name a destination' tool get sizes/random-4097 "$T/one"

# A dataset may be called what it likes, but leads nobody out of the directory he is in.
mkdir -p "$T/few/d" "$T/here"
echo text >"$T/few/d/file"
publish "$T/few" "$T/strays" --name ../elsewhere
get_strays() (cd "$T/here" && "$CAIRN" get "file://$T/strays" / "$@")
expect 1 'no name for a directory: give a DESTINATION' get_strays
[ ! -e "$T/elsewhere" ] || fail "get wrote outside of the directory it was in"
get_strays copy || fail "get with a destination"
cmp "$T/here/copy/d/file" "$T/few/d/file"
