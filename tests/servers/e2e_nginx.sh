#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# nginx as doc/servers.md sets it up; without its headers; with a limit on requests; as a
# cache before another one.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program nginx

configure() {
	nginx_serves nginx < <(
		printf '%s\n' "$http_lines"
		snippet nginx | sed "s|^ *gzip off;|&\n$server_lines|; $edit"
	)
}
make_source
http_lines='' server_lines='' edit=''
serve_with configure
try_server
stop "$server_pid"

# Without what it says about caches.
edit='/add_header/d'
serve_with configure
check_says 'manifest.json comes without Cache-Control' 'tags/stable.json comes without'
stop "$server_pid"

# With one sentence about all files, as many sites have it.
edit='/add_header.*no-cache/s/no-cache/max-age=86400/'
serve_with configure
check_says 'an old manifest.json for 86400 s' 'an old tags/stable.json for 86400 s'
stop "$server_pid"

# A limit that is far too low makes readers slow, and no more.
edit=''
http_lines=$(snippet nginx-limit-zone RATE=25r/s)
server_lines=$(snippet nginx-limit BURST=4 | tr '\n' ' ')
serve_with configure
rm -rf "$T/cache"
mount_trusted
compare "$T/source" "$T/mnt"
unmount
grep -q ' 429 ' "$T/server/nginx.log" || fail "no request was refused"
stop "$server_pid"

# A cache.
configure_cache() {
	nginx_serves cache < <(snippet nginx-cache CACHE="$T/server/kept" ORIGIN_HOST=127.0.0.1 \
		ORIGIN_PORT="$origin_port" | sed "$edit")
}
blobs_asked() { grep -c "GET /blobs/.* 200 " "$T/server/origin.log"; }
start_origin
serve_with configure_cache
try_server
see_late_blobs
before=$(blobs_asked)
read_all
[ "$(blobs_asked)" = "$before" ] || fail "nginx keeps no blobs"
stop "$server_pid"
stop "$origin_pid"

# Before a server without headers, and with what is often advised.
start_origin '/add_header/d'
serve_with configure_cache
see_news
stop "$server_pid"
edit='/location ~/,/}/d; s/proxy_cache_lock.*/proxy_cache_valid any 10m;/'
serve_with configure_cache
list >/dev/null
publish_next
check_says 'manifest.json comes without Cache-Control' "hands out revision $((revision - 1)), and the server has $revision"
