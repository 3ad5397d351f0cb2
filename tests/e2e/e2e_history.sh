#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The history of a store: log, show, diff, tag and rollback, on its directory and on a
# server; and what is left when they are killed at each of their steps, or meet each other.
. "$(dirname "$0")/lib.sh"

s=$T/source st=$T/store

# ---- four revisions

mkdir -p "$s/dir/sub" "$s/gone"
(cd "$s/dir" && seq 2000 | xargs touch)
numbers "$s/n" 20
head -c 132000 /dev/urandom >"$s/large"
touch -d 2020-01-01 "$s/quiet"
ln -s n1 "$s/link"
echo x >"$s/gone/x"
publish "$s" "$st" -m $'the first\nof \e[31m four' --tag first
cp -a "$s" "$T/one"

echo more >>"$s/n3"
rm -r "$s/gone" "$s/n4"
chmod 600 "$s/quiet"
ln -sf n2 "$s/link"
mkdir "$s/new"
echo n >"$s/new/n"
rm "$s/n5" && mkdir "$s/n5"
publish "$s" "$st"
touch -d 2021-01-01 "$s/dir/7"
publish "$s" "$st" --tag third
dd if=/dev/zero of="$s/large" bs=100 count=1 seek=1000 conv=notrunc status=none
publish "$s" "$st"
cp -a "$s" "$T/four"

# ---- log and show

"$CAIRN" log "$st" >"$T/log"
[ "$(grep -o '^revision [0-9]*' "$T/log" | tr -d 'a-z\n')" = ' 4 3 2 1' ] || fail "log: $(cat "$T/log")"
grep -q '^revision 1  .*Z  tags: first$' "$T/log" || fail "log has no tag"
grep -q '^    of ?\[31m four$' "$T/log" || fail "log lets a message steer the terminal"
[ "$("$CAIRN" log "$st" -n 2 | grep -c '^revision')" = 2 ] || fail "log -n"
"$CAIRN" log "$st" --json >"$T/log.json"
[ "$(wc -l <"$T/log.json")" = 4 ] || fail "log --json"
"$CAIRN" show "$st" third >"$T/show"
grep -q '^revision: 3$' "$T/show" || fail "show by tag"
grep -qF "key: $(public_key)" "$T/show" || fail "show has no key"
[ "$(sed -n 's/^previous: //p' "$T/show")" = "$(sha256sum <"$st/revisions/2.json" | cut -d ' ' -f 1)" ] ||
	fail "show: the one before"
[ "$(sed -n 's/^manifest: //p' "$T/show")" = "$(sha256sum <"$st/revisions/3.json" | cut -d ' ' -f 1)" ] ||
	fail "show: its own digest"
cd "$T" # a store is a path like any other
"$CAIRN" show store 2 | grep -q '^revision: 2$' || fail "show of a relative path"
"$CAIRN" show store --json | grep -q '"tags": \[\]' || fail "show --json"
expect 1 'has no revision 9' "$CAIRN" show store 9
expect 1 'has no tag "nine"' "$CAIRN" show store nine
expect 1 'signed by that key' "$CAIRN" log store --trust ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA

# ---- diff

"$CAIRN" diff "$st" 1 2 >"$T/diff"
cat >"$T/wanted" <<END
attributes  .  (mtime, links)
removed     gone
content     link  (target, mtime)
content     n3  (size 6 B -> 11 B, data, mtime)
removed     n4  (8 B)
type        n5  (file -> directory)
added       new
attributes  quiet  (mode 0644 -> 0600)
removed     gone/x  (2 B)
added       new/n  (2 B)
END
diff "$T/wanted" "$T/diff" || fail "diff"
[ "$("$CAIRN" diff "$st" 3)" = 'content     large  (data, mtime)' ] || fail "diff with the newest"
[ "$("$CAIRN" diff "$st")" = 'content     large  (data, mtime)' ] || fail "diff of the newest"
[ "$("$CAIRN" diff "$st" 2 third --name-only)" = dir/7 ] || fail "diff --name-only"
[ -z "$("$CAIRN" diff "$st" 3 third)" ] || fail "diff of the same"
"$CAIRN" diff "$st" 2 1 | grep -q '^added       gone$' || fail "diff backwards"
"$CAIRN" diff "$st" 1 2 --stat | grep -qE '^removed +3 ' || fail "diff --stat"
[ "$("$CAIRN" diff "$st" 1 2 --json | wc -l)" = 10 ] || fail "diff --json"
expect 2 'goes with no other' "$CAIRN" diff "$st" --name-only --stat

