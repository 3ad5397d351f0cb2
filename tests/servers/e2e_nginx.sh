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

# And in errors too.
edit='/immutable/s/;$/ always;/'
serve_with configure
check_says 'may remember for 31536000 s that a blob is not there'
stop "$server_pid"

# A limit that is far too low makes readers slow, and no more. A prefetch asks for all at
# once, so it is over the limit on a slow machine, too.
edit=''
requests() { grep -c "GET /blobs/.* $1 " "$T/server/nginx.log" || true; }
read_limited() {
	serve_with configure
	: >"$T/server/nginx.log"
	SECONDS=0
	read_all
	served=$(requests 200) refused=$(requests "$1")
	say "$served requests served, $refused refused"
	[ "$refused" -gt 0 ] || fail "no request was refused"
	[ "$refused" -lt "$served" ] || fail "$refused requests refused, and $served served"
	warned=$(grep -c 'asks to slow down' "$T/prefetch.out" || true)
	[ "$warned" -ge 1 ] && [ "$warned" -le $((1 + SECONDS / 60)) ] ||
		fail "warned $warned times: $(cat "$T/prefetch.out")"
	stop "$server_pid"
}
http_lines=$(snippet nginx-limit-zone RATE=10r/s)
server_lines=$(snippet nginx-limit BURST=4 | tr '\n' ' ')
read_limited 429

# nginx's own answer.
server_lines=$(snippet nginx-limit BURST=4 | grep -v limit_req_status | tr '\n' ' ')
read_limited 503

# It says for how long.
server_lines=$(snippet nginx-limit BURST=4 | cat - <(snippet nginx-retry-after SECONDS=2) | tr '\n' ' ')
read_limited 429
http_lines='' server_lines=''

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
list | grep -qx "news-$revision" && fail "nginx heeds who asks past it"
curl -s -o /dev/null --cacert "$CACERT" "$URL/blobs/later"
echo later >"$T/store/blobs/later"
[ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CACERT" "$URL/blobs/later")" = 404 ] ||
	fail "nginx does not remember that a blob is not there"
check_says 'manifest.json comes without Cache-Control' "hands out revision $((revision - 1)), and the server has $revision"
