#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Caddy as doc/servers.md sets it up; beside a web application; as it comes.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program caddy

configure() {
	{
		cat <<-END
			{
				admin off
				auto_https disable_redirects
				storage file_system $T/server
			}
		END
		snippet caddy | sed "$edit"
	} >"$T/server/conf"
	command=(caddy run --config "$T/server/conf" --adapter caddyfile)
}
make_source
edit=''
serve_with configure
try_server
stop "$server_pid"

edit='s|^\t*file_server|\ttry_files {path} /manifest.json\n&|'
serve_with configure
check_says 'of what is not there the server says 200, not 404'
stop "$server_pid"

# Said of errors, too; said once more, of all files.
edit='/^\t\tfile$/d'
serve_with configure
check_says 'may remember for 31536000 s that a blob is not there'
stop "$server_pid"

edit='s|^\troot .*|&\n\theader Cache-Control no-cache|'
serve_with configure
check || fail "check: $(cat "$T/check.out")"
grep -q '^advice .*told not to keep blobs' "$T/check.out" || fail "check: $(cat "$T/check.out")"
stop "$server_pid"

edit='/Cache-Control/d'
serve_with configure
check_says 'manifest.json comes without Cache-Control' 'tags/stable.json comes without'
