#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Another reader, written in Python from cairn-format(5) alone, gets out of a store what was
# put in and what a mount shows: every odd kind of entry, deltas, recipes, tags, a profile. It
# refuses what the page has it refuse.
. "$(dirname "$0")/../e2e/lib.sh"

# The system's own has the module that contrib/setup installs.
PYTHON=
for candidate in /usr/bin/python3 python3; do
	! "$candidate" -c 'import zstandard' 2>/dev/null || PYTHON=${PYTHON:-$candidate}
done
[ -n "$PYTHON" ] || skip "the Python module zstandard is missing"
need_program openssl
export PYTHONDONTWRITEBYTECODE=1
rebuild() { "$PYTHON" "$top/tests/format/rebuild.py" "$@"; }
same=()
is_root || same=(--ignore-owner)
s=$T/source st=$T/store

# ---- what was published

mkdir "$s"
"$ODDTREE" "$s"
numbers "$s/n" 200 20
head -c 24M /dev/urandom >"$s/large" # more than 32 chunks
# more runs of data than an entry holds
"$PYTHON" -c "
import sys
with open(sys.argv[1], 'wb') as f:
    for i in range(5000):
        f.seek(i << 14)
        f.write(b'%08d' % i)
    f.truncate(5001 << 14)" "$s/runs"
printf '%s\n' '{"path": "large", "offset": 5, "size": 100}' '{"path": "n7"}' >"$T/profile"
publish "$s" "$st" --profile "$T/profile" --tag first
rebuild extract "$st" "$T/first" first
compare "${same[@]}" "$s" "$T/first"

for i in $(seq 1 5 200); do echo "changed" >>"$s/n$i"; done
dd if=/dev/zero of="$s/large" bs=1000 count=3 seek=9000 conv=notrunc status=none
rm -r "$s/n3" "$s/modes"
mkdir "$s/modes"
publish "$s" "$st" --message $'the second: \x1f \x7f \t\\ "\u00e9\u2028"' --tag a.second
rm "$s/n4"
publish "$s" "$st" --no-profile --message ''
grep -q '"features":\["delta","extents"\]' "$st/manifest.json" || fail "no blob is a delta, no list of extents"

rebuild check "$st" "$(public_key)" >"$T/check"
cat "$T/check"
[ "$(grep -c '^revision' "$T/check")" = 3 ] || fail "not all revisions were read"
grep -qx 'tag a.second: revision 2' "$T/check" || fail "the tag"
rebuild extract "$st" "$T/third"
compare "${same[@]}" "$s" "$T/third"
rebuild extract "$st" "$T/again" 1
compare "${same[@]}" "$T/first" "$T/again"
[ "$(rebuild profile "$st" 2 | grep -c '"path"')" = 2 ] || fail "the profile"
[ -z "$(rebuild profile "$st")" ] || fail "a profile of a revision without"

# ---- what a mount shows

if [ -r /dev/fuse ] && [ -w /dev/fuse ]; then
	mount_at "file://$st" "$T/mnt"
	compare "$T/third" "$T/mnt"
	unmount
fi

# ---- what is refused

rm -rf "$T/first" "$T/third" "$T/again" "$s" "$st"
mkdir "$s"
(cd "$s" && seq 1500 | xargs touch)
head -c 132000 /dev/urandom >"$s/large"
publish "$s" "$st" --name source
rm "$s/7"
publish "$s" "$st"

refused() { # WORDS COMMAND...: the command changes the copy
	rm -rf "$T/copy"
	cp -a "$st" "$T/copy"
	(cd "$T/copy" && "${@:2}")
	if rebuild check "$T/copy" "$(public_key)" >"$T/refused" 2>&1; then
		fail "accepted, though: $1"
	fi
	grep -q "^rebuild.py: .*$1" "$T/refused" || fail "no '$1': $(tail -n 1 "$T/refused")"
	say "ok: $(tail -n 1 "$T/refused")"
}
change() { sed -i "$1" manifest.json && cp manifest.json revisions/2.json; }
# Changes the newest manifest by a Python expression over its members, m, and signs it.
resign() {
	"$PYTHON" - "$top/tests/format" "$XDG_CONFIG_HOME/cairn/keys/default.pem" "$1" <<-'END'
		import base64, json, subprocess, sys
		sys.path.insert(0, sys.argv[1])
		from reader import canonical
		m = json.load(open("manifest.json"))
		exec(sys.argv[3])
		key = m.pop("signatures")[0]["key"]
		open("signed", "w").write(canonical(m))
		signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", sys.argv[2],
		    "-rawin", "-in", "signed"], check=True, capture_output=True).stdout
		m["signatures"] = [{"key": key, "signature": base64.b64encode(signature).decode()}]
		for path in "manifest.json", f"revisions/{m['revision']}.json":
		    open(path, "w").write(canonical(m) + "\n")
	END
}
# Puts a page in the place of the root, changed by a Python expression over its text, t.
reroot() {
	"$PYTHON" - "$top/tests/format" "$1" <<-'END'
		import hashlib, os, sys
		sys.path.insert(0, sys.argv[1])
		import zstandard
		from reader import Store
		store = Store(".")
		m = store.manifest()
		t = store.blob(m["root"], 4 << 20).decode()
		was = t
		exec(sys.argv[2])
		assert t != was
		name = hashlib.sha256(t.encode()).hexdigest()
		os.makedirs(f"blobs/{name[:2]}", exist_ok=True)
		open(f"blobs/{name[:2]}/{name[2:]}", "wb").write(zstandard.compress(t.encode()))
		open("root", "w").write(name)
	END
	resign "m['root'] = open('root').read()"
}
blob_of() { # SIZE: the first of about that, as find says it
	find blobs -type f -size "$1" -print -quit
}
flip() { "$PYTHON" -c "
import sys
with open(sys.argv[1], 'r+b') as f:
    f.seek(-5, 2); b = f.read(1); f.seek(-5, 2); f.write(bytes([b[0] ^ 1]))" "$1"; }
flip_large() { flip "$(blob_of +100k)"; }
cut_large() { truncate -s -1 "$(blob_of +100k)"; }
append_large() { echo >>"$(blob_of +100k)"; }

cd "$T"
cp -a "$st" "$T/copy"
(cd "$T/copy" && resign "pass") # it is the change that is refused, not who wrote the rest
rebuild check "$T/copy" "$(public_key)" >"$T/check"
refused "feature 'tomorrow' is unknown" resign "m['features'].append('tomorrow')"
expect 1 'update cairn' "$CAIRN" ls "file://$T/copy"
refused 'format 2 is newer' resign "m['format'] = 2"
refused 'members' resign "m['more'] = 1"
refused 'number' resign "m['revision'] = 3.0"
refused 'not signed' change 's/"name":"/&x/'
refused 'duplicate key' change 's/^{/{"name":"source",/'
refused 'not JSON' change 's/^{/{,/'
refused 'totals' resign "m['totals']['files'] += 1"
refused 'does not follow' resign "m['previous'] = m['root']"
refused 'blob' flip_large
refused 'blob' cut_large
refused 'blob' append_large
refused 'no page' reroot "t = t.replace('\"bytes\"', '\"size\"')"
refused 'the one above' reroot "t = t[:-4] + str((int(t[-4]) + 1) % 10) + t[-3:]"
