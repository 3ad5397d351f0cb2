#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A root file system made by debootstrap, published and mounted, can be entered and runs
# its programs. Takes minutes and a Debian mirror: only with CAIRN_LONG=1.
. "$(dirname "$0")/lib.sh"
is_long || skip "only with CAIRN_LONG=1"
need_root
need_fuse
need_program debootstrap

mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
	awk '$3 == "main" && $1 !~ /security\/?$/ { print $1, $2; exit }')
[ -n "$mirror" ] || skip "no Debian mirror is known"
PATH=$PATH:/usr/sbin debootstrap --variant=minbase "${mirror#* }" "$T/source" "${mirror% *}" \
	>"$T/debootstrap.log" 2>&1 || {
	tail -n 5 "$T/debootstrap.log" >&2
	fail "debootstrap"
}
umount "$T/source/proc" "$T/source/sys" 2>/dev/null || true

publish "$T/source" "$T/store"
start_serve "$T/store"
mount_url -o suid,dev,allow_other
compare "$T/source" "$T/mnt"
inside() { chroot "$T/mnt" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin "$@"; }
[ "$(inside cat /etc/debian_version)" = "$(cat "$T/source/etc/debian_version")" ] || fail cat
inside dpkg -l apt | grep '^ii' >/dev/null || fail dpkg
[ "$(inside perl -e 'print 6 * 7')" = 42 ] || fail perl
inside bash -c 'for f in /bin/* /usr/bin/*; do [ -e "$f" ] || echo "$f"; done' >"$T/dangling"
inside apt-get --version >/dev/null || fail apt-get
inside setpriv --reuid=65534 --regid=65534 --clear-groups id | grep -q 65534 || fail setpriv
echo x | inside tee /dev/null >/dev/null || fail "a device node"
unmount
