#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# HAProxy over two nodes, as doc/servers.md sets it up: one of them lags, or dies in the
# middle of a read; nodes that are not equal; a limit on requests; its cache.
# shellcheck source=tests/servers/lib.sh
. "$(dirname "$0")/lib.sh"
need_program haproxy
need_program nginx

configure_node() { # $node
	nginx_serves "node$node" < <(
		snippet nginx STORE="$T/node$node" | sed "/ssl_certificate/d; s/ ssl http2//; ${origin_edit-}"
	)
}
configure() {
	cat "$CERT" "$KEY" >"$T/server/both.pem"
	{
		cat <<<"$cache"
		snippet haproxy CERT="$T/server/both.pem" NODE1="127.0.0.1:${ports[1]}" NODE2="127.0.0.1:${ports[2]}" |
			sed "$edit"
	} >"$T/server/conf"
	cat <<<"$frontend" >"$T/server/frontend"
	sed -i "/default_backend/r $T/server/frontend" "$T/server/conf"
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
nodes=() ports=() edit='' frontend='' cache=''
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

# ---- readers that see both nodes
edit='s/balance source/balance roundrobin/'
serve_with configure
check_is_fine
touch -d '1 hour ago' "$T/node1/manifest.json"
check || fail "check: $(cat "$T/check.out")"
grep -q '^advice .*copy the store to all nodes with its times' "$T/check.out" ||
	fail "check: $(cat "$T/check.out")"
revision=$((revision + 1))
echo "$revision" >"$T/source/news-$revision"
publish "$T/source" "$T/store" --tag stable
copy_to 1
check_says "revisions $((revision - 1)) and $revision in turn: its nodes are not equal"
copy_to 2
stop "$server_pid"

# ---- its cache
blobs_asked() { cat "$T"/server/node?.log | grep -c "GET /blobs/.* 20[06] " || true; }
cache=$(snippet haproxy-cache MEGABYTES=64)
frontend=$(snippet haproxy-cache-use)
edit=''
serve_with configure
try_server
see_late_blobs
read_all
before=$(blobs_asked)
read_all
[ "$(blobs_asked)" = "$before" ] || fail "HAProxy keeps no blobs"
stop "$server_pid"

frontend=$(snippet haproxy-cache-use | sed 's/ or part//')
serve_with configure
read_all
read_broken
check || fail "check: $(cat "$T/check.out")"
grep -q '^advice .*parts of files cannot be asked for' "$T/check.out" || fail "check: $(cat "$T/check.out")"
stop "$server_pid"

# All is kept, even what comes without headers, but for readers, who ask past it.
for node in 1 2; do
	stop "${nodes[node]}"
	origin_edit=/add_header/d start_node "$node"
done
frontend=$(snippet haproxy-cache-use | sed 's/newest or //')
serve_with configure
see_news
curl -s -o /dev/null --cacert "$CACERT" "$URL/manifest.json"
publish_next
check_says 'manifest.json comes without Cache-Control' "hands out revision $((revision - 1)), and the server has $revision"
stop "$server_pid"
cache='' frontend=''

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
frontend=$(snippet haproxy-limit RATE=60)
serve_with configure
read_all
