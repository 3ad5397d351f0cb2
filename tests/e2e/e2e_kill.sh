#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A mount that dies in the middle of reads leaves a cache that the next one uses without
# complaint and without one wrong byte.
. "$(dirname "$0")/lib.sh"
need_fuse
need_program nginx
no_complaint() {
	! grep -v '^cairn: mounted ' "$T/mount.err" || fail "it complains"
}

mkdir "$T/source"
sample_tree "$T/source" 1500 20
for i in 1 2 3 4 5 6; do head -c 8000000 /dev/urandom >"$T/source/big-$i"; done
publish "$T/source" "$T/store"
start_nginx "$T/store"
# 160 Mbit/s: so that the reads last while they are interrupted
start_proxy "$PLAIN_PORT" -r 160e6
URL=http://127.0.0.1:$PROXY_PORT
key=$(public_key)

for delay in 0.3 0.7 0.05 1.1; do
	"$CAIRN" mount -f "$URL" "$T/mnt" --trust "$key" --cache "$T/cache" 2>"$T/mount.err" &
	mount_pid=$!
	pids+=("$mount_pid")
	wait_until 10 mountpoint -q "$T/mnt" || fail "no mount: $(cat "$T/mount.err")"
	readers=()
	for i in 1 2 3 4 5 6; do
		cat "$T/mnt/big-$i" >/dev/null 2>&1 &
		readers+=($!)
	done
	find "$T/mnt" -type f -exec cat {} + >/dev/null 2>&1 &
	readers+=($!)
	sleep "$delay"
	kill -KILL "$mount_pid"
	wait "$mount_pid" 2>/dev/null || true
	if is_root; then umount -l "$T/mnt"; else fusermount3 -uz "$T/mnt"; fi
	for reader in "${readers[@]}"; do wait "$reader" || true; done
	no_complaint
done

before=$(wc -l <"$T/nginx/access.log")
mount_at "$URL" "$T/mnt" --trust "$key"
no_complaint
compare "$T/source" "$T/mnt"
unmount
say "$before requests before, $(($(wc -l <"$T/nginx/access.log") - before)) for the rest"
"$CAIRN" cache verify --cache "$T/cache" || fail "the cache holds wrong bytes"
