#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# TLS by stunnel for Python's server, as doc/servers.md sets both up.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program python3
stunnel=$(command -v stunnel4 || command -v stunnel) || skip "stunnel is missing"

configure_origin() {
	snippet python >"$T/server/serve.py"
	command=(python3 "$T/server/serve.py")
}
configure() {
	{
		printf 'foreground = yes\npid =\nsyslog = no\n'
		snippet stunnel BACKEND="127.0.0.1:$origin_port"
	} >"$T/server/conf"
	command=("$stunnel" "$T/server/conf")
}
make_source
serve_with configure_origin http
origin_port=$PORT
serve_with configure
try_server '\(Range\)|no ETag'

# As many clients as the document says.
stop "$server_pid"
configure_small() {
	configure
	sed -i '1i debug = debug' "$T/server/conf"
	command=(bash -c 'ulimit -n 1024 && exec "$@"' bash "${command[@]}")
}
serve_with configure_small
grep -q 'Clients allowed=500' "$T/server/output" || fail "stunnel: $(grep -i clients "$T/server/output")"
