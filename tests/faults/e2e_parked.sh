#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Many readers that wait for a server which accepts and never answers: who needs only what
# is in the cache does all of it while every one of them still waits, each of them can be
# interrupted, all go on when the server is back, and fail at their deadline when it is not.
# The server is silent for 300 s: who waited for it would not be done by then. At which pace
# others go on is for `parked load` to measure, on a quiet machine.
. "$(dirname "$0")/../e2e/lib.sh"
need_fuse
need_program nginx
PARKED=$(find_program ./tests/e2e/parked ./parked)

readers=200
if is_quick; then readers=100; fi

# In `far` the names that readers look up (0, 1, ...) are pages away from those before ("!")
# and behind them ("~").
mkdir -p "$T/source/away" "$T/source/far" "$T/source/list"
for i in $(seq 0 $((readers - 1))); do
	head -c 200000 /dev/urandom >"$T/source/away/$i"
	: >"$T/source/far/$i"
done
(cd "$T/source/far" && seq -f '!%04g' 3000 | xargs touch && seq -f '~%04g' 3000 | xargs touch)
for i in $(seq 100); do echo "$i" >"$T/source/list/$i"; done
head -c 2000000 /dev/urandom >"$T/source/file"
publish "$T/source" "$T/store"
start_nginx "$T/store"
start_proxy "$PLAIN_PORT"
URL=http://127.0.0.1:$PROXY_PORT
m=$T/mnt
key=$(public_key)

