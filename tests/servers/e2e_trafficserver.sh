#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Traffic Server before nginx, as doc/servers.md sets both up; nginx without its headers,
# and Traffic Server that guesses before that.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program traffic_server
need_program nginx

# A place of its own for everything, with the configuration that came with it but for the
# document's.
configure() {
	local root
	root=$(mktemp -d "$T/server/ts.XXXXXX")
	mkdir -p "$root"/{etc,run,log,cache,share}
	cp /etc/trafficserver/*.yaml "$root/etc"
	cat >"$root/runroot.yaml" <<-END
		prefix: /usr
		exec_prefix: /usr
		bindir: /usr/bin
		sbindir: /usr/sbin
		includedir: /usr/include
		libdir: /usr/lib/trafficserver
		libexecdir: /usr/lib/trafficserver/modules
		sysconfdir: $root/etc
		datadir: $root/share
		localstatedir: $root
		runtimedir: $root/run
		logdir: $root/log
		cachedir: $root/cache
	END
	echo "$root/cache 64M" >"$root/etc/storage.config"
	snippet trafficserver-remap ORIGIN_HOST=127.0.0.1 ORIGIN_PORT="$origin_port" >"$root/etc/remap.config"
	snippet trafficserver-certificate >"$root/etc/ssl_multicert.config"
	{
		echo "CONFIG proxy.config.admin.user_id STRING $server_user"
		echo "CONFIG proxy.config.url_remap.pristine_host_hdr INT 0"
		snippet trafficserver-records | sed "$edit"
	} >"$root/etc/records.config"
	if is_root; then chown -R "$server_user" "$root"; fi
	command=(traffic_server --run-root="$root/runroot.yaml")
}
blobs_asked() { grep -c "GET /blobs/.* 200 " "$T/server/origin.log"; }
make_source
edit=''
start_origin
serve_with configure
try_server
see_late_blobs
before=$(blobs_asked)
read_all
[ "$(blobs_asked)" = "$before" ] || fail "Traffic Server keeps no blobs"
stop "$server_pid"
stop "$origin_pid"

# Without the headers nothing is kept, and nothing old is handed out.
start_origin '/add_header/d'
serve_with configure
see_news
check_says 'manifest.json comes without Cache-Control'
[ "$(grep -c '^wrong' "$T/check.out")" = 2 ] || fail "check: $(cat "$T/check.out")"
stop "$server_pid"

# It guesses how long a revision of an hour ago is good; readers ask past it.
edit='s/required_headers INT 2/required_headers INT 0/'
touch -d '1 hour ago' "$T/store/manifest.json" "$T/store/tags"/*
serve_with configure
curl -s -o /dev/null --cacert "$CACERT" "$URL/manifest.json"
see_news
touch -d '1 hour ago' "$T/store/manifest.json"
curl -s -o /dev/null --cacert "$CACERT" -H 'Cache-Control: no-cache' "$URL/manifest.json"
publish_next
check_says 'manifest.json comes without Cache-Control' "hands out revision $((revision - 1)), and the server has $revision"
