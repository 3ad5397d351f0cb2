#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a mount logs: a line for each thing that happened, with -v each fetch and with -vv each request, to a
# file, to systemd's journal with its fields; and on the terminal why a background mount is not there.
. "$(dirname "$0")/lib.sh"
need_fuse
need_program python3

m=$T/mnt log=$T/mount.log
mkdir -p "$T/source/sub" "$m"
head -c 300000 /dev/urandom >"$T/source/sub/file"
ln -s sub/file "$T/source/link"
publish "$T/source" "$T/store" --name logged
start_serve "$T/store" --http
trust=$(public_key)
mount_logged() { # [OPTION...]
	rm -rf "$log" "$T/cache"
	mount_at "$URL" "$m" --trust "$trust" --log "$log" -o open=plain "$@"
}
use() {
	stat "$m/sub" >"$T/stat"
	ls -lR "$m" >"$T/listing"
	cat "$m/link" >"$T/read"
	stat -f "$m" >"$T/statfs"
	! cat "$m/sub/absent" 2>"$T/absent" || fail "what is not there was read"
}
# has PATTERN [LINES]: extended; at least one line, or that many
has() {
	local lines
	lines=$(grep -cE "$1" "$log" || true)
	[ "${2:+$lines}" = "${2-}" ] && [ "$lines" -gt 0 ] || {
		cat "$log" >&2
		fail "$lines lines of: $1"
	}
}
time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z'

# a line at the mount and one at its end, and no other
mount_logged
use
unmount
has "^$time .*mounted.* on $m" 1
has "^$time .*unmounted" 1
[ "$(wc -l <"$log")" = 2 ] || fail "more than two lines: $(cat "$log")"

# each fetch, with its size and time
mount_logged -v
use
unmount
has "^$time fetched $URL.*blobs/[0-9a-f]{2}/[0-9a-f]{62}: [1-9][0-9]* bytes in [0-9]+\.[0-9] ms"
! grep -q debug "$log" || fail "requests with one -v"

# each request, with its path, what came of it, and its time
mount_logged -vv
use
unmount
ms='[0-9]+\.[0-9]{3} ms'
has "^$time debug: lookup of /sub/absent: ok, $ms"
has "debug: lookup of /sub: ok, $ms"
has "debug: readdirplus of /sub: ok, $ms"
has "debug: readlink of /link: ok, $ms" 1
has "debug: open of /sub/file: ok, $ms" 1
has "debug: read of /sub/file: ok, $ms, waited"
has "debug: statfs of /: ok, $ms"

# the journal: somebody stands in for it, and reads what it is sent
if unshare_works && ldd "$CAIRN" | grep -q libsystemd; then
	cat >"$T/journal.py" <<-'END'
		import os, socket, sys
		os.makedirs("/run/systemd/journal")
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("/run/systemd/journal/socket")
		s.settimeout(600)
		print("ready", flush=True)
		while True:
		    print("|".join(sorted(s.recv(65536).decode().splitlines())), flush=True)
	END
	export URL m trust
	in_namespace 'mount -t tmpfs none /run' sh -ec '
		python3 "$0/journal.py" >"$0/journal" &
		trap "kill $!" EXIT
		until grep -q ready "$0/journal"; do sleep 0.05; done
		"$CAIRN" mount "$URL" "$m" --trust "$trust" --cache "$0/cache2"
		stat "$m/sub" >"$0/stat"
		"$CAIRN" umount "$m"
		n=0
		until grep -q unmounted "$0/journal"; do
			n=$((n + 1))
			[ $n -lt 600 ]
			sleep 0.1
		done' "$T" || fail "no line for the journal: $(cat "$T/journal")"
	grep -qE "^CAIRN_MOUNTPOINT=$m\|CAIRN_URL=$URL/?\|MESSAGE=.*mounted.*\|PRIORITY=5\|SYSLOG_IDENTIFIER=cairn" \
		"$T/journal" || fail "the journal's fields: $(cat "$T/journal")"
fi

# why a background mount is not there: its process was killed before it could answer
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(3600)' >"$T/silent.port" &
pids+=("$!")
wait_until 5 test -s "$T/silent.port" || fail "no port"
"$CAIRN" mount "http://127.0.0.1:$(cat "$T/silent.port")" "$m" --trust "$trust" --cache "$T/cache3" 2>"$T/killed" &
starter=$!
daemon_of() { daemon=$(pgrep -P "$starter"); }
wait_until 20 daemon_of || fail "no process of the mount"
kill -KILL "$daemon"
! wait "$starter" || fail "it is said to be mounted"
grep -q '^cairn mount: the process of the mount was ended by signal 9' "$T/killed" ||
	fail "it does not say why: $(cat "$T/killed")"
say "the log tells what happened"