# ---- of a server: the same, but for the tags, which it does not list

start_serve "$st" --http
reader() { "$CAIRN" "$1" "$URL" --cache "$T/cache" "${@:2}"; }
reader log --trust "$(public_key)" >"$T/log.url"
diff <(sed 's/  tags: .*//' "$T/log") "$T/log.url" || fail "log of a server"
diff "$T/wanted" <(reader diff 1 2) || fail "diff of a server"
diff "$T/wanted" <(reader diff first 2) || fail "diff of a server from a tag"
[ "$(reader diff)" = 'content     large  (data, mtime)' ] || fail "diff of a server's newest"
diff <(grep -v '^    tags:' "$T/show") <(reader show third) || fail "show of a server"

# ---- tags

"$CAIRN" tag "$st" stable 3 | grep -q 'stable is now revision 3' || fail "tag"
cp "$st/tags/stable.json" "$T/stable.3"
[ "$(reader show stable --json | grep -c '"revision": 3')" = 1 ] || fail "the tag is not served"
for i in 2 1 4 2; do # moves within one second, to and fro: readers follow each
	"$CAIRN" tag "$st" stable "$i" >/dev/null
	reader show stable >"$T/out"
	grep -q "^revision: $i\$" "$T/out" || fail "a reader does not follow the tag to $i"
done
"$CAIRN" tag "$st" stable 2 | grep -q 'was already' || fail "tag to where it is"
cp "$st/tags/stable.json" "$T/stable.now"
cp "$T/stable.3" "$st/tags/stable.json"
expect 0 'was seen before.*going on with revision 2' reader show stable
cp "$T/stable.now" "$st/tags/stable.json"
[ "$("$CAIRN" tag "$st" | awk '{ print $1, $3 }' | tr '\n' ' ')" = 'first 1 stable 2 third 3 ' ] ||
	fail "the list of tags: $("$CAIRN" tag "$st")"
"$CAIRN" tag "$st" -d third >/dev/null
[ ! -e "$st/tags/third.json" ] || fail "tag -d"
expect 1 'no tag "third"' "$CAIRN" tag "$st" -d third
expect 1 'cannot be a tag' "$CAIRN" tag "$st" ../x
expect 1 'its newest is 4' "$CAIRN" tag "$st" stable 5
expect 1 'not written to' "$CAIRN" tag "$URL" stable
"$CAIRN" key make other >/dev/null
other=$XDG_CONFIG_HOME/cairn/keys/other.pem
expect 1 'another key' "$CAIRN" tag "$st" stable 1 --key "$other"

# ---- rollback: readers, who never go back, follow

expect 1 'another key' "$CAIRN" rollback "$st" 1 --key "$other"
"$CAIRN" rollback "$st" 1 --tag back >"$T/rollback"
grep -q 'published revision 5 .*: revision 1 again' "$T/rollback" || fail "$(cat "$T/rollback")"
reader show | grep -q '^revision: 5$' || fail "a reader does not follow"
[ -z "$(reader diff 1 back)" ] || fail "it is not what it was"
reader get . "$T/got"
compare "$T/one" "$T/got"
"$CAIRN" rollback "$st" 1 | grep -q 'nothing to do: revision 5' || fail "rollback to what is"
victim=$(cd "$st" && find blobs -type f -size +100k | head -n 1)
mv "$st/$victim" "$T/victim"
expect 1 'cannot come back: blob [0-9a-f]* of it is gone' "$CAIRN" rollback "$st" 4
head -c 100000 "$T/victim" >"$st/$victim"
expect 1 'cannot come back: blob [0-9a-f]* of it is damaged' "$CAIRN" rollback "$st" 4
mv "$T/victim" "$st/$victim"
[ "$("$CAIRN" log "$st" -n 1 | head -n 1 | cut -d ' ' -f 2)" = 5 ] || fail "a refused rollback left a revision"

# ---- a damaged revision does not hide the others

