#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Python's server, with and without the headers that doc/servers.md adds.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program python3

configure_bare() { read -ra command < <(snippet python-bare); }
configure() {
	snippet python >"$T/server/serve.py"
	command=(python3 "$T/server/serve.py")
}
make_source
serve_with configure http
try_server 'plain http|\(Range\)|no ETag'
stop "$server_pid"

serve_with configure_bare http
read_all
read_broken
see_news
check_says 'manifest.json comes without Cache-Control' 'tags/stable.json comes without'
stop "$server_pid"

# One connection at a time: the reader finds out, and goes on with one.
configure_single() {
	configure
	sed -i 's/ThreadingHTTPServer/HTTPServer/' "$T/server/serve.py"
}
serve_with configure_single http
rm -rf "$T/cache"
mount_trusted
compare "$T/source" "$T/mnt"
unmount
