#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# BusyBox's server, which says nothing of caches.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program busybox
busybox --list | grep -qx httpd || skip "this busybox has no httpd"

configure() { read -ra command < <(snippet busybox); }
make_source
serve_with configure http
read_all
read_broken
see_news
check_says 'manifest.json comes without Cache-Control' 'tags/stable.json comes without'
grep -q '^good .*parts of files' "$T/check.out" || fail "check: $(cat "$T/check.out")"