cp "$st/revisions/2.json" "$T/two"
sed 's/"files":/&1/' "$T/two" >"$st/revisions/2.json"
expect 1 'revision 2 .* its signature is wrong' "$CAIRN" show "$st" 2
"$CAIRN" log "$st" >"$T/log" 2>"$T/err" || true
[ "$(grep -c '^revision' "$T/log")" = 4 ] || fail "log with a forged revision"
grep -q 'revision 2' "$T/err" || fail "log says nothing of it"
cp "$T/two" "$st/revisions/2.json"
rm "$st/revisions/3.json"
[ "$("$CAIRN" log "$st" | grep -c '^revision')" = 4 ] || fail "log without a revision"
[ "$(reader log -n 3 | grep -o '^revision [0-9]*' | tr -d 'a-z\n')" = ' 5 4 2' ] ||
	fail "log of a server without a revision"
"$CAIRN" diff "$st" 4 --stat >/dev/null
expect 1 'any more' "$CAIRN" rollback "$st" 3

# ---- killed at each step, the store is as it was or as it is to be

newest() { "$CAIRN" log "$st" -n 1 | sed -n 's/^revision \([0-9]*\) .*/\1/p'; }
if cc -shared -fPIC -o "$T/die_at.so" "$top/tests/faults/die_at.c" -ldl 2>/dev/null &&
	ASAN_OPTIONS='' LD_PRELOAD=$T/die_at.so "$CAIRN" version >/dev/null 2>&1; then
	killed_at() { # N COMMAND...: true while it is killed there
		local status=0
		DIE_AT=$1 LD_PRELOAD=$T/die_at.so "${@:2}" >"$T/out" 2>"$T/err" &
		wait $! 2>/dev/null || status=$?
		[ $status != 137 ] || return 0
		[ $status = 0 ] || fail "step $1 of ${*:2}: $(cat "$T/err")"
		return 1
	}
	for ((i = 1; ; i++)); do
		before=$(newest)
		killed_at $i "$CAIRN" rollback "$st" $((i % 2 ? 4 : 1)) -m "step $i" --tag back || break
		after=$(newest) # also checks its signature, and that all tags can be used
		[ "$after" = "$before" ] || [ "$after" = $((before + 1)) ] || fail "step $i: $before, $after"
		reader ls n1 >/dev/null || fail "step $i: a reader cannot use it"
	done
	[ $i -gt 8 ] || fail "it was killed at $i steps only"
	say "rollback: killed at $((i - 1)) steps"
	for ((i = 1; ; i++)); do
		killed_at $i "$CAIRN" tag "$st" stable $((i % 2 + 1)) || break
		"$CAIRN" tag "$st" | grep -qE '^stable +revision [12] ' || fail "tag, step $i"
		reader show stable >/dev/null || fail "tag, step $i: a reader cannot use it"
	done
	[ $i -gt 3 ] || fail "it was killed at $i steps only"
	for ((i = 1; ; i++)); do
		killed_at $i "$CAIRN" tag "$st" -d stable || break
		"$CAIRN" tag "$st" >"$T/out" || fail "tag -d, step $i"
		"$CAIRN" tag "$st" stable 1 >/dev/null
	done
	[ -z "$(find "$st" -name '.*.tmp')" ] || fail "something half-written is left"
else
	say "no library can be preloaded: nothing is killed"
fi

# ---- two writers at once: one at a time, and who is refused says so

before=$(newest)
: >"$T/done" >"$T/busy"
jobs=()
for i in 1 2 3 4; do
	for command in "rollback $st $((i % 2 ? 1 : 4)) -m $i" "tag $st t$i 1"; do
		(
			# shellcheck disable=SC2086 # words
			if "$CAIRN" $command >/dev/null 2>"$T/err.$i.${command%% *}"; then
				echo "$command" >>"$T/done"
			else
				grep -q 'being written to by another' "$T/err.$i.${command%% *}" &&
					echo "$command" >>"$T/busy"
			fi
		) &
		jobs+=($!)
	done
done
for job in "${jobs[@]}"; do wait "$job" || fail "a writer failed: $(cat "$T"/err.*)"; done
[ "$(cat "$T/done" "$T/busy" | wc -l)" = 8 ] || fail "a writer is missing"
[ $((before + $(grep -c ^rollback "$T/done" || true))) = "$(newest)" ] || fail "a revision is lost"
while read -r _ _ tag _; do
	"$CAIRN" tag "$st" | grep -q "^$tag " || fail "the tag $tag is lost"
done < <(grep ^tag "$T/done")
say "$(wc -l <"$T/done") done, $(wc -l <"$T/busy") refused"
