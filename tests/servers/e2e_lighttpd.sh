#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lighttpd as doc/servers.md sets it up, with mod_expire for all files, and as it comes.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program lighttpd

configure() {
	{
		cat <<-END
			server.port = $(free_port)
			server.bind = "127.0.0.1"
			server.errorlog = "$T/server/error.log"
			$server_lines
		END
		snippet lighttpd | sed "$edit"
	} >"$T/server/conf"
	command=(lighttpd -D -f "$T/server/conf")
}
make_source
server_lines='' edit=''
serve_with configure
try_server
stop "$server_pid"

# What many sites say of all files is no matter with it, and one without it.
edit='s|^expire.url = .*|expire.url = ("" => "access plus 1 days")|'
serve_with configure
check_is_fine
stop "$server_pid"

edit="$edit; /Cache-Control/d"
serve_with configure
check_says 'an old manifest.json for 86400 s' 'an old tags/stable.json for 86400 s'
stop "$server_pid"

edit='/Cache-Control/d; /^expire/d'
serve_with configure
check_says 'manifest.json comes without Cache-Control'
stop "$server_pid"

# Said of what is there and of errors alike.
edit='s|^expire.url = .*|$HTTP["url"] =~ "^/blobs/" { setenv.set-response-header = ("Cache-Control" => "max-age=31536000") }|'
serve_with configure
check_says 'may remember for 31536000 s that a blob is not there'
stop "$server_pid"

edit='/mimetype/d'
serve_with configure
check || fail "check: $(cat "$T/check.out")"
grep -q '^advice .*has no ETag' "$T/check.out" || fail "check: $(cat "$T/check.out")"
