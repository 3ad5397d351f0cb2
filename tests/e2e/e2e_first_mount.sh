#!/bin/bash
# SPDX-License-Identifier: MIT
# From `cairn mount` to the first listing of the root, with an empty cache and a server far
# away: one connection, the manifest, and one round trip for all pages, however deep their
# tree. Who asks for what when shows it; the time that it takes is for contrib/bench.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
need_program nginx
MAKE_STORE=$(find_program ./contrib/benchmark/make_store)
one_way=200 # milliseconds

# first_listing ENTRIES: sets named, how many pages the manifest names
first_listing() {
	local pages span_ms
	"$MAKE_STORE" "$T/store-$1" "$1" >"$T/key" 2>"$T/make.err"
	start_nginx "$T/store-$1"
	start_proxy "${URL##*:}" -d "$one_way"
	"$CAIRN" mount "https://127.0.0.1:$PROXY_PORT" "$T/mnt" --cache "$T/cache-$1" \
		--cacert "$CACERT" --trust "$(cat "$T/key")"
	ls "$T/mnt" >"$T/listing"
	unmount
	awk '/\/blobs\// { print $1 * 1000, $2 }' "$T/nginx/access.log" >"$T/asked"
	pages=$(wc -l <"$T/asked")
	span_ms=$(awk 'NR == 1 { first = $1 } END { printf "%d", $1 - first }' "$T/asked")
	say "$1 entries: $pages pages asked for within $span_ms ms"
	[ "$(cut -d ' ' -f 2 "$T/asked" | sort -u | wc -l)" = 1 ] || fail "more than one connection"
	awk 'NR == FNR { c = $2; next } $2 == c && !/\/blobs\//' "$T/asked" "$T/nginx/access.log" >"$T/before"
	[ "$(wc -l <"$T/before")" = 1 ] || fail "more than the manifest comes before: $(cat "$T/before")"
	# The answer to any of them takes twice the way.
	[ "$span_ms" -lt $((2 * one_way)) ] || fail "one page was waited for to ask for the next"
	[ -s "$T/listing" ] || fail "nothing is listed"
	# How many pages the manifest names: one more for each level of the tree.
	named=$(sed 's/.*"first":\[\([^]]*\)\].*/\1/' "$T/store-$1/manifest.json" | tr ',' '\n' | grep -c .)
	stop "$server_pid"
	rm "$T/nginx/access.log" "$T/proxy.sock"
}

first_listing 10000
few_named=$named
first_listing 200000
[ "$named" -gt "$few_named" ] || fail "the trees are of one depth: nothing is shown"
