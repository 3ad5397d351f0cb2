#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whatever is wrong is told in one sentence, with status 1 (use: 2), and leaves nothing
# lost or half-written.
. "$(dirname "$0")/lib.sh"
need_fuse

c=$CAIRN CACERT=$T/tls/ca.pem
fresh() { rm -rf "$T/cache"; }
mount_it() { fresh; "$c" mount "$1" "$T/mnt" --cache "$T/cache" --cacert "$CACERT" "${@:2}"; }
list_it() { fresh; "$c" ls "$1" -R --cache "$T/cache" --cacert "$CACERT" "${@:2}"; }

# ---- use
expect 2 'nonsense' "$c" nonsense
expect 2 'SOURCE|STORE' "$c" publish
expect 2 'nonsense' "$c" publish --nonsense a b
expect 2 'STORE' "$c" serve
expect 2 '' "$c" mount only-one
expect 2 'revision' "$c" mount a b --revision x
expect 2 '' "$c" umount
expect 2 'no --repair' "$c" cache info --repair
expect 2 'no --to' "$c" cache ls --to 1G
expect 2 'whole cache' "$c" cache verify "$T/mnt"
expect 2 'no --file' "$c" key known --file x
expect 2 'not both' "$c" key show default --file x
expect 2 'list takes no' "$c" key list default
expect 2 '' "$c" cat https://localhost/
expect 2 'info' "$c" cache
expect 2 '' "$c" key sing

# ---- publishing
"$c" key make >"$T/key" 2>&1 # else the first publish says that it makes one
mkdir "$T/source"
head -c 3000000 /dev/urandom >"$T/source/big"
numbers "$T/source/small-" 300
expect 1 'nowhere' "$c" publish "$T/nowhere" "$T/store"
expect 1 'source/big' "$c" publish "$T/source/big" "$T/store"
[ ! -e "$T/store/manifest.json" ] || fail "a failed publish left a manifest"
echo >"$T/file"
expect 1 'file' "$c" publish "$T/source" "$T/file/store"
expect 1 'file' "$c" publish "$T/source" "$T/file"
mkdir "$T/other"
echo precious >"$T/other/file"
expect 1 'other' "$c" publish "$T/source" "$T/other"
expect 1 'key|pem' "$c" publish "$T/source" "$T/store" --key "$T/no.pem"
expect 1 'key|pem' "$c" publish "$T/source" "$T/store" --key "$T/file"
if ! is_root; then
	mkdir "$T/sealed"
	chmod 500 "$T/sealed"
	expect 1 'sealed.*ermission' "$c" publish "$T/source" "$T/sealed/store"
	cp -a "$T/source" "$T/secret"
	chmod 000 "$T/secret/small-7"
	expect 1 'small-7.*ermission' "$c" publish "$T/secret" "$T/store"
fi
publish "$T/source" "$T/store"
cp -a "$T/store" "$T/before"

# what is no store here, and a name that only looks so
for name in s3://bucket/x gs://bucket ssh://host/srv; do
	(cd "$T" && expect 1 "no stores at ${name%%://*}://" "$c" publish source "$name")
	(cd "$T" && expect 1 "no stores at" timeout 10 "$c" serve "$name" --http)
	[ ! -e "$T/${name%%/*}" ] || fail "a directory for $name"
done
(cd "$T" && expect 1 'another machine' "$c" publish source host:path)
(cd "$T" && expect 1 'another machine' timeout 10 "$c" serve me@host:/srv --http)
expect 1 'not written to' "$c" publish "$T/source" https://127.0.0.1:9/x
[ ! -e "$T/host:path" ] || fail "a directory for host:path"
(cd "$T" && publish source ./host:path && publish source host:path && publish source "file://$T/a%20b")
cmp "$T/a b/manifest.json" "$T/a b/revisions/1.json" || fail "file:// is no path"

