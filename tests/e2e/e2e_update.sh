#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Publishing again writes only what changed; old revisions and tags stay mountable.
. "$(dirname "$0")/lib.sh"
need_fuse

blobs() { find "$1/blobs" -type f -printf '%s %P\n' | sort; }
bytes() { awk '{ n += $1 } END { print n + 0 }'; }
root_digest() { grep -oE '"root": *"[0-9a-f]{64}"' "$1/manifest.json"; }

if is_quick; then sample_tree "$T/source" 2000 20; else sample_tree "$T/source" 5000 50; fi
publish "$T/source" "$T/store" --name sample --tag first --message "the first"
blobs "$T/store" >"$T/blobs1"
cp "$T/store/manifest.json" "$T/manifest1"

# the same again, by other paths to it: nothing new
publish "$T/source" "$T/store"
blobs "$T/store" | cmp - "$T/blobs1" || fail "publishing twice wrote blobs"
cmp "$T/store/manifest.json" "$T/manifest1" || fail "publishing twice made a revision"
# their times of change become new, and nothing else
find "$T/source" -type f | awk 'NR % 7 == 0' | tr '\n' '\0' | xargs -0 chmod u+r
publish "$T/source" "$T/store"
blobs "$T/store" | cmp - "$T/blobs1" || fail "reading unchanged files again wrote blobs"

# for programs: what was published, and where
"$CAIRN" publish "$T/source" "$T/store" --json >"$T/json"
grep -qF "\"store\": \"$T/store\"" "$T/json" || fail "no store in $(cat "$T/json")"
grep -qE '"new_blobs": 0,' "$T/json" || fail "new blobs in $(cat "$T/json")"

# the same root, whatever the number of threads
publish "$T/source" "$T/store-1" --jobs 1
publish "$T/source" "$T/store-7" --jobs 7
[ "$(root_digest "$T/store-1")" = "$(root_digest "$T/store-7")" ] || fail "root depends on jobs"
[ "$(root_digest "$T/store-1")" = "$(root_digest "$T/store")" ] || fail "root depends on history"

# 1% of the files edited
cp -a "$T/source" "$T/old"
find "$T/source" -type f -size +0 | sort | awk 'NR % 100 == 50' >"$T/edited"
while read -r file; do echo "/* edited */" >>"$file"; done <"$T/edited"
edited=$(tr '\n' '\0' <"$T/edited" | xargs -0 cat | gzip -6 | wc -c)
publish "$T/source" "$T/store" --tag second
blobs "$T/store" >"$T/blobs2"
new=$(comm -13 "$T/blobs1" "$T/blobs2" | bytes)
all=$(bytes <"$T/blobs1")
say "$(wc -l <"$T/edited") files edited ($edited bytes compressed): $new new bytes on $all"
[ "$(comm -23 "$T/blobs1" "$T/blobs2" | wc -l)" = 0 ] || fail "blobs were removed"
limit=$((2 * edited + all / 100))
# 1% for pages presumes some size: in a small tree each edit has a page to itself
if is_quick; then limit=$((limit + 4096 * $(wc -l <"$T/edited"))); fi
[ "$new" -le $limit ] || fail "an edit of 1% is too expensive"

start_serve "$T/store"
mount_url
compare "$T/source" "$T/mnt"
unmount
for option in "--revision 1" "--tag first"; do
	# shellcheck disable=SC2086 # an option and its value
	mount_url $option
	compare "$T/old" "$T/mnt"
	unmount
done
mount_url --tag second
compare "$T/source" "$T/mnt"
unmount

# with the user's own cache, which publishing must not have got in the way of
expect 1 'revision' "$CAIRN" ls "$URL" --cacert "$CACERT" --revision 9
expect 1 'tag' "$CAIRN" ls "$URL" --cacert "$CACERT" --tag third
