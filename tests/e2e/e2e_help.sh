#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `cairn help`, `--help` and the manual pages say the same. $CAIRN is the program,
# $CAIRN_SOURCE the top source directory.
set -eu -o pipefail
export LC_ALL=C

CAIRN=${CAIRN:-./cairn}
top=${CAIRN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}

fail() { printf '%s: FAILED: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# "letter --name VALUE" of each option, from --help ...
help_options() {
	sed -n '/^options:/,/^$/p' | awk '
		$1 ~ /^-.,$/ { print substr($1, 1, 2), $2, value($3); next }
		$1 ~ /^--/ { sub(/\[=.*/, "", $1); print "-", $1, value($2) }
		function value(s) { return s ~ /^[A-Z][A-Z:|]*$/ ? s : "" }' | sort
}
# ... and from the page: .It Fl v , -verbose / .It Fl -cache Ar DIR
page_options() {
	sed -n '/^\.Sh DESCRIPTION/,/^\.Sh /p' "$1" | awk '
		$1 != ".It" || $2 != "Fl" { next }
		$4 == "," { print "-" $3, "-" $5, $6 == "Ar" ? $7 : ""; next }
		{ print "-", "-" $3, $4 == "Ar" ? $5 : "" }' | sort
}
# The synopsis in the words of a use line.
page_use() {
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$1" | awk '
		$1 == ".Nm" || $1 == ".Ar" { $1 = "" }
		$1 == ".Op" { $1 = $2 = ""; sub(/^ */, ""); $0 = "[" $0 "]" }
		$1 !~ /^\./ { printf "%s ", $0 }' | tr -s ' ' | sed 's/^ //; s/ $//'
}

# status WANT COMMAND...
status() {
	local want=$1 got=0
	shift
	"$@" >/dev/null 2>&1 || got=$?
	[ "$got" = "$want" ] || fail "status $got, not $want: $*"
}

check_page() {
	local page=$top/man/cairn-$1.1
	[ -e "$page" ] || fail "no manual of $1"
	diff <(help_options <<<"$help") <(page_options "$page") ||
		fail "--help (<) and ${page##*/} (>) have other options"
	[ "usage: $(page_use "$page")" = "${help%%$'\n'*}" ] ||
		fail "${page##*/} has another synopsis: $(page_use "$page")"
	grep -q "^\.It Xr cairn-$1 1\$" "$top/man/cairn.1" || fail "cairn.1 leaves out $1"
}

check_command() {
	help=$("$CAIRN" "$1" --help)
	[ "$help" = "$("$CAIRN" help "$1")" ] || fail "help of $1 and its --help differ"
	[ -n "$(help_options <<<"$help")" ] || fail "no options of $1"
	check_page "$1"
	status 2 "$CAIRN" "$1" --nonsense
	[ "$1" = du ] || status 0 "$CAIRN" "$1" -h # there it is another option
}

commands=$("$CAIRN" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
for command in publish serve mount umount prefetch cache ls cat check copy du gc get stat key log show diff tag rollback help version; do
	grep -qx "$command" <<<"$commands" || fail "cairn help does not list $command"
done
for command in $commands; do check_command "$command"; done
for page in "$top"/man/cairn-*.1; do
	command=${page##*/cairn-}
	grep -qx "${command%.1}" <<<"$commands" || fail "${page##*/} is of no command"
done

cmp <("$CAIRN" help) <("$CAIRN" --help) || fail "help and --help differ"
cmp <("$CAIRN" version) <("$CAIRN" --version) || fail "version and --version differ"
"$CAIRN" version | grep -qE '^cairn [0-9]+\.[0-9]+' || fail "no version"
status 2 "$CAIRN"
status 2 "$CAIRN" nonsense
status 2 "$CAIRN" help nonsense
status 2 "$CAIRN" --nonsense
status 2 bash -c 'exec -a mount.cairn "$0" only-a-url' "$CAIRN"
status 2 bash -c 'exec -a /sbin/mount.cairn "$0" file:///x /x -o nonsense' "$CAIRN"
status 0 bash -c 'exec -a /sbin/mount.cairn "$0" file:///x /x -f -o rw' "$CAIRN"

if command -v mandoc >/dev/null; then
	for page in "$top"/man/*.[1-8]; do
		mandoc -T lint -W error "$page" >&2 || fail "mandoc complains of ${page##*/}"
	done
fi
