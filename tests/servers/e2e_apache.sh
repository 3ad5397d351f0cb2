#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Apache as doc/servers.md sets it up; with mod_expires for a whole server.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program apache2
modules=/usr/lib/apache2/modules
[ -e "$modules/mod_http2.so" ] || skip "apache2's modules are not in $modules"

configure() {
	local module
	{
		for module in mpm_event authz_core mime headers expires deflate ssl http2 env socache_shmcb; do
			echo "LoadModule ${module}_module $modules/mod_$module.so"
		done
		cat <<-END
			ServerRoot $T/server
			ServerName 127.0.0.1
			PidFile $T/server/pid
			DefaultRuntimeDir $T/server
			Mutex file:$T/server
			ErrorLog $T/server/error.log
			User $server_user
			Group $(id -gn "$server_user")
			TypesConfig /dev/null
			$server_lines
		END
		snippet apache | sed "$edit"
	} >"$T/server/conf"
	command=(apache2 -f "$T/server/conf" -DFOREGROUND)
}
make_source
server_lines='' edit=''
serve_with configure
try_server
stop "$server_pid"

# What many sites say of all files is no matter with it, and one without it.
server_lines='ExpiresActive on
ExpiresDefault "access plus 1 day"'
serve_with configure
check_is_fine
stop "$server_pid"

edit='s/Header set/Header always set/'
serve_with configure
check_says 'may remember for 31536000 s that a blob is not there'
stop "$server_pid"

edit='/Header set/d'
serve_with configure
check_says 'an old manifest.json for 86400 s' 'an old tags/stable.json for 86400 s'
stop "$server_pid"

server_lines=''
serve_with configure
check_says 'manifest.json comes without Cache-Control'