# who may read it
modes() { stat -c '%a %n' "$T/$1" "$T/$1/blobs" "$T/$1"/blobs/*/* "$T/$1/manifest.json" | cut -d ' ' -f 1 | sort -u | tr '\n' ' '; }
(umask 077 && publish "$T/source" "$T/private")
grep -q 'answers 403: chmod -R go+rX' "$T/publish.err" || fail "no word of umask 077: $(cat "$T/publish.err")"
chmod -R go+rX "$T/private"
publish "$T/source" "$T/private"
[ ! -s "$T/publish.err" ] || fail "a warning too many: $(cat "$T/publish.err")"
(umask 027 && publish "$T/source" "$T/shared")
[ ! -s "$T/publish.err" ] || fail "a warning too many: $(cat "$T/publish.err")"
[ "$(modes shared)" = '640 750 ' ] || fail "umask 027: $(modes shared)"
(umask 002 && publish "$T/source" "$T/group")
[ "$(modes group)" = '664 775 ' ] || fail "umask 002: $(modes group)"
rm -rf "$T/private" "$T/shared" "$T/group" "$T/host:path" "$T/a b"

# a file that will not hold still
cp -a "$T/source" "$T/busy"
head -c 60000000 /dev/urandom >"$T/busy/changing"
(while sleep 0.02; do printf x | dd of="$T/busy/changing" bs=1 seek=50000000 conv=notrunc 2>/dev/null; done) &
writer=$!
pids+=("$writer")
expect 1 'changing' "$c" publish "$T/busy" "$T/store"
expect 3 'changing.*changed' "$c" publish "$T/busy" "$T/busy-store" --skip-unreadable
stop "$writer"
"$c" ls "$T/busy-store" / --cache "$T/cache" >"$T/ls" 2>/dev/null
grep -q small-7 "$T/ls" && ! grep -q changing "$T/ls" || fail "published: $(cat "$T/ls")"
cmp "$T/store/manifest.json" "$T/before/manifest.json" || fail "the last revision was lost"

# a full disk
if is_root && mkdir "$T/small" && mount -t tmpfs -o size=1200k none "$T/small" 2>/dev/null; then
	expect 1 'space' "$c" publish "$T/source" "$T/small/store"
	[ ! -e "$T/small/store/manifest.json" ] || fail "half a revision on a full disk"
	umount "$T/small"
	mount -t tmpfs -o size=8m none "$T/small"
	"$c" publish "$T/source" "$T/small/store" >/dev/null
	cp "$T/small/store/manifest.json" "$T/manifest"
	expect 1 'space' "$c" publish "$T/busy" "$T/small/store"
	cmp "$T/small/store/manifest.json" "$T/manifest" || fail "a full disk cost a revision"
	"$c" ls "file://$T/small/store" --cache "$T/cache" >/dev/null
	umount "$T/small"
fi

# ---- serving
expect 1 'nowhere' timeout 10 "$c" serve "$T/nowhere" --listen 127.0.0.1:0 --tls-dir "$T/tls"
expect 1 'store' timeout 10 "$c" serve "$T/source" --listen 127.0.0.1:0 --tls-dir "$T/tls"
start_serve "$T/store"
expect 1 'in use' timeout 10 "$c" serve "$T/store" --listen "${URL#https://}" --tls-dir "$T/tls"
[ "$(curl -s --path-as-is -o /dev/null -w '%{http_code}' --cacert "$CACERT" \
	"$URL/../../../../../../etc/passwd")" = 404 ] || fail "serve leaves its store"
[ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CACERT" "$URL/lock")" = 404 ] ||
	fail "serve shows what is no part of the store"

# ---- mounting
dead=https://127.0.0.1:$(free_port)
expect 1 'connect|reach' mount_it "$dead" --timeout 2
expect 1 'no store|not a .*store' mount_it "$URL/elsewhere"
expect 1 'nowhere' mount_it "file://$T/nowhere"
expect 1 '%20' mount_it "https://127.0.0.1/my store"
expect 1 'URL' mount_it "ftp://127.0.0.1/store"
expect 1 'certificate' "$c" mount "$URL" "$T/mnt" --cache "$T/cache3"
expect 1 'no-ca' "$c" mount "$URL" "$T/mnt" --cache "$T/cache3" --cacert "$T/no-ca.pem"
expect 1 'tag' mount_it "$URL" --tag none
expect 1 'revision' mount_it "$URL" --revision 77
expect 1 'cache' "$c" mount "$URL" "$T/mnt" --cacert "$CACERT" --cache "$T/file"
expect 1 'no-mnt' "$c" mount "$URL" "$T/no-mnt" --cacert "$CACERT" --cache "$T/cache"
expect 1 'file.*director' "$c" mount "$URL" "$T/file" --cacert "$CACERT" --cache "$T/cache"
expect 1 'empty' "$c" mount "$URL" "$T/other" --cacert "$CACERT" --cache "$T/cache"
expect 1 'mount' "$c" umount "$T/other"
expect 1 'no-mnt' "$c" umount "$T/no-mnt"
mount_url
expect 1 'mount' "$c" mount "$URL" "$T/mnt" --cacert "$CACERT" --cache "$T/cache"

# every write is refused, and nothing changes
m=$T/mnt
for command in "touch $m/new" "touch $m/big" "mkdir $m/new" "rm $m/big" "mv $m/big $m/b" \
	"chmod 600 $m/big" "ln $m/big $m/b" "ln -s big $m/b" "truncate -s 1 $m/big" \
	"mkfifo $m/new" "setfattr -n user.a -v b $m/big" "chown 1 $m/big"; do
	# shellcheck disable=SC2086 # words
	! $command 2>"$T/err" || fail "$command went through"
	grep -q 'Read-only file system' "$T/err" || fail "$command: $(cat "$T/err")"
done
! cat "$m/absent" 2>"$T/err" || fail "absent"
grep -q 'No such file' "$T/err" || fail "$(cat "$T/err")"
compare "$T/source" "$m"

# A mount whose process is stopped is asked in vain, and not for ever.
# (LeakSanitizer would wait at the end for the thread that asks.)
daemon=$(pgrep -f "mount $URL $m ")
kill -STOP "$daemon"
expect 1 'does not answer.*--lazy' \
	timeout 300 env "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0" "$c" mount "$URL" "$m" --cacert "$CACERT" --cache "$T/cache"
ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" "$c" umount "$m" &
is_gone() { ! mountpoint -q "$m"; }
wait_until 30 is_gone || fail "a mount whose process is stopped cannot be unmounted"
kill -CONT "$daemon"
wait $! || fail "umount of a mount whose process was stopped"

if unshare_works; then
	without_fuse() {
		in_namespace 'mount -t tmpfs none /dev && : >/dev/null' \
			"$c" mount "$URL" "$T/mnt" --cache "$T/cache" --cacert "$CACERT"
	}
	expect 1 '/dev/fuse' without_fuse
fi

# ---- two containers that share a cache, with processes of one number
if unshare_works && unshare -p -f true 2>/dev/null; then
	mkdir "$T/contained"
	unshare -p -f "$c" mount -f "$URL" "$T/contained" --cache "$T/cache" --cacert "$CACERT" \
		2>"$T/contained.err" &
	container=$!
	pids+=("$container")
	wait_until 20 mountpoint -q "$T/contained" || fail "$(cat "$T/contained.err")"
	expect 1 'number, 1, .*another container' \
		unshare -p -f "$c" cat "$URL" big --cache "$T/cache" --cacert "$CACERT"
	compare "$T/source" "$T/contained"
	"$c" cat "$URL" big --cache "$T/cache" --cacert "$CACERT" | cmp - "$T/source/big"
	unmount "$T/contained"
	wait "$container"
	unshare -p -f "$c" cat "$URL" big --cache "$T/cache" --offline | cmp - "$T/source/big"
fi

# ---- a store that is damaged or too new
damage() { # copies the store afresh to $T/bad
	rm -rf "$T/bad"
	cp -a "$T/store" "$T/bad"
	bad=$T/bad/manifest.json
}
damage && sed -i 's/"format": *1/"format":2/' "$bad"
expect 1 'format|newer' mount_it "file://$T/bad"
damage && truncate -s 200 "$bad"
expect 1 'manifest' mount_it "file://$T/bad"
damage && : >"$bad"
expect 1 'store' mount_it "file://$T/bad"
damage && echo '<html>no</html>' >"$bad"
expect 1 'store' mount_it "file://$T/bad"
damage && echo '[1,2]' >"$bad"
expect 1 'manifest' mount_it "file://$T/bad"
damage && head -c 3000000 /dev/zero >"$bad"
expect 1 'store|manifest' mount_it "file://$T/bad"

# its pages are no blobs, cut short, or gone
root=$(grep -oE '"root": *"[0-9a-f]{64}"' "$T/store/manifest.json" | grep -oE '[0-9a-f]{64}')
page=blobs/${root:0:2}/${root:2}
damage && head -c 100 /dev/urandom >"$T/bad/$page"
expect 1 'corrupt|blob|page' list_it "file://$T/bad"
damage && truncate -s -1 "$T/bad/$page"
expect 1 'corrupt|blob|page' list_it "file://$T/bad"
damage && rm "$T/bad/$page"
expect 1 'absent|exist|missing|blob|page' list_it "file://$T/bad"
expect 1 '' mount_it "file://$T/bad" || true
! mountpoint -q "$T/mnt" || unmount

damage
find "$T/bad/blobs" -type f -size +100k | while read -r blob; do
	printf 'x' | dd of="$blob" bs=1 seek=50000 conv=notrunc status=none
done
fresh
expect 1 'cannot read big: .*blob' "$c" get "file://$T/bad" big "$T/got" --cache "$T/cache"
[ ! -e "$T/got" ] || fail "get left half a file"
mount_at "file://$T/bad" "$T/mnt"
! cat "$T/mnt/big" >/dev/null 2>"$T/err" || fail "wrong bytes were served"
grep -q 'Input/output error' "$T/err" || fail "$(cat "$T/err")"
[ "$(stat -c %s "$T/mnt/big")" = 3000000 ] || fail "stat after an error"
unmount

# ---- a cache that is somebody else's, or full
if is_root; then
	mkdir -m 777 "$T/shared-cache"
	chown 12345 "$T/shared-cache"
	expect 1 'cache' "$c" ls "$URL" --cacert "$CACERT" --cache "$T/shared-cache"
	if mkdir "$T/tiny" && mount -t tmpfs -o size=3m none "$T/tiny" 2>/dev/null; then
		"$c" get "$URL" big "$T/got" --cacert "$CACERT" --cache "$T/tiny/cache" 2>"$T/err" ||
			fail "a full cache costs a read: $(cat "$T/err")"
		cmp "$T/got" "$T/source/big"
		umount "$T/tiny"
	fi
fi
