# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of web servers, caches and proxies share, with all that the end-to-end
# tests have. How a server is set up is what doc/servers.md says: a test takes the block
# of that document that follows `<!-- NAME -->`, replaces what is in capitals there, and
# adds only what lets the server run without privileges below $T.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

need_fuse
PATH=$PATH:/usr/sbin
chmod 711 "$T" # servers that give up root read the store and write their logs
mkdir -p "$T/nginx" "$T/server"
make_certificate
CERT=$T/nginx/cert.pem KEY=$T/nginx/key.pem CACERT=$T/nginx/ca.pem
chmod 644 "$KEY"
server_user=$(if is_root; then echo www-data; else id -un; fi)
if is_root; then chown "$server_user" "$T/server"; fi

# Writes a block of doc/servers.md to standard output. Every NAME=VALUE replaces a word.
snippet() { # BLOCK [NAME=VALUE...]
	local block=$1 word words=()
	shift
	for word in "$@" ADDRESS=127.0.0.1 HOST=127.0.0.1 PORT="${PORT-}" STORE="$T/store" CERT="$CERT" KEY="$KEY"; do
		words+=(-e "s|\\b${word%%=*}\\b|${word#*=}|g")
	done
	awk -v mark="<!-- $block -->" '
		/^```/ { if (inside) exit; if (wanted) { inside = 1; next } }
		inside { print; found = 1 }
		$0 == mark { wanted = 1 }
		END { exit !found }' "$top/doc/servers.md" | sed "${words[@]}" ||
		fail "doc/servers.md has no block $block"
}

server_answers() { # or is gone: then there is nothing to wait for
	! kill -0 "$server_pid" 2>/dev/null ||
		curl -s --noproxy '*' -o /dev/null --cacert "$CACERT" "$URL/manifest.json"
}

# Starts what FUNCTION describes: it writes a configuration for $PORT and sets `command`,
# which stays in the foreground. Sets PORT, URL and server_pid.
command=()
serve_with() { # FUNCTION [SCHEME]
	for _ in 1 2 3; do
		PORT=$(free_port)
		URL=${2-https}://127.0.0.1:$PORT
		"$1"
		"${command[@]}" >>"$T/server/output" 2>&1 &
		server_pid=$!
		pids+=("$server_pid")
		! wait_until 30 server_answers || ! kill -0 "$server_pid" 2>/dev/null || return 0
		stop "$server_pid"
	done
	tail -n 15 "$T"/server/{output,*.log} >&2 2>/dev/null || true
	fail "${command[0]} does not start"
}

# nginx with what is read from standard input inside of `http`.
nginx_serves() { # NAME
	{
		nginx_configuration none 0 0 |
			sed "s|nginx/access.log|server/$1.log|; s|^\t*pid .*|pid $T/server/$1.pid;|
				/server {/,\$d"
		cat
		echo '}'
	} >"$T/server/$1.conf"
	command=(nginx -p "$T/nginx" -c "$T/server/$1.conf" -e "$T/server/error.log")
}
# nginx as the document has it, without TLS, behind what is tried.
configure_origin() {
	nginx_serves origin < <(
		snippet nginx | sed "/ssl_certificate/d; s/ ssl http2//; ${origin_edit-}"
	)
}
start_origin() { # [EDIT]
	origin_edit=${1-}
	serve_with configure_origin http
	origin_port=$PORT origin_pid=$server_pid
}

# A dataset of a few hundred small files, and some of several chunks.
make_source() {
	local i
	mkdir -p "$T/source/small"
	for i in $(seq 300); do
		mkdir -p "$T/source/small/$((i % 12))"
		seq "$i" $((i * 40)) >"$T/source/small/$((i % 12))/$i"
	done
	for i in 1 2 3; do head -c 3000000 /dev/urandom >"$T/source/big-$i"; done
	truncate -s 5000000 "$T/source/sparse"
	printf x | dd of="$T/source/sparse" bs=1 seek=2500000 conv=notrunc status=none
	publish "$T/source" "$T/store" --name data --tag stable
	trust=(--cacert "$CACERT" --trust "$(public_key)")
}
mount_trusted() { mount_at "$URL" "$T/mnt" "${trust[@]}" "$@"; }

# What a reader sees is what was published: read through a mount, and fetched before.
read_all() {
	rm -rf "$T/cache"
	mount_trusted
	compare "$T/source" "$T/mnt"
	unmount
	rm -rf "$T/cache"
	"$CAIRN" prefetch "$URL" --cache "$T/cache" "${trust[@]}" >"$T/prefetch.out" 2>&1 ||
		fail "prefetch: $(tail -n 3 "$T/prefetch.out")"
	mount_trusted --offline
	compare "$T/source" "$T/mnt"
	unmount
}

# The connection breaks off again and again in the middle of a file, and all comes.
read_broken() {
	local port=${URL##*:}
	start_proxy "$port"
	proxy fault reset 900000 6
	URL=${URL%:*}:$PROXY_PORT read_all
	proxy quit
}

list() { "$CAIRN" ls "$URL" --cache "$T/cache" "${trust[@]}" "$@"; }
revision=1
publish_next() { # [FILE]: the next revision, with the tag moved to it
	revision=$((revision + 1))
	echo "$revision" >"$T/source/news-$revision"
	publish "$T/source" "$T/store" --tag stable
}
# A new revision is seen by who asks next, and so is a tag that was moved.
see_news() {
	list >/dev/null
	list --tag stable >/dev/null
	publish_next
	list | grep -qx "news-$revision" || fail "an old revision"
	list --tag stable | grep -qx "news-$revision" || fail "an old tag"
	mount_trusted
	compare "$T/source" "$T/mnt"
	unmount
}

# What was not there when it was first asked for is there when it came: a node of a site may
# get blobs later than another, and a cache must not remember that.
see_late_blobs() {
	local stamp=$T/stamp blobs=() blob
	touch -d '1 second ago' "$stamp"
	publish_next
	mapfile -t blobs < <(cd "$T/store" && find blobs -type f -newer "$stamp")
	[ ${#blobs[@]} -gt 0 ] || fail "nothing is new"
	mkdir -p "$T/late"
	for blob in "${blobs[@]}"; do mv "$T/store/$blob" "$T/late/${blob##*/}"; done
	for blob in "${blobs[@]}"; do
		curl -s -o /dev/null --cacert "$CACERT" "$URL/$blob"
		curl -s -o /dev/null --cacert "$CACERT" "$URL/$blob"
	done
	for blob in "${blobs[@]}"; do mv "$T/late/${blob##*/}" "$T/store/$blob"; done
	rm -rf "$T/cache"
	mount_trusted --timeout 10
	compare "$T/source" "$T/mnt"
	unmount
}

check() {
	"$CAIRN" check "$URL" "${trust[@]}" --tag stable >"$T/check.out" 2>"$T/check.err"
}
# `cairn check` finds nothing wrong, and advises nothing but what matches.
check_is_fine() { # [ADVICE]
	check || fail "check: $(cat "$T/check.out" "$T/check.err")"
	! grep '^advice' "$T/check.out" | grep -vE "${1:-^$}" >"$T/advice" ||
		fail "check: $(cat "$T/advice")"
}
check_says() { # PATTERN...
	local pattern
	! check || fail "check finds nothing: $(cat "$T/check.out")"
	for pattern; do
		grep -qE "^wrong .*$pattern" "$T/check.out" || fail "no word of $pattern: $(cat "$T/check.out")"
	done
}

# All of it, for a server that is set up as the document says.
try_server() { # [ADVICE]
	check_is_fine "${1-}"
	read_all
	read_broken
	see_news
	see_news
	check_is_fine "${1-}"
}
