#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What was prefetched needs no server; the cache can be looked at, checked and emptied
# while a mount runs on it.
. "$(dirname "$0")/lib.sh"
need_fuse

cache() { "$CAIRN" cache "$@" --cache "$T/cache"; }
is_json() { # one document on stdin, in ASCII, or with --lines one a line
	command -v python3 >/dev/null || return 0
	python3 -c 'import json, sys
text = sys.stdin.buffer.read().decode("ascii")
assert not set(text) & set("\x1b\x7f"), text
for part in text.splitlines() if sys.argv[1:] else [text]:
    json.loads(part)' "$@"
}

sample_tree "$T/source" 1500 20
head -c 9000000 /dev/urandom >"$T/source/big"
steering=$'\e[31m \u009b \u202e \x7f \xff' # what may reach no terminal
mkdir "$T/source/one" "$T/source/two" "$T/source/$steering"
echo steering >"$T/source/$steering/$steering"
head -c 3000000 /dev/urandom >"$T/source/one/a.bin"
head -c 3000000 /dev/urandom >"$T/source/two/b.bin"
publish "$T/source" "$T/store"
start_serve "$T/store"
mount_url

# part of it, by a pattern, through the mount point
"$CAIRN" prefetch "$T/mnt" one '*/b.bin'
stop "$server_pid"
cmp "$T/source/one/a.bin" "$T/mnt/one/a.bin" || fail "not prefetched"
# how large it is, from what the mount has seen, and how much of it is here
"$CAIRN" du "$T/mnt/one" --offline >"$T/du"
grep -qx ' *3000000  *2 one' "$T/du" || fail "du of a mount: $(cat "$T/du")"
"$CAIRN" du --json -s --resident "$T/mnt" one '*/b.bin' >"$T/du"
[ "$(grep -c '"bytes":3000000.*"resident":3000000' "$T/du")" = 2 ] || fail "du --resident: $(cat "$T/du")"
cmp "$T/source/two/b.bin" "$T/mnt/two/b.bin" || fail "not prefetched by pattern"
unmount

# what a program reads first, as the dataset tells it, is here before anybody reads it
printf '%s\n' '{"path":"two/b.bin","offset":0,"size":9}' '{"path":"no/more"}' '{"path":"one/a.bin"}' >"$T/trace"
publish --profile "$T/trace" "$T/source" "$T/store"
grep -q "1 of the profile's 3 files" "$T/publish.err" || fail "said: $(cat "$T/publish.err")"
publish "$T/source" "$T/store"
start_serve "$T/store"
mount_at "$URL" "$T/ahead" --cacert "$CACERT" --cache "$T/ahead.cache" --log "$T/ahead.log" -v -o profile=auto
wait_until 20 grep -q 'profile: 2 reads of 2 files, 0 of them not there' "$T/ahead.log" ||
	fail "nothing was fetched ahead: $(cat "$T/ahead.log")"
stop "$server_pid"
cmp "$T/source/one/a.bin" "$T/ahead/one/a.bin" || fail "not fetched ahead"
unmount "$T/ahead"

# all of it, by the URL
start_serve "$T/store"
"$CAIRN" prefetch "$URL" --cacert "$CACERT" --cache "$T/cache"
"$CAIRN" prefetch --json "$URL" --cacert "$CACERT" --cache "$T/cache" | is_json
"$CAIRN" ls --json "$URL" --cacert "$CACERT" --cache "$T/cache" | is_json --lines
"$CAIRN" stat --json "$URL" "$steering/$steering" --cacert "$CACERT" --cache "$T/cache" | is_json
mount_url
stop "$server_pid"
compare "$T/source" "$T/mnt"

cache info >"$T/info"
cache ls >"$T/ls"
[ -s "$T/info" ] && [ -s "$T/ls" ] || fail "cache info and ls say nothing"
cache info --json | is_json
cache ls --json >"$T/ls.json"
is_json --lines <"$T/ls.json"
tail -n 1 "$T/ls.json" | grep -q '"dataset":.*"unlisted":0' || fail "cache ls --json has no total"
"$CAIRN" publish --json --no-index --name steering "$T/source/$steering" "$T/$steering" | is_json
cache verify || fail "verify found rot in a fresh cache"

# rot: one byte changed in each object file, found, mended, never served
find "$T/cache/objects" -type f -size +1000k | head -n 3 | while read -r object; do
	printf '\377\000\377' | dd of="$object" bs=1 seek=1000 conv=notrunc status=none
done
! cache verify >"$T/verify" 2>&1 || fail "verify overlooks rot"
cache verify --repair || true
cache verify || fail "repair left rot"
unmount

