#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# HAProxy over two nodes, as doc/servers.md sets it up: one of them lags, or dies in the
# middle of a read; a limit on requests.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program haproxy
need_program nginx

configure_node() { # $node
	nginx_serves "node$node" < <(
		snippet nginx STORE="$T/node$node" | sed '/ssl_certificate/d; s/ ssl http2//'
	)
}
configure() {
	cat "$CERT" "$KEY" >"$T/server/both.pem"
	snippet haproxy CERT="$T/server/both.pem" NODE1="127.0.0.1:${ports[1]}" NODE2="127.0.0.1:${ports[2]}" |
		sed "$edit" >"$T/server/conf"
	[ -z "$limit" ] || sed -i "/default_backend/r $limit" "$T/server/conf"
	command=(haproxy -db -f "$T/server/conf")
}
start_node() { # NUMBER
	node=$1
	mkdir -p "$T/node$node"
	copy_to "$node"
	serve_with configure_node http
	ports[node]=$PORT
	nodes[node]=$server_pid
}
# As the document says: with times, what changes last.
copy_to() { # NUMBER
	rsync -a --exclude /manifest.json --exclude /tags/ "$T/store/" "$T/node$1/"
	rsync -a "$T/store/" "$T/node$1/"
}
publish_next() {
	revision=$((revision + 1))
	echo "$revision" >"$T/source/news-$revision"
	publish "$T/source" "$T/store" --tag stable
	copy_to 1
	copy_to 2
}
make_source
nodes=() ports=() edit='' limit=''
start_node 1
start_node 2
serve_with configure
try_server

# Of 127.0.0.1, one node is asked; it has not got its blobs yet, and the other has.
asked=1
[ "$(grep -c blobs "$T/server/node1.log" || true)" -gt 100 ] || asked=2
mv "$T/node$asked/blobs" "$T/node$asked/later"
read_all
grep -q 'blobs/.* 404 ' "$T/server/node$asked.log" || fail "node $asked does not lag"
stop "$server_pid"

# HAProxy hands that on: the reader asks again until the node has them.
edit='s/ 404 / /'
serve_with configure
rm -rf "$T/cache"
"$CAIRN" get "$URL" big-1 "$T/got" --cache "$T/cache" "${trust[@]}" 2>"$T/get.err" &
reader=$!
pids+=("$reader")
: >"$T/server/node$asked.log"
wait_until 20 grep -q 'blobs/.* 404 ' "$T/server/node$asked.log" || fail "nothing was asked for"
mv "$T/node$asked/later" "$T/node$asked/blobs"
wait "$reader" || fail "get from a lagging node: $(cat "$T/get.err")"
cmp "$T/source/big-1" "$T/got"
stop "$server_pid"

# A node dies while it is read from.
edit=''
serve_with configure
rm -rf "$T/cache"
mount_trusted
start=$(wc -l <"$T/server/node$asked.log")
cat "$T/mnt"/big-* >"$T/got" &
reader=$!
pids+=("$reader")
more_was_asked() { [ "$(wc -l <"$T/server/node$asked.log")" -gt "$start" ]; }
wait_until 20 more_was_asked || fail "nothing was asked for"
kill -KILL "${nodes[asked]}"
wait "$reader" || fail "a read over a node that dies"
cat "$T/source"/big-* | cmp - "$T/got"
compare "$T/source" "$T/mnt"
unmount
stop "$server_pid"

# A limit that is far too low makes readers slow, and no more.
snippet haproxy-limit RATE=60 >"$T/server/limit"
limit=$T/server/limit
serve_with configure
read_all
