#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Files with many runs of data, gigabytes of hole between them: what is read, stored and kept
# grows with the data alone, and a mount, `get`, `cp` and a prefetch give back the same runs.
. "$(dirname "$0")/lib.sh"
need_fuse
need_program python3

# Runs of a block, FILE COUNT STRIDE [FIRST]; no two blocks are the same.
make_runs() {
	python3 - "$@" <<-'END'
		import os, sys
		path, count, stride = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
		for i in range(int((sys.argv + ["0"])[4]), count):
		    os.pwrite(fd, (b"%08d" % i) * 512, i * stride)
		os.ftruncate(fd, count * stride)
	END
}
# The same runs, the same bytes in them, and what lies before and behind each is zero.
same_runs() { # FILE FILE COUNT
	python3 - "$@" <<-'END'
		import os, sys
		def runs(fd, size):
		    at = 0
		    while at < size:
		        try:
		            data = os.lseek(fd, at, os.SEEK_DATA)
		        except OSError:
		            return
		        at = os.lseek(fd, data, os.SEEK_HOLE)
		        yield data, at
		fds = [os.open(path, os.O_RDONLY) for path in sys.argv[1:3]]
		sizes = {os.fstat(fd).st_size for fd in fds}
		lists = [list(runs(fd, max(sizes))) for fd in fds]
		if len(sizes) > 1 or lists[0] != lists[1] or len(lists[0]) != int(sys.argv[3]):
		    sys.exit(f"{sizes}: {[len(l) for l in lists]} runs of {sys.argv[3]}")
		for data, hole in lists[0]:
		    at = max(data - 512, 0)
		    if os.pread(fds[0], hole + 512 - at, at) != os.pread(fds[1], hole + 512 - at, at):
		        sys.exit(f"other bytes at {data}")
	END
}
# Runs a command; the most memory that it had, in KiB, is in $peak.
measure() {
	peak=$(python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@" 2>"$T/measure.err") || {
		cat "$T/measure.err" >&2
		fail "$*"
	}
}
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$T/publish.out" "$1"; }
has_feature() { grep -q '"features":\[.*"extents".*\]' "$T/store/manifest.json"; }

s=$T/source
mkdir "$s"
far=5000 near=7000
! is_long || near=100000
make_runs "$s/few" 100 $((64 << 20))
[ "$(du -k "$s/few" | cut -f 1)" -lt 100000 ] || skip "$T cannot hold sparse files"
publish "$s" "$T/store" --json
! has_feature || fail "older readers are kept out though they know all of it"
[ "$(value read_bytes)" = $((100 * 4096)) ] || fail "holes were read: $(value read_bytes)"

# ---- more runs than an entry holds

make_runs "$s/far" $far $((64 << 20))
make_runs "$s/near" $near $((128 << 10))
ln "$s/near" "$s/other"
publish "$s" "$T/store" --json
has_feature || fail "older readers are not told"
[ "$(value read_bytes)" = $(((100 + far + near) * 4096)) ] ||
	fail "holes were read: $(value read_bytes)"

URL=file://$T/store
mount_at "$URL" "$T/mnt"
compare "$s" "$T/mnt"
same_runs "$s/far" "$T/mnt/far" $far
same_runs "$s/few" "$T/mnt/few" 100
[ "$(stat -c %b "$T/mnt/far")" = $((far * 8)) ] || fail "holes take space: $(stat "$T/mnt/far")"
ls -l "$T/mnt" >/dev/null
cp --sparse=auto "$T/mnt/far" "$T/copy"
same_runs "$s/far" "$T/copy" $far
rm "$T/copy"
unmount

"$CAIRN" stat --cache "$T/cache" "$URL" far | grep -q "bytes in $far extents" || fail "cairn stat"
rm -rf "$T/cache"
measure "$CAIRN" get --cache "$T/cache" "$URL" near "$T/got"
same_runs "$s/near" "$T/got" $near
[ "$peak" -lt 120000 ] || fail "get took $peak KiB"
say "get: $near runs, $peak KiB"
rm "$T/got"

# ---- all of it is brought ahead, the lists too

rm -rf "$T/cache"
"$CAIRN" prefetch --cache "$T/cache" "$URL" >"$T/prefetch"
mv "$T/store" "$T/away"
mount_at "$URL" "$T/mnt" --offline
same_runs "$s/near" "$T/mnt/near" $near
same_runs "$s/far" "$T/mnt/far" $far
unmount
mv "$T/away" "$T/store"

# ---- unchanged, changed, gone

measure "$CAIRN" publish "$s" "$T/store" --no-index --json
say "publish: $near runs, $peak KiB"
make_runs "$s/near" $near $((128 << 10)) 1
publish "$s" "$T/store" --json
[ "$(value new_blobs)" -lt 16 ] || fail "a run less made $(value new_blobs) blobs"
mount_at "$URL" "$T/mnt"
same_runs "$s/near" "$T/mnt/near" $((near - 1))
unmount
rm "$s/near" "$s/far" "$s/other"
publish "$s" "$T/store" --json
! has_feature || fail "older readers are kept out for what is gone"