# The attributes of what is read, the contents of what others read meanwhile, and no more:
# `away` comes before `list` in the order of the tree, so nothing of it is fetched ahead.
mount_dead() { # [OPTION...]
	rm -rf "$T/cache"
	proxy fault none
	mount_at "$URL" "$m" --trust "$key" "$@"
	ls -l "$m" "$m/away" "$m/list" "$m/far/!0001" >/dev/null
	cat "$m"/file "$m"/list/* >/dev/null
	proxy fault blackhole
}

# ends WAY [DIRECTORY]: how readers that nobody interrupts end, into $T/ends
ends() { "$PARKED" wait -w "$1" -n "$readers" "$m/${2-away}" >"$T/ends"; }

# ends_begin WAY [DIRECTORY]: as `waiter` in the background, all have begun when it comes back
ends_begin() {
	rm -f "$T/ends"
	ends "$@" &
	waiter=$!
	wait_until 60 grep -qs begun "$T/ends" || fail "the readers do not begin"
	sleep 0.3
	[ "$(cat "$T/ends")" = begun ] || fail "the readers do not wait: $(cat "$T/ends")"
}

# all_end ERRNO [ERRNO]: every one of them has ended in that way (in one of both)
all_end() {
	awk -v n="$readers" -v a="$1" -v b="${2-$1}" \
		'$1 == a || $1 == b { n -= $2 } END { exit n != 0 }' "$T/ends" ||
		fail "readers did not all end with errno $*: $(cat "$T/ends")"
}

why_says() { "$CAIRN" why "$m" >"$T/why" && grep -q "$1" "$T/why"; }

# ---- nobody else notices, and each can be interrupted
mount_dead --timeout 300
why_says "^$m: nothing waits$" || fail "something waits: $(cat "$T/why")"
beside() { timeout 120 "$PARKED" beside -n "$readers" -l 0,0,60000 "$@"; }
beside "$m/away" "$m" ||
	fail "parked readers stop the others, or cannot be interrupted"
beside -w mmap "$m/away" ||
	fail "who waits for a mapped page cannot be interrupted"
beside -w stat "$m/far" "$m" ||
	fail "who looks up a name stops the others, or cannot be interrupted"

# ---- the rest go on when the server is back
ends_begin read
proxy fault none
wait "$waiter" || fail "waiting readers"
all_end 0
compare "$T/source" "$m"
unmount

# ---- nor is anybody stopped in the very directory that others wait for
mount_dead --timeout 60
ends_begin stat far
# Who waits for what is told meanwhile, without the server and without holding up anybody.
"$CAIRN" why "$m" >"$T/why"
grep -c "^parked (pid [0-9]*) has waited for .*: lookup of $m/far/[0-9]*$" "$T/why" >"$T/count" || true
[ "$(cat "$T/count")" -ge "$readers" ] || fail "not all are told of: $(cat "$T/count")"
grep -q "^  page [0-9a-f]\{64\}$" "$T/why" || fail "no blob: $(head "$T/why")"
grep -q "^    asked for: $URL, try 1, [0-9.]* s left$" "$T/why" || fail "no mirror: $(head "$T/why")"
"$CAIRN" why "$m" --json | python3 -c '
import json, sys
why = json.load(sys.stdin)
assert why["parked"] == len(why["requests"]) >= int(sys.argv[1]), why["parked"]
for r in why["requests"]:
    assert r["process"]["comm"] == "parked" and r["process"]["pid"] > 0, r
    assert r["path"].startswith("far/") and 0 < r["left_ms"] < 60000, r
    assert r["blob_count"] >= 1 and len(r["blobs"][0]["digest"]) == 64, r
' "$readers" || fail "cairn why --json"
stat "$m/far/!0002" >/dev/null
[ "$(cat "$T/ends")" = begun ] || fail "a name that is known waits for those that are not"
proxy fault none
wait "$waiter" || fail "waiting readers"
all_end 0
unmount

# ---- unmounted under its readers
mount_dead --timeout 300
ends_begin read
"$CAIRN" umount --lazy "$m"
wait_for_daemons & # it ends by itself only when they have
proxy fault none
wait "$waiter" || fail "waiting readers"
all_end 0
wait_for_daemons || fail "the daemon stays after a lazy unmount"

# ---- no server at all: each has its own deadline, and waits for no second one
mount_dead --timeout 10 --log "$T/log"
ends_begin read
wait "$waiter" || fail "waiting readers"
all_end 110 # ETIMEDOUT
awk '$1 == 110 { exit !($3 > 9900 && $4 < 19800) }' "$T/ends" ||
	fail "a deadline of 10 s: $(cat "$T/ends")"
proxy fault refuse
sleep 1.1 # a read that has just failed fails again for a second (fs/recent_failures.h)
ends_begin read
wait_until 10 why_says "^    last error: $URL/blobs/.*: " || fail "no error: $(head "$T/why")"
wait "$waiter" || fail "waiting readers"
all_end 101 110 # ENETUNREACH; ETIMEDOUT, where its turn to ask has not come by then
proxy fault none
wait_until 20 cat "$m"/away/* >/dev/null || fail "no read though the server is back"
unmount
# The log has a line for the outage, however many waited, and one for its end.
logged() { # COUNT PATTERN
	[ "$(grep -c "$2" "$T/log")" = "$1" ] || fail "not $1 of '$2': $(cat "$T/log")"
}
logged 1 " mounted $URL on $m: revision 1 "
logged 1 " warning: read of /away/"
logged 1 " $URL cannot be reached: "
logged 1 " $URL answers again, after [0-9]* s"
logged 1 " unmounted $m"

# ---- what is read is told in its order to who listens, until he goes
mount_at "$URL" "$m" --trust "$key" -o xattrs
"$CAIRN" trace "$m" -o "$T/trace" &
tracer=$!
wait_until 20 test -e "$T/trace" || fail "no trace"
cat "$m/list/7" "$m/file" "$m/list/8" >/dev/null
wait_until 20 grep -q '"path":"list/8"' "$T/trace" || fail "the trace: $(cat "$T/trace")"
kill "$tracer"
python3 -c '
import json, sys
seen = [json.loads(line) for line in open(sys.argv[1])]
first = list(dict.fromkeys(e["path"] for e in seen))
assert first == ["list/7", "file", "list/8"], first
assert all(e["operation"] == "read" and e["size"] > 0 for e in seen)
assert sum(e["size"] for e in seen if e["path"] == "file") >= 2000000
' "$T/trace" || fail "the trace: $(head "$T/trace")"
"$CAIRN" prefetch "$m" --profile "$T/trace" >/dev/null || fail "what was traced cannot be prefetched"
# What the mount tells of a file to who asks, and lists to nobody.
python3 -c '
import hashlib, os, sys
source, path = sys.argv[1:]
data = open(source, "rb").read()
get = lambda name, of=path: os.getxattr(of, "user.cairn." + name).decode()
assert get("digest") == hashlib.sha256(data).hexdigest()
assert len(get("object")) == 64 and get("resident") == str(len(data))
assert get("revision") == get("revision", os.path.dirname(path)) == "1"
try:
    assert not os.listxattr(path)
except OSError:
    pass # the kernel was told that there are none
assert get("revision") == "1"
' "$T/source/away/0" "$m/away/0" || fail "extended attributes"
unmount
