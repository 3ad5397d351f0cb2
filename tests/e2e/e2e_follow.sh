#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A mount follows its dataset: readers who know all states that were ever published see no
# other; what is unchanged loses nothing; what is open goes on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
REVISIONS=$(find_program ./tests/e2e/revisions)

m=$T/mnt
states=20
! is_quick || states=6
! is_long || states=400
number=0 # of the state that is published, and of its revision

publish_next() { # [OPTION...]
	number=$((number + 1))
	"$REVISIONS" make "$T/source" "$number"
	# before anybody can see it
	echo "$number" >"$T/latest.new" && mv "$T/latest.new" "$T/latest"
	publish "$T/source" "$T/store" "$@"
}
# In the foreground, with all that is asked in $T/debug: mount_mode MODE [OPTION...]
mount_mode() {
	"$CAIRN" mount "file://$T/store" "$m" --cache "$T/cache" -v -f \
		-o "follow=off,open=$1" "${@:2}" 2>"$T/debug" &
	mounted=$!
	pids+=("$mounted")
	wait_until 20 mountpoint -q "$m" || fail "no mount with open=$1: $(tail -n 3 "$T/debug")"
}
unmount_mode() {
	unmount
	wait "$mounted" || fail "the mount's process"
}
follow() {
	"$CAIRN" update "$m/steady" >"$T/update" || fail "update to $number"
	[ "$(cat "$T/update")" = "$m: revision $number after $((number - 1))" ] ||
		fail "$(cat "$T/update"), not $number"
}
# But for the attributes of the root, which has changed.
asked() { grep "opcode: " "$T/debug" | grep -vc "GETATTR (3), nodeid: 1," || true; }