start_serve "$T/store"
mount_url
compare "$T/source" "$T/mnt"
[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
cache pin "$URL" one --cacert "$CACERT"
cache evict --to 0
compare "$T/source" "$T/mnt"
cache evict --to 0
stop "$server_pid"
[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
cmp "$T/source/one/a.bin" "$T/mnt/one/a.bin" || fail "what is pinned was evicted"
cache unpin "$URL" one
unmount

# who looks on sees how far it is, whatever the width: bytes come before the first file has; in
# a pipe there is nothing
start_serve "$T/store" --http
start_proxy "${URL##*:}" -r 40000000
from=(http://127.0.0.1:"$PROXY_PORT" --trust "$(public_key)" --cache)
shows() { # COLUMNS VERB COMMAND...: how far it is, on a terminal of that width
	"$TERMINAL" "$1" "$T/terminal" "${@:3}" >"$T/shown"
	[ "$(awk '{ if (length > most) most = length } END { print most + 0 }' "$T/terminal")" -lt "$1" ] ||
		fail "a line wraps: $(cat "$T/terminal")"
	[ "$(grep -o '[0-9.]* [KM]iB .*B/s' "$T/terminal" | sort -u | wc -l)" -gt 2 ] ||
		fail "nobody sees how far $2 is: $(cat "$T/terminal")"
}
shows 40 prefetch "$CAIRN" prefetch "${from[@]}" "$T/forty" big
shows 40 cat "$CAIRN" cat "${from[@]}" "$T/cat" big
cmp "$T/source/big" "$T/shown" || fail "cat on a terminal"
shows 200 get "$CAIRN" get "${from[@]}" "$T/get" big "$T/got"
grep -q '\[#*\.*\] .*% .* of 8.6 MiB .*left' "$T/terminal" || fail "no bar: $(cat "$T/terminal")"
"$TERMINAL" 80 "$T/terminal" "$CAIRN" cat "${from[@]}" "$T/cat" big | cmp - "$T/source/big"
! grep -q MiB "$T/terminal" || fail "cat into a pipe shows how far it is"
mkdir "$T/one_file"
ln "$T/source/big" "$T/one_file/big"
shows 40 publish "$CAIRN" publish "$T/one_file" "$T/published" --no-index --level 19
"$CAIRN" prefetch "${from[@]}" "$T/cat" big >"$T/shown" 2>"$T/err"
[ ! -s "$T/err" ] || fail "prefetch says to no terminal: $(cat "$T/err")"
stop "$server_pid"

# what could not be kept is told, with its amount: a quota that is too small, so that the
# prefetch throws out what it has brought, and a floor that cannot be had; and what another
# dataset left in the cache stays in it
start_serve "$T/store"
mkdir "$T/small"
tells() { # what prefetch says to stderr and as JSON, of a cache that cannot hold it
	local words=$1
	shift
	"$CAIRN" cache info "$@" --cache "$T/small/cache" >/dev/null 2>&1
	! "$CAIRN" prefetch "$URL" --cacert "$CACERT" --cache "$T/small/cache" \
		>"$T/small/out" 2>"$T/small/err" || fail "prefetch says it kept all, with $*"
	grep -Eq "MiB of [0-9]+ files? (is|are) not in the cache: .*$words" "$T/small/err" ||
		fail "prefetch does not tell what is missing, with $*"
	! "$CAIRN" prefetch "$URL" --cacert "$CACERT" --cache "$T/small/cache" --json \
		>"$T/small/json" 2>/dev/null || fail "prefetch --json says it kept all, with $*"
	is_json <"$T/small/json"
	grep -Eq '"missing":[1-9][0-9]{5,}.*"reason":"[^"]+' "$T/small/json" ||
		fail "prefetch --json does not tell what is missing, with $*"
}
tells quota --quota 10M --floor 0
tells "to keep .* free" --quota 0 --floor 1000000G
"$CAIRN" cache info --floor 0 --cache "$T/small/cache" >/dev/null
"$CAIRN" prefetch "$URL" --cacert "$CACERT" --cache "$T/small/cache"
"$CAIRN" cache info --json --floor 1000000G --cache "$T/small/cache" >"$T/small/before" 2>/dev/null
"$CAIRN" cache info --json --quota 1M --cache "$T/small/cache" >"$T/small/after" 2>/dev/null
grep -q '"resident": [1-9]' "$T/small/before" || fail "a floor that cannot be had emptied the cache"
[ "$(grep '"resident"' "$T/small/before")" = "$(grep '"resident"' "$T/small/after")" ] ||
	fail "a quota that cannot be kept emptied the cache"
