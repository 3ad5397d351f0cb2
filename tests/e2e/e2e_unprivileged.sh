#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A user without privileges publishes, mounts (by fusermount3), reads and unmounts. Run by
# root, the test becomes such a user, with a /dev/fuse for all in a mount namespace of its
# own.
if [ "$(id -u)" = 0 ] && [ -z "${CAIRN_TEST_USER-}" ]; then
	. "$(dirname "$0")/lib.sh"
	need_program fusermount3
	need_program setpriv
	unshare_works || skip "no mount namespace"
	[ -e /dev/fuse ] || skip "/dev/fuse is missing"
	mknod -m 666 "$T/fuse" c 10 229 2>/dev/null || skip "no device nodes here"
	chmod 755 "$T"
	mkdir -m 777 "$T/tmp" "$T/programs"
	# the build and source directories may be closed to others
	cp "$CAIRN" "$COMPARE" "$ODDTREE" "$TERMINAL" "$PROXY" "$T/programs"
	mkdir -p "$T/source/tests/e2e" && cp "$top"/tests/e2e/*.sh "$T/source/tests/e2e"
	for p in CAIRN COMPARE ODDTREE TERMINAL PROXY; do
		export "$p=$T/programs/$(basename "${!p}")"
	done
	export TMPDIR=$T/tmp
	# as_user WAY [COMMAND-OF-ROOT]: this test again, by that user
	as_user() {
		CAIRN_TEST_USER=$1 in_namespace "mount --bind $T/fuse /dev/fuse &&
				(: </dev/fuse) && cd $T/programs && ${2:-true}" \
			setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
			bash "$T/source/tests/e2e/$(basename "$0")"
	}
	status=0
	as_user normal || status=$?
	[ $status = 0 ] || exit $status
	as_user without-helper 'mount --bind /dev/null "$(command -v fusermount3)"' || fail "helper"
	exit 0
fi

. "$(dirname "$0")/lib.sh"
if [ "${CAIRN_TEST_USER-}" = without-helper ]; then
	mkdir "$T/source"
	publish "$T/source" "$T/store"
	expect 1 'fusermount3' "$CAIRN" mount "file://$T/store" "$T/mnt" --cache "$T/cache"
	exit 0
fi
need_fuse

mkdir "$T/source"
"$ODDTREE" "$T/source" kinds links names levels sizes sparse modes times xattrs
publish "$T/source" "$T/store"
start_serve "$T/store"
mount_url
grep -q " $T/mnt fuse.*ro,nosuid,nodev" /proc/mounts || fail "$(grep "$T/mnt" /proc/mounts)"
compare "$T/source" "$T/mnt"
unmount

# -f stays in the foreground, and a signal ends it cleanly
env --default-signal=INT \
	"$CAIRN" mount -f "$URL" "$T/mnt" --cacert "$CACERT" --cache "$T/cache" 2>"$T/mount.err" &
mount_pid=$!
pids+=("$mount_pid")
wait_until 10 mountpoint -q "$T/mnt" || fail "mount -f: $(cat "$T/mount.err")"
cmp "$T/mnt/kinds/file" "$T/source/kinds/file"
kill -INT "$mount_pid"
wait "$mount_pid" || fail "status $? at the end of mount -f"
! mountpoint -q "$T/mnt" || fail "still mounted after a signal"

mkdir "$T/sealed"
chmod 500 "$T/sealed"
expect 1 'sealed.*ermission' "$CAIRN" publish "$T/source" "$T/sealed/store"
cp -r "$T/source/links" "$T/secret"
chmod 000 "$T/secret/a/one"
expect 1 'a/one.*ermission' "$CAIRN" publish "$T/secret" "$T/store2"
[ ! -e "$T/store2/manifest.json" ] || fail "half a revision"
expect 1 'ermission|allowed' "$CAIRN" mount "$URL" /usr --cacert "$CACERT" --cache "$T/cache"
