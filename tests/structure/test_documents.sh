#!/bin/sh
# SPDX-License-Identifier: MIT
# What the documents name is there: each path below src/, tests/, doc/, contrib/ or man/,
# each source file of a room, each function written `name()` in the documents that are
# about the code, the target of each link, and its heading. $CAIRN_SOURCE is the top source
# directory.
#
# A path may name a program by its source without .c, or have a `*`, or a word in capitals
# that stands for any (src/cli/cmd_NAME.c). A function may be one of the tests.
# shellcheck disable=SC2016 # the backquotes are the documents'
set -eu
export LC_ALL=C

# The documents, and of them those whose functions are looked for.
documents='*.md doc/*.md doc/decisions/*.md'
about_code='CONTRIBUTING.md doc/architecture.md doc/decisions/*.md'

top=${CAIRN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d "${TMPDIR:-/tmp}/cairn-documents.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() { printf '%s: FAILED: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# What is named, a fact a line: "path FILE WORD", "call FILE NAME", "link FILE TARGET".
facts() {
	rooms=$(find src -name '*.[ch]' | sed 's,^src/,,; s,/.*,,' | sort -u | tr '\n' ' ')
	awk -v rooms="$rooms" '
	BEGIN {
		n = split(rooms, room, " ")
		for (i = 1; i <= n; i++)
			is_room[room[i]] = 1
	}
	function note_path(word, first) {
		while (sub(/^\.\.?\//, "", word)) {}
		sub(/[.\/]+$/, "", word)
		first = word
		if (!sub(/\/.*/, "", first))
			return
		if (first ~ /^(src|tests|doc|contrib|man)$/)
			print "path", FILENAME, word
		else if ((first in is_room) && word ~ /\.[ch]$/)
			print "path", FILENAME, "src/" word
	}
	{
		n = split($0, words, /[^A-Za-z0-9_.\/*-]+/)
		for (i = 1; i <= n; i++)
			note_path(words[i])
		for (rest = $0; match(rest, /[A-Za-z_][A-Za-z0-9_]*\(\)/); rest = substr(rest, RSTART + RLENGTH))
			print "call", FILENAME, substr(rest, RSTART, RLENGTH - 2)
		for (rest = $0; match(rest, /\]\([^ )]+\)/); rest = substr(rest, RSTART + RLENGTH))
			print "link", FILENAME, substr(rest, RSTART + 2, RLENGTH - 3)
	}' "$@" | sort -u
}

# The headings of a document, as links spell them.
anchors() {
	sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'
}

# Is there such a file? $1 has no character that is special but `*`.
exists() {
	for pattern in "$1" "$1.c" "$(printf '%s\n' "$1" | sed 's/[A-Z][A-Z]*/*/g')"; do
		for found in $pattern; do
			if [ -e "$found" ]; then return 0; fi
		done
	done
	return 1
}

is_function() {
	case $1 in
	*[A-Z]*) grep -qx "$(printf '%s\n' "$1" | sed 's/[A-Z][A-Z]*/.*/g')" "$work/names" ;;
	*) grep -qx "$1" "$work/names" ;;
	esac
}

is_about_code() {
	for document in $about_code; do
		if [ "$document" = "$1" ]; then return 0; fi
	done
	return 1
}

check_link() { # FILE TARGET
	case $2 in
	*://* | mailto:*) return ;;
	esac
	target=${2%%#*}
	if [ -z "$target" ]; then
		target=$1
	else
		case $1 in
		*/*) target=${1%/*}/$target ;;
		esac
	fi
	if [ ! -e "$target" ]; then
		echo "$1 links to $2, which is not there."
		return
	fi
	case $2 in
	*#*) anchors "$target" | grep -qx -e "${2#*#}" ||
		echo "$1 links to $2, but $target has no such heading." ;;
	esac
}

# Prints a sentence for whatever is named in the tree $1 and is not there.
look() (
	cd "$1"
	find src tests -name '*.[ch]' -exec cat {} + | tr -cs 'A-Za-z0-9_' '\n' | sort -u >"$work/names"
	# shellcheck disable=SC2086 # patterns
	set -- $documents
	for document; do
		shift
		if [ -e "$document" ]; then set -- "$@" "$document"; fi
	done
	facts "$@" >"$work/facts"
	while read -r kind file name; do
		case $kind in
		path) exists "$name" || echo "$file names $name, which is not there." ;;
		call) ! is_about_code "$file" || is_function "$name" ||
			echo "$file names $name(), which is in no source file." ;;
		link) check_link "$file" "$name" ;;
		esac
	done <"$work/facts"
	# A page that its index does not know is not found.
	for page in doc/decisions/*.md; do
		case $page in
		*/README.md | *'*'*) continue ;;
		esac
		grep -q "^link doc/decisions/README.md ${page##*/}\$" "$work/facts" ||
			echo "doc/decisions/README.md does not link to ${page##*/}."
	done
)

# A small tree, and in it one fault after the other: this test must be able to fail.
file() { printf '%s\n' "$2" >"$work/tree/$1"; }
plant() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/src/util" "$work/tree/tests/e2e" "$work/tree/doc/decisions"
	file src/util/io.c 'static int io_open(void) { return io_helper(0); }'
	file src/util/cmd_ls.c 'int cmd_ls(int argc, char **argv);'
	file tests/e2e/parked.c 'int sample(void);'
	file README.md 'See `doc/map.md`, `src/util/`, [the map](doc/map.md#the-rooms-of-it).'
	file CONTRIBUTING.md '`io_open()`, `cmd_NAME()`, `sample()`, `src/util/cmd_NAME.c`, `util/io.c`.'
	file doc/map.md '## The rooms, of it
`../tests/e2e/parked load`, src/*/io.c. http://x/doc/none.md'
	file doc/decisions/README.md '[one](one.md) [up](../map.md) [out](https://x/y)'
	file doc/decisions/one.md '# One
`io_helper()` [home](../../README.md) [here](#one)'
}
expect() {
	found=$(look "$work/tree")
	[ "$found" = "$1" ] || fail "the made tree should give \"$1\", but gave \"$found\""
}

plant
expect ''

file README.md 'See doc/gone.md and (src/util/gone.h).'
expect 'README.md names doc/gone.md, which is not there.
README.md names src/util/gone.h, which is not there.'

plant
file doc/decisions/one.md 'The file `util/gone.c`, `util/io.c`, `elsewhere/gone.c`.'
expect 'doc/decisions/one.md names src/util/gone.c, which is not there.'

# In documents that are about the code only.
plant
file doc/decisions/one.md '`io_gone()` and `io_open()`'
file doc/map.md '## The rooms, of it
`io_gone()`'
expect 'doc/decisions/one.md names io_gone(), which is in no source file.'

plant
file CONTRIBUTING.md '`run_NAME()`, `src/util/run_NAME.c`'
file doc/decisions/one.md ''
expect 'CONTRIBUTING.md names run_NAME(), which is in no source file.
CONTRIBUTING.md names src/util/run_NAME.c, which is not there.'

plant
file doc/decisions/one.md '[map](map.md), [there](../map.md#no-room), [here](#two)'
expect 'doc/decisions/one.md links to #two, but doc/decisions/one.md has no such heading.
doc/decisions/one.md links to ../map.md#no-room, but doc/decisions/../map.md has no such heading.
doc/decisions/one.md links to map.md, which is not there.'

plant
file doc/decisions/one.md ''
file doc/decisions/two.md ''
expect 'doc/decisions/README.md does not link to two.md.'

# The documents themselves.
found=$(look "$top")
[ -z "$found" ] || fail "what the documents name:
$found"
