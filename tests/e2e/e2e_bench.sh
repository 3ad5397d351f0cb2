#!/bin/bash
# SPDX-License-Identifier: MIT
# The bench, with datasets as small as it has them: each row is measured (one of each kind,
# but with CAIRN_LONG=1), what was read is compared, and what is wrong is not taken for a
# measurement.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_fuse
need_program nginx
need_program python3
bench=$top/contrib/benchmark
FSLOAD=$(find_program ./contrib/benchmark/fsload)
find_program ./contrib/benchmark/make_store >/dev/null

# figures ROW: what cairn did there, one number a line; trouble ROW: why it did not
figures() { read_json "print(*system(sys.argv[2])['figures'], sep='\n')" "$1"; }
trouble() { read_json "print(system(sys.argv[2])['trouble'] or '')" "$1"; }
read_json() {
	python3 -c '
import json, sys
rows = {r["key"]: r for r in json.load(open(sys.argv[1]))["rows"]}
def system(key):
    return next(s for name, s in rows[key]["systems"].items() if name.startswith("cairn"))
'"$1" "$T/out.json" "${2-}"
}

"$bench/compare" --build . --list >"$T/rows"
if ! is_long; then
	sed -n '/^\(stat-warm\|list-cold\|read-warm\|map\|random-far\|first-mount\|tar\|prefetch-mixed\|publish-second\|update-many\) /p' \
		"$T/rows" >"$T/some"
	mv "$T/some" "$T/rows"
fi
"$bench/compare" --build . --profile tiny --directory "$T/bench" --json "$T/out.json" \
	--only "$(awk '{ print $1 }' "$T/rows" | paste -sd,)" \
	--svg "$T/out.svg" >"$T/out.txt" 2>"$T/err" || fail "$(tail -n 3 "$T/err")"
[ "$(wc -l <"$T/rows")" = "$(read_json 'print(len(rows))')" ] || fail "rows are missing"
while read -r key _; do
	case $(trouble "$key") in
	'') figures "$key" | grep -qv '^[0-9.e-]*$' && fail "$key: $(figures "$key")" ;;
	"needs root") ! is_root || [ ! -w /proc/sys/vm/drop_caches ] || fail "$key is left out" ;;
	*) fail "$key: $(trouble "$key")" ;;
	esac
done <"$T/rows"
grep -q '^stat of every file, warm .* <= 1.2 ' "$T/out.txt" || fail "$(cat "$T/out.txt")"
grep -q '</svg>' "$T/out.svg" || fail "no chart"
[ -z "$(mounts_below)" ] || fail "it leaves mounts"
[ -z "$(find "$T/bench/tiny" -maxdepth 1 -name 'work.*')" ] || fail "it leaves its work"

# ---- a byte that is wrong is found
cp -a "$T/bench/tiny/plain/many" "$T/other"
list=$T/bench/tiny/lists/many/0
"$FSLOAD" check -o "$T/other" "$T/bench/tiny/plain/many" "$list" >/dev/null
file=$T/other/$(tail -n 1 "$list")
printf x | dd of="$file" bs=1 conv=notrunc seek=$(($(stat -c %s "$file") - 1)) status=none
! cmp -s "$file" "$T/bench/tiny/plain/many/$(tail -n 1 "$list")" ||
	printf y | dd of="$file" bs=1 conv=notrunc seek=$(($(stat -c %s "$file") - 1)) status=none
! "$FSLOAD" check -o "$T/other" "$T/bench/tiny/plain/many" "$list" >/dev/null 2>"$T/err" ||
	fail "a wrong byte is not found"
grep -q 'the contents differ' "$T/err" || fail "$(cat "$T/err")"

# ---- and a row that fails says so, instead of a figure
rm -r "$T/bench/tiny/stores/many"
cp -a "$T/bench/tiny/stores/big" "$T/bench/tiny/stores/many"
"$bench/compare" --build . --profile tiny --directory "$T/bench" --only tar \
	--json "$T/out.json" >"$T/out.txt" 2>"$T/err"
[ -n "$(trouble tar)" ] || fail "another dataset was measured"
grep -q '^Not measured' "$T/out.txt" || fail "the table does not say what is missing"
