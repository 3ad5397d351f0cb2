#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whose bytes are believed: pinned keys, changed keys, old revisions, broken signatures.
. "$(dirname "$0")/lib.sh"

mkdir "$T/source" "$T/www"
echo one >"$T/source/file"
publish "$T/source" "$T/www/store" --name data
start_serve "$T/www/store"
ls_url() { "$CAIRN" ls "$URL" --cacert "$CACERT" --cache "$T/cache" "$@"; }
key=$(public_key)

# first sight pins, and says so; after that it is quiet
ls_url >"$T/out" 2>"$T/err"
grep -qF "$key" "$T/err" || fail "a new key is pinned without a word"
grep -qF "$key" "$XDG_CONFIG_HOME/cairn/known_keys" || fail "the key was not pinned"
ls_url 2>"$T/err" >/dev/null
[ ! -s "$T/err" ] || fail "a known key is worth no word: $(cat "$T/err")"

# all evicted, what an offline reader needs to start is left, and that is said
"$CAIRN" cache evict --all --cache "$T/cache" >"$T/out"
grep -q '1 datasets need to mount --offline' "$T/out" || fail "evict --all: $(cat "$T/out")"
ls_url --offline | grep -q file || fail "not offline after evict --all"

# another key at the same URL
"$CAIRN" key make other >"$T/out" 2>&1
other=$("$CAIRN" key show other)
other_file=$(find "$XDG_CONFIG_HOME" -name 'other*')
mv "$T/www/store" "$T/www/good"
publish "$T/source" "$T/www/evil" --name data --key "$other_file"
swap() { # the served directory's contents become those of $1
	rm -rf "$T/www/store"
	cp -a "$T/www/$1" "$T/www/store"
	stop "$server_pid"
	local port=${URL##*:}
	rm "$T/serve.out"
	"$CAIRN" serve "$T/www/store" --listen "127.0.0.1:$port" --tls-dir "$T/tls" \
		>"$T/serve.out" 2>"$T/serve.err" &
	server_pid=$!
	pids+=("$server_pid")
	wait_until 20 serve_answers || fail "cairn serve does not come back"
}
swap evil
expect 1 'key' ls_url
ls_url --trust "$other" >/dev/null || fail "--trust does not overrule what is pinned"
expect 1 'key' ls_url
expect 1 'key' ls_url --trust "$key"
! ls_url --trust ed25519:nonsense >/dev/null 2>&1 || fail "nonsense as a key"

# the good one, one revision further, and then as it was
swap good
echo two >>"$T/source/file"
cp -a "$T/www/good" "$T/www/old"
publish "$T/source" "$T/www/good" --name data
swap good
ls_url >/dev/null
swap old
# a stale cache on the way: what was accepted goes on being the newest
ls_url 2>"$T/err" >/dev/null || fail "an older revision stops who has the newest"
grep -q 'going on with revision 2' "$T/err" || fail "no word of it: $(cat "$T/err")"
# a deleted cache does not forget that there was a newer one
rm -r "$T/cache"
expect 1 'revision|older|rollback' ls_url
"$CAIRN" key known >"$T/out"
grep -qF "$URL $key revision 2" "$T/out" || fail "cairn key known: $(cat "$T/out")"
# asked for by its number, the old one is no forgery
ls_url --revision 1 >/dev/null || fail "an old revision by number"

# broken signature, unsigned, signed but altered
swap good
manifest=$T/www/store/manifest.json
sed -i 's/"message": *"[^"]*"/"message":"altered"/' "$manifest"
expect 1 'sign' ls_url
swap good
sed -i 's/"signature": *"..../"signature":"AAAA/' "$manifest"
expect 1 'sign|corrupt' ls_url

# plain http is believed by signature alone, so it needs a pinned key
swap good
start_serve "$T/www/store" --http
"$CAIRN" ls "$URL" --cache "$T/cache2" --trust "$key" >/dev/null || fail "http with --trust"

# two stores made of directories of one name, by one key: neither is the other gone back
mkdir -p "$T/a/same" "$T/b/same"
echo a >"$T/a/same/file"
publish "$T/a/same" "$T/store-a"
echo aa >"$T/a/same/file"
publish "$T/a/same" "$T/store-a"
echo b >"$T/b/same/file"
publish "$T/b/same" "$T/store-b"
[ "$("$CAIRN" cat "file://$T/store-a" file --cache "$T/cache3" 2>/dev/null)" = aa ] || fail "the one"
[ "$("$CAIRN" cat "file://$T/store-b" file --cache "$T/cache3" 2>/dev/null)" = b ] || fail "the other"
# one in the other's place is refused, the second time as well, until it is accepted
other_in_place() { "$CAIRN" cat "file://$T/store-a" file --cache "$T/cache3"; }
mv "$T/store-a" "$T/store-old"
mv "$T/store-b" "$T/store-a"
expect 1 'holds another dataset now' other_in_place
expect 1 "cairn key accept file://$T/store-a" other_in_place
"$CAIRN" key accept "$T/store-a" >/dev/null || fail "cairn key accept"
[ "$(other_in_place 2>/dev/null)" = b ] || fail "what was accepted"