publish_next
for mode in elide passthrough plain; do
	mount_mode "$mode"
	if grep -q "no open=$mode here" "$T/debug"; then
		say "no open=$mode here"
		unmount_mode
		continue
	fi
	"$REVISIONS" is "$m" "$number"
	stat -c '%n %i' "$m" "$m"/steady/* "$m/moving" >"$T/inodes"
	first=$number
	mkfifo "$T/end.$mode"
	"$REVISIONS" read "$m" "$first" "$T/latest" <"$T/end.$mode" >"$T/read.1" &
	readers=("$!")
	"$REVISIONS" read "$m" "$first" "$T/latest" <"$T/end.$mode" >"$T/read.2" &
	readers+=("$!")
	"$REVISIONS" hold "$m" <"$T/end.$mode" >"$T/held" &
	readers+=("$!")
	exec 8>"$T/end.$mode"
	pids+=("${readers[@]}")
	wait_until 10 test -s "$T/held" || fail "nothing is held"
	if is_root && mkdir -p "$T/bind" && mount --bind "$m/moving" "$T/bind"; then bound=1; else bound=; fi

	count=$states
	[ "$mode" = elide ] || is_long || count=3
	for _ in $(seq "$count"); do
		publish_next
		follow
		"$REVISIONS" is "$m" "$number" || fail "after revision $number"
		[ -z "$bound" ] || [ -e "$T/bind/at-$number" ] || fail "the bind mount is behind"
	done
	stat -c '%n %i' "$m" "$m"/steady/* "$m/moving" | cmp - "$T/inodes" || fail "other inodes"
	exec 8>&-
	for reader in "${readers[@]}"; do wait "$reader" || fail "a reader with open=$mode"; done
	say "open=$mode, $count revisions beside: $(cat "$T/read.1" "$T/read.2" | tr '\n' ' ')"
	[ -z "$bound" ] || umount "$T/bind"
	compare "$T/source" "$m"
	unmount_mode
done

# an unchanged file loses nothing that the kernel holds: what was warm asks for nothing,
# unless the kernel was short of memory, or was told to forget, just then
mount_mode auto -o debug
use_steady() {
	cat "$m"/steady/* >/dev/null
	stat "$m"/steady/* >/dev/null
	ls "$m/steady" >/dev/null
}
stays_warm() {
	use_steady
	use_steady
	ls -lR "$m" >/dev/null
	publish_next
	follow
	local before
	before=$(asked)
	use_steady
	sleep 0.1
	[ "$(asked)" = "$before" ]
}
stays_warm || stays_warm || stays_warm || stays_warm || {
	grep "opcode: " "$T/debug" | tail >&2
	fail "a warm read asks"
}
"$REVISIONS" is "$m" "$number"

# by a signal as well, and at its time; tools read what the mount shows
publish_next
kill -HUP "$mounted"
wait_until 30 grep -q "revision $number after" "$T/debug" || fail "SIGHUP does nothing"
[ "$("$CAIRN" update "$m")" = "$m: revision $number is the newest" ] || fail "not the newest"
"$CAIRN" prefetch "$m/moving/at-$number" >/dev/null || fail "tools read an older one"
unmount_mode
mount_mode auto -o follow=1
publish_next
wait_until 30 grep -q "revision $number after" "$T/debug" || fail "it does not look by itself"
unmount_mode

# what is refused, or cannot be had, leaves the mount where it is, and is logged once
mount_mode auto
stays() { # PATTERN
	local before
	before=$(grep -c 'staying with' "$T/debug" || true)
	expect 1 "$1" "$CAIRN" update "$m"
	expect 1 "$1" "$CAIRN" update "$m"
	[ "$(grep -c 'staying with' "$T/debug")" = $((before + 1)) ] ||
		fail "not logged once: $(cat "$T/debug")"
	"$REVISIONS" is "$m" "$shown" || fail "it did not stay"
}
shown=$number
manifest=$T/store/manifest.json
cp "$manifest" "$T/good"
publish_next
mv "$manifest" "$T/next"
stays 'manifest.json does not exist'
XDG_CONFIG_HOME=$T/other "$CAIRN" publish "$T/source" "$T/evil" --new-key --name store >/dev/null 2>&1 ||
	XDG_CONFIG_HOME=$T/other "$CAIRN" publish "$T/source" "$T/evil" --name store >/dev/null
cp "$T/evil/manifest.json" "$manifest"
stays 'signed by the key'
mkdir "$T/small" && publish "$T/small" "$T/another"
cp "$T/another/manifest.json" "$manifest"
stays 'holds another dataset now'
head -c 200 "$T/next" >"$manifest"
stays 'manifest'
cp "$T/store/revisions/1.json" "$manifest"
stays 'revision 1 as the newest'
cp "$T/next" "$manifest"
follow
"$REVISIONS" is "$m" "$number"
unmount_mode

# a revision by its number is the one; what is no mount is none; all of them
mount_mode auto --revision 1
expect 1 'stays with revision 1' "$CAIRN" update "$m"
expect 1 'no mount of yours' "$CAIRN" update "$T/source"
expect 2 'MOUNTPOINT' "$CAIRN" update
unmount_mode
if unshare_works; then
	export m
	in_namespace 'mkdir -p /run/cairn && mount -t tmpfs -o mode=700 none /run/cairn' sh -ec '
		"$CAIRN" mount "file://$0/store" "$m" --cache "$0/cache" -o follow=off
		"$CAIRN" update --all
		"$CAIRN" umount "$m"
		"$CAIRN" mount "file://$0/store" "$m" --cache "$0/cache" --revision 1
		"$CAIRN" update --all
		"$CAIRN" umount "$m"' "$T" >"$T/all" || fail "update --all"
	[ "$(cat "$T/all")" = "$m: revision $number is the newest
$m: it stays with revision 1, which was asked for" ] || fail "all: $(cat "$T/all")"
fi

# tools know it after an update, too, however its cache was named
(cd "$T" && "$CAIRN" mount "file://$T/store" mnt --cache cache -o follow=off)
publish_next
"$CAIRN" update "$m"
"$CAIRN" du "$m/moving" >"$T/names" || fail "the mount is lost to tools after an update"
[[ $("$CAIRN" status "$m") == *"revision   $number,"* ]] || fail "status after an update"
unmount

# every revision and tag beside what is shown, each for ever as it was, whatever comes after
publish_next --tag good
good=$number
for mode in elide passthrough; do
	mount_mode "$mode" -o revisions
	others=$m/.cairn/revisions
	[ "$(find "$m" -name .cairn)" = "" ] || fail ".cairn is listed"
	# shellcheck disable=SC2012 # numbers
	[ "$(ls "$others" | wc -l)" = "$number" ] || fail "not all of $number revisions: $(ls "$others")"
	for n in 1 $((number / 2)); do
		"$REVISIONS" is "$others/$n" "$n" || fail "revision $n with open=$mode"
	done
	"$REVISIONS" is "$m/.cairn/tags/good" "$good" || fail "a tag"
	cmp "$others/$good/revision" "$m/.cairn/tags/good/revision"
	exec 7<"$others/2/moving/name-07"
	stat -c %i "$others/2/steady" "$others/2/moving"/* >"$T/inodes"
	publish_next
	follow
	"$REVISIONS" is "$m" "$number"
	stat -c %i "$others/2/steady" "$others/2/moving"/* | cmp - "$T/inodes" || fail "other inodes"
	for n in 2 $number; do
		"$REVISIONS" is "$others/$n" "$n" || fail "revision $n after $number with open=$mode"
	done
	cmp - "$others/2/moving/name-07" <&7 || fail "an open file of revision 2"
	exec 7<&-
	for gone in revisions/0 revisions/01 "revisions/$((number + 1))" tags/bad other; do
		[ ! -e "$m/.cairn/$gone" ] || fail "there is .cairn/$gone"
	done
	unmount_mode
done
mount_mode auto
[ ! -e "$m/.cairn" ] || fail ".cairn without -o revisions"
unmount_mode

# the end does not wait for a server that does not answer
mount_url() {
	"$CAIRN" mount "$URL" "$m" --cacert "$CACERT" --trust "$(public_key)" --cache "$T/cache" -f \
		--timeout 3600 -o follow=off 2>"$T/debug" &
	mounted=$!
	pids+=("$mounted")
	wait_until 20 mountpoint -q "$m" || fail "no mount: $(tail -n 3 "$T/debug")"
}
start_serve "$T/store"
mount_url
kill -STOP "$server_pid"
"$CAIRN" update "$m" 2>"$T/err" &
asker=$!
sleep 0.3
unmount_mode
! wait "$asker" || fail "it was updated by a server that is stopped"
grep -q 'the mount is ending' "$T/err" || fail "the end: $(cat "$T/err")"

# nor does one that is gone stop a mount, that begins or that is there
kill -KILL "$server_pid" && { wait "$server_pid" || true; } 2>/dev/null
mount_url
shown=$number
stays 'connect'
unmount_mode
