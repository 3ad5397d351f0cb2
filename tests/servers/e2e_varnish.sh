#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Varnish before nginx, as doc/servers.md sets both up; nginx without its headers, and
# Varnish as it comes before that.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program varnishd
need_program nginx

configure() {
	snippet varnish ORIGIN_HOST=127.0.0.1 ORIGIN_PORT="$origin_port" >"$T/server/store.vcl"
	[ -z "$bare" ] || sed -i '/^sub/,/^}/d' "$T/server/store.vcl"
	[ "$bare" = yes ] || cat <<<"$bare" >>"$T/server/store.vcl"
	directory=$(mktemp -d "$T/server/varnish.XXXXXX")
	command=(varnishd -F -j none -a "127.0.0.1:$PORT" -f "$T/server/store.vcl"
		-n "$directory" -s malloc,64m)
}
make_source
bare=''
start_origin
serve_with configure http
try_server 'plain http'
see_late_blobs
blobs_asked() { grep -c "GET /blobs/.* 200 " "$T/server/origin.log"; }
before=$(blobs_asked)
read_all
[ "$(blobs_asked)" = "$before" ] || fail "Varnish keeps no blobs"
stop "$server_pid"
stop "$origin_pid"

# What the document says does without the headers, as far as readers are concerned.
start_origin '/add_header/d'
serve_with configure http
see_news
see_late_blobs
check_says 'manifest.json comes without Cache-Control' 'tags/stable.json comes without'
stop "$server_pid"

bare=yes
serve_with configure http
list >/dev/null
publish_next
check_says 'manifest.json comes without Cache-Control' "hands out revision $((revision - 1)), and the server has $revision"
grep -q '^advice .*remembers that a blob is not there' "$T/check.out" || fail "check: $(cat "$T/check.out")"
# What the document says that it does unless it is told.
told() { varnishadm -n "$directory" param.show "$1" | grep -qE "(Value is:|Default is:) $2( |\$)" || fail "$1 is not $2"; }
told default_ttl 120.000
told default_grace 10.000
told thread_pools 2
told thread_pool_max 5000
stop "$server_pid"
stop "$origin_pid"

# One lifetime for all, whatever the server behind says.
start_origin
bare=$'sub vcl_backend_response {\n    set beresp.ttl = 1d;\n    return (deliver);\n}'
serve_with configure http
list >/dev/null
publish_next
check_says "hands out revision $((revision - 1)), and the server has $revision"
