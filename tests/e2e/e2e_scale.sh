#!/bin/bash
# SPDX-License-Identifier: MIT
# The measurement of growth, on the smallest of its trees and one ten times as large: every
# row has its figures, and what must not grow with the tree is the same in both.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
need_program nginx
need_program python3
find_program ./contrib/benchmark/fsload >/dev/null
find_program ./contrib/benchmark/make_store >/dev/null
find_program ./contrib/benchmark/treeload >/dev/null

"$top/contrib/benchmark/scale" --build . --up-to 100000 --directory "$T/scale" \
	--json "$T/out.json" >"$T/out.txt" 2>"$T/err" || fail "$(tail -n 3 "$T/err")"
[ -z "$(ls -A "$T/scale")" ] || fail "it leaves its work"
[ -z "$(mounts_below)" ] || fail "it leaves mounts"
grep -q '^entries .* 10539 *100726 ' "$T/out.txt" || fail "$(cat "$T/out.txt")"

python3 - "$T/out.json" <<'END' || fail "$(cat "$T/out.txt")"
import json, os, sys
rows = {row["key"]: row for row in json.load(open(sys.argv[1]))["rows"]}
cold = {"find_again_rate", "stat_cold"}  # not without root

def check(what, key, true):
    if not true:
        sys.exit(f"{what}: {rows[key]}")

for key, row in rows.items():
    if key not in cold or os.access("/proc/sys/vm/drop_caches", os.W_OK):
        check("no figure", key, len(row["values"]) == 2 and all(row["values"]))
small, large = (dict(zip(rows, values)) for values in zip(*(r["values"] for r in rows.values())))

# A listing fetches all pages, of some hundreds of entries each, and the manifest.
for figures in small, large:
    check("pages", "find_requests", 100 < figures["entries"] / figures["find_requests"] < 700)
check("the manifest is enough", "again_requests", large["again_requests"] <= 2)
# Ten leaves, a few more where an edit moved a cut, and the pages above them.
check("an update of ten", "few_changes", small["few_changes"] == large["few_changes"] == 10)
check("an update of ten", "few_requests", 10 < large["few_requests"] <= 10 + 30)
check("an update of ten", "few_requests", large["few_requests"] < large["find_requests"] / 5)
# As many changes cost less where they lie together.
for kind in "spread", "together":
    check("an update of 1%", f"{kind}_changes",
          0.8 < large[f"{kind}_changes"] / large["entries"] * 100 < 1.2)
check("an update of 1%", "together_requests",
      large["together_requests"] < large["spread_requests"] / 5)
check("a first mount", "mount_requests", large["mount_requests"] <= small["mount_requests"] + 4)
check("an exponent", "spread_requests", 0.8 < rows["spread_requests"]["exponent"] < 1.2)
END
say "10 changes among $(awk '$1 == "entries" { print $3 }' "$T/out.txt") entries: all as it should be"

# what an update costs a mount that knows all names
if is_long; then
	"$top/contrib/benchmark/updates" --build . --up-to 10000 --rounds 1 --no-reader \
		--directory "$T/scale" >"$T/out.txt" 2>"$T/err" || fail "$(tail -n 3 "$T/err")"
	[ -z "$(ls -A "$T/scale")" ] || fail "the updates leave their work"
	# ENTRIES CHANGED SECONDS REQUESTS: of one file some pages, of half of them all
	awk '$1 == 10000 { n++; if ($2 == 1 ? $4 > 8 : $4 > 60) exit 1 } END { exit n != 4 }' "$T/out.txt" ||
		fail "$(cat "$T/out.txt")"
fi
