#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The limits that a process or a container is given: sizes of files, descriptors, memory.
# What runs out is named, nothing is killed, and a mount outlives it.
. "$(dirname "$0")/lib.sh"

s=$T/source
mkdir -p "$s/small"
head -c 6000000 /dev/urandom >"$s/large"
for i in $(seq 60); do head -c 3000 /dev/urandom >"$s/small/$i"; done
publish "$s" "$T/store"
url=file://$T/store

# limited LIMIT VALUE COMMAND...
limited() (
	ulimit -S "$1" "$2"
	"${@:3}"
)

# ---- sizes of files (ulimit -f, KiB): SIGXFSZ ends nobody

expect 1 "large.*File too large" limited -f 2000 "$CAIRN" get "$url" large "$T/large" --cache "$T/cache"
! limited -f 2000 "$CAIRN" prefetch "$url" --cache "$T/cache" 2>"$T/err" || fail "prefetch, ulimit -f"
grep -q "ulimit -f" "$T/err" || fail "prefetch does not say why: $(cat "$T/err")"
expect 1 "File too large" limited -f 300 "$CAIRN" publish "$s" "$T/store2"
expect 1 "File too large" limited -f 4 "$CAIRN" prefetch "$url" --cache "$T/cache2"

need_fuse
limited -f 2000 "$CAIRN" mount "$url" "$T/mnt" --cache "$T/cache3" --log "$T/log" || fail "mount, ulimit -f"
compare "$s" "$T/mnt"
unmount

# ---- descriptors (ulimit -n): the right answer in time, or the word for it

start_serve "$T/store"
with_descriptors() { # COUNT
	local at=$T/files$1 got=0
	limited -n "$1" timeout 30 "$CAIRN" ls "${URL/127.0.0.1/localhost}" --cacert "$CACERT" \
		--cache "$at" --timeout 1 >"$at.out" 2>"$at.err" || got=$?
	case $got in
	0) grep -qx large "$at.out" ;;
	1) tail -n 1 "$at.err" | grep -qi "too many open files" ;;
	*) false ;;
	esac || fail "ulimit -n $1: status $got: $(cat "$at.err")"
}
tries=()
for n in 8 12 15 16 17 18 19 20 22 24; do
	with_descriptors "$n" &
	tries+=($!)
done
for n in "${tries[@]}"; do wait "$n" || fail "ulimit -n"; done

# a mount that loses them, and gets them back
mount_at "file://$T/store" "$T/mnt" --log "$T/log" --timeout 1
for daemon in $(daemon_pids); do
	! tr '\0' ' ' <"/proc/$daemon/cmdline" | grep -q " mount " || break
done
if prlimit --pid "$daemon" --nofile=3: 2>/dev/null; then
	! cat "$T/mnt/large" >/dev/null 2>"$T/err" || fail "read without descriptors"
	grep -q "Too many open files" "$T/err" || fail "not the word for it: $(cat "$T/err")"
	grep -q "too many open files" "$T/log" || fail "the log does not say it: $(cat "$T/log")"
	prlimit --pid "$daemon" --nofile=1024:
fi
compare "$s" "$T/mnt"
unmount

# ---- memory: a container of 32 MiB is enough, by itself and with all at once

if is_root && make_group $((32 << 20)); then
	in_group "$CAIRN" mount "$URL" "$T/mnt" --cacert "$CACERT" --cache "$T/cache4" --log "$T/log" -v ||
		fail "mount in a container"
	grep -q "memory=4096K" "$T/log" || fail "the container's limit is not seen: $(cat "$T/log")"
	readers=()
	for i in 1 2 3 4; do
		cmp "$s/large" "$T/mnt/large" &
		readers+=($!)
	done
	compare "$s" "$T/mnt"
	for i in "${readers[@]}"; do wait "$i" || fail "a reader of a mount in a container"; done
	unmount
else
	say "no control group for memory can be made here: container not tested"
fi

# ---- hard links cost a bounded amount of memory: with all first names in it, it would be twice as much
is_long && command -v python3 >/dev/null && ! grep -q __asan_init "$CAIRN" || exit 0
python3 - "$T/pairs" <<'END'
import os, sys
for d in range(150):
    os.makedirs(f"{sys.argv[1]}/{d}")
    for i in range(1000):
        path = f"{sys.argv[1]}/{d}/a{i}"
        with open(path, "w") as f:
            f.write(f"{d} {i}\n")
        os.link(path, f"{sys.argv[1]}/{d}/b{i}")
END
peak=$(python3 - "$CAIRN" publish "$T/pairs" "$T/pairs-store" --memory 64M --no-index <<'END'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
)
say "150000 pairs of hard links: a peak of $peak KiB"
[ "$peak" -lt 65536 ] || fail "--memory 64M, and it took $peak KiB"
