#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Squid before nginx, and as the way out of a network, as doc/servers.md sets it up; nginx
# without its headers, and Squid that is told nothing of the manifest before that.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program squid
need_program nginx

# What lets Squid run here, with a block of the document from standard input.
squid_with() {
	{
		cat <<-END
			pid_filename $T/server/squid.pid
			cache_effective_user $(if is_root; then echo proxy; else id -un; fi)
			cache_log $T/server/squid.cache.log
			access_log stdio:$T/server/squid.log
			coredump_dir $T/server
			visible_hostname localhost
			pinger_enable off
			shutdown_lifetime 0 seconds
		END
		sed "$edit"
	} >"$T/server/conf"
	command=(squid -N -f "$T/server/conf" -n "cairn$PORT")
}
configure_reverse() {
	squid_with < <(snippet squid-reverse ORIGIN_HOST=127.0.0.1 ORIGIN_PORT="$origin_port")
}
configure_forward() {
	proxy_port=$(free_port)
	squid_with < <(snippet squid-forward PROXY_PORT="$proxy_port" NETWORK=127.0.0.0/8 PORT="$open_port")
	URL=http://127.0.0.1:$proxy_port
}
if is_root; then chown proxy "$T/server"; fi
blobs_asked() { grep -c "GET /blobs/.* 200 " "$T/server/origin.log"; }
make_source
edit='s/^cache_mem .*/cache_mem 64 MB/'

# ---- a cache before the server
start_origin
serve_with configure_reverse
try_server
see_late_blobs
before=$(blobs_asked)
read_all
[ "$(blobs_asked)" = "$before" ] || fail "Squid keeps no blobs"
stop "$server_pid"
stop "$origin_pid"

start_origin '/add_header/d'
serve_with configure_reverse
see_news
check_says 'manifest.json comes without Cache-Control'
stop "$server_pid"

# A revision of an hour ago: Squid guesses that it is good for a fifth of that. Readers ask past it.
edit="$edit; /^cache deny/d"
touch -d '1 hour ago' "$T/store/manifest.json" "$T/store/tags"/*
serve_with configure_reverse
curl -s -o /dev/null --cacert "$CACERT" "$URL/manifest.json"
see_news
touch -d '1 hour ago' "$T/store/manifest.json"
curl -s -o /dev/null --cacert "$CACERT" -H 'Cache-Control: no-cache' "$URL/manifest.json"
publish_next
check_says 'manifest.json comes without Cache-Control' "hands out revision $((revision - 1)), and the server has $revision"
stop "$server_pid"
stop "$origin_pid"

# ---- the way out
configure_nginx() { nginx_serves origin < <(snippet nginx); }
serve_with configure_nginx
origin_pid=$server_pid store_url=$URL open_port=$PORT edit=''
serve_with configure_forward http
export https_proxy=http://127.0.0.1:$proxy_port http_proxy=http://127.0.0.1:$proxy_port
URL=$store_url
see_news
read_all
check_is_fine
grep -q "CONNECT ${URL#https://}" "$T/server/squid.log" || fail "nothing went through the proxy"
stop "$server_pid"

open_port=1
serve_with configure_forward http
export https_proxy=http://127.0.0.1:$proxy_port
URL=$store_url
rm -rf "$T/cache"
expect 1 'proxy' list
check_says 'proxy|tunnel'
stop "$origin_pid"

# plain http: kept on the way, but the manifest
unset https_proxy http_proxy
start_origin
origin_url=$URL
export http_proxy=http://127.0.0.1:$proxy_port
read_all
see_news
# Squid asks nginx each time, but sends what it has whole, and says how old that is.
check_is_fine 'plain http|sent whole|had manifest.json for [0-9] s'
grep -q "GET $origin_url/manifest.json" "$T/server/squid.log" || fail "nothing went through the proxy"
