#!/bin/bash
# SPDX-License-Identifier: MIT
# From `cairn mount` to the first listing of the root, with an empty cache and a server far
# away: TCP, TLS, the manifest, and one round trip for all pages, however deep their tree.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
need_program nginx
MAKE_STORE=$(find_program ./contrib/benchmark/make_store)
one_way=200 # milliseconds

# first_listing ENTRIES: sets pages, named, span_ms (from the first page asked for to the last), took_ms
first_listing() {
	local start end
	"$MAKE_STORE" "$T/store-$1" "$1" >"$T/key" 2>"$T/make.err"
	start_nginx "$T/store-$1"
	start_proxy "${URL##*:}" -d "$one_way"
	start=$(date +%s%3N)
	"$CAIRN" mount "https://127.0.0.1:$PROXY_PORT" "$T/mnt" --cache "$T/cache-$1" \
		--cacert "$CACERT" --trust "$(cat "$T/key")"
	ls "$T/mnt" >"$T/listing"
	end=$(date +%s%3N)
	took_ms=$((end - start))
	unmount
	awk '/\/blobs\// { print $1 * 1000, $2 }' "$T/nginx/access.log" >"$T/asked"
	pages=$(wc -l <"$T/asked")
	span_ms=$(awk 'NR == 1 { first = $1 } END { printf "%d", $1 - first }' "$T/asked")
	[ "$(cut -d ' ' -f 2 "$T/asked" | sort -u | wc -l)" = 1 ] || fail "more than one connection"
	[ -s "$T/listing" ] || fail "nothing is listed"
	say "$1 entries: $took_ms ms, $(awk "BEGIN { print $took_ms / (2 * $one_way) }") round trips, $pages pages within $span_ms ms"
	# How many pages the manifest names: one more for each level of the tree.
	named=$(sed 's/.*"first":\[\([^]]*\)\].*/\1/' "$T/store-$1/manifest.json" | tr ',' '\n' | grep -c .)
	stop "$server_pid"
	rm "$T/nginx/access.log" "$T/proxy.sock"
}

first_listing 10000
few_named=$named few_ms=$took_ms
[ "$span_ms" -lt "$one_way" ] || fail "one page was waited for to ask for the next"
first_listing 200000
[ "$named" -gt "$few_named" ] || fail "the trees are of one depth: nothing is shown"
[ "$span_ms" -lt "$one_way" ] || fail "one page was waited for to ask for the next"
# Four; the rest is for a busy machine.
[ "$took_ms" -lt $((7 * 2 * one_way)) ] || fail "$took_ms ms are too many round trips"
[ "$took_ms" -lt $((few_ms * 3 / 2)) ] || fail "more entries take longer"
