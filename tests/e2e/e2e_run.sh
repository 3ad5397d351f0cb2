#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs run from the mount, with their libraries mapped from it.
. "$(dirname "$0")/lib.sh"
need_fuse

s=$T/source
mkdir -p "$s/bin" "$s/lib"
for program in ls sleep sha256sum sort; do cp "$(command -v $program)" "$s/bin"; done
for program in "$s"/bin/*; do
	ldd "$program" | grep -oE '/[^ ]+' | while read -r library; do
		[ -e "$s/lib/${library##*/}" ] || cp -L "$library" "$s/lib"
	done
done
printf '#!/bin/sh\nexec echo "ran with $# arguments"\n' >"$s/bin/script"
chmod 755 "$s/bin/script"
python=$(ls -d /usr/lib/python3.*/os.py 2>/dev/null | head -n 1) || true
if [ -n "$python" ] && [ -x /usr/bin/python3 ]; then
	mkdir "$s/python"
	cp -a "${python%/os.py}" "$s/python/"
fi

publish "$s" "$T/store"
start_serve "$T/store"
mount_url
m=$T/mnt
loader=$(basename "$s"/lib/ld-*)
run() { "$m/lib/$loader" --library-path "$m/lib" "$m/bin/$1" "${@:2}"; }

[ "$(run ls "$s/lib")" = "$(ls "$s/lib")" ] || fail "ls from the mount"
[ "$(run sha256sum <"$s/bin/ls")" = "$(sha256sum <"$s/bin/ls")" ] || fail "sha256sum"
[ "$("$m/bin/script" one two)" = "ran with 2 arguments" ] || fail "script"

"$m/lib/$loader" --library-path "$m/lib" "$m/bin/sleep" 30 &
sleeper=$!
pids+=("$sleeper")
wait_until 5 grep -qF "$m/lib/libc.so" "/proc/$sleeper/maps" ||
	fail "libc is not mapped from the mount"
stop "$sleeper"

# several at once, kernel caches cold
[ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
jobs=()
for i in $(seq 8); do
	(seq 20000 -1 1 | run sort -n | cmp - <(seq 20000)) &
	jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || fail "sort from the mount"; done

if [ -d "$s/python" ]; then
	library=$(ls -d "$m"/python/python3.*)
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$library /usr/bin/python3 -S -c '
import sys, json, email.message, decimal
assert json.__file__.startswith(sys.argv[1]), json.__file__
print(json.dumps({"third": str(decimal.Decimal(1) / 3)}))' "$m" >"$T/python.out"
	grep -q third "$T/python.out" || fail "python"
fi
unmount
