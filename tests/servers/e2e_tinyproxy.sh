#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tinyproxy between readers and nginx, as doc/servers.md sets both up.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program tinyproxy
need_program nginx

configure_nginx() { nginx_serves origin < <(snippet nginx); }
configure() {
	proxy_port=$(free_port)
	{
		echo "LogFile \"$T/server/tinyproxy.log\""
		snippet tinyproxy PROXY_PORT="$proxy_port" NETWORK=127.0.0.0/8 PORT="${store_url##*:}" | sed "$edit"
	} >"$T/server/conf"
	command=(tinyproxy -d -c "$T/server/conf")
	URL=http://127.0.0.1:$proxy_port # anything it says to us shows that it is up
}
through_proxy() {
	serve_with configure http
	URL=$store_url
	export https_proxy=http://127.0.0.1:$proxy_port
}
read_broken() { # the way to the proxy breaks off
	start_proxy "$proxy_port"
	proxy fault reset 900000 6
	https_proxy=http://127.0.0.1:$PROXY_PORT read_all
	proxy quit
}
make_source
serve_with configure_nginx
store_url=$URL edit=''
through_proxy
try_server
grep -q "CONNECT ${URL#https://}" "$T/server/tinyproxy.log" || fail "nothing went through the proxy"
stop "$server_pid"

edit="s/^ConnectPort ${store_url##*:}$//"
through_proxy
rm -rf "$T/cache"
expect 1 'proxy' list
check_says 'proxy|tunnel'
