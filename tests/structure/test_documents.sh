#!/bin/sh
# SPDX-License-Identifier: MIT
# What the documents name is there: each path below src/, tests/, doc/, contrib/ or man/,
# each source file of a room, each function written `name()` in the documents that are
# about the code, the target of each link, and its heading. They are in the tarball, as are
# manual pages and what unit tests share. Limits are the code's: in a row of a table,
# `| ... | 4 MiB (`NAME`) | FILE |`, the number is that constant's. $CAIRN_SOURCE is the
# top source directory.
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
	if [ -e "$1" ] || [ -e "$1.c" ]; then return 0; fi
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

# A number as documents write it (4 MiB, 2^50 bytes, 65536 bytes, 30), as digits.
plain_number() { # NUMBER UNIT
	case $1-$2 in
	2^*) echo $((1 << ${1#2^})) ;;
	*-MiB) echo $(($1 << 20)) ;;
	*-KiB) echo $(($1 << 10)) ;;
	*) echo "$1" ;;
	esac
}

# The value of a constant that is one number, perhaps shifted.
constant() { # FILE NAME
	value=$(sed -n "s,^#define $2  *\\(.*\\),\\1,p" "$1" | sed 's,/\*.*,,; s,(uint64_t),,; s,UINT64_C,,; s,\([0-9]\)[uUlL]*,\1,g')
	case $value in
	'' | *[!0-9\(\)\<\ ]*) echo "?" ;;
	*) echo $(($value)) ;;
	esac
}

# The limits in a document's tables: "NUMBER UNIT NAME FILE" a line.
limits() {
	sed -n 's,^|.*| *\([0-9^]*\)\( *[A-Za-z]*\) (`\([A-Z_]*\)`) *| *\([^ |]*\) *|$,\1\2 \3 \4,p' "$1" |
		awk 'NF == 3 { print $1, "-", $2, $3; next } { print }'
}

check_limits() { # DOCUMENT
	limits "$1" | while read -r number unit name file; do
		if [ ! -e "$file" ]; then continue; fi # said already
		if [ "$(plain_number "$number" "$unit")" != "$(constant "$file" "$name")" ]; then
			echo "$1: $name of $file is $(constant "$file" "$name"), not $number."
		fi
	done
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
	awk 'FILENAME ~ /names$/ { name[$1] = 1; next } $1 != "call" || !($3 in name)' \
		"$work/names" "$work/facts" >"$work/left"
	while read -r kind file name; do
		case $kind in
		path) exists "$name" || echo "$file names $name, which is not there." ;;
		call) ! is_about_code "$file" || is_function "$name" ||
			echo "$file names $name(), which is in no source file." ;;
		link) check_link "$file" "$name" ;;
		esac
	done <"$work/left"
	for document; do check_limits "$document"; done
	# A page that its index does not know is not found.
	for page in doc/decisions/*.md; do
		case $page in
		*/README.md | *'*'*) continue ;;
		esac
		grep -q "^link doc/decisions/README.md ${page##*/}\$" "$work/facts" ||
			echo "doc/decisions/README.md does not link to ${page##*/}."
	done
	if [ ! -e Makefile.am ]; then return; fi
	distributed=$(cat Makefile.am)
	for file in "$@" man/*.[1-8] tests/unit/*.h; do
		case $distributed in
		*"$file"*) ;;
		*) [ ! -e "$file" ] || echo "Makefile.am distributes no $file." ;;
		esac
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

plant
file Makefile.am 'EXTRA_DIST = README.md CONTRIBUTING.md doc/map.md doc/decisions/README.md'
expect 'Makefile.am distributes no doc/decisions/one.md.'

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

plant
file src/util/io.h '#define A_MAX 10
#define B_MAX (4u << 20) /* bytes */
#define C_MAX ((uint64_t)1 << 50)
#define D_MAX A_MAX'
file doc/map.md '## The rooms, of it
| a | 10 (`A_MAX`) | src/util/io.h |
| b | 4 MiB (`B_MAX`) | src/util/io.h |
| c | 2^50 bytes (`C_MAX`) | src/util/io.h |'
expect ''
file doc/map.md '## The rooms, of it
| a | 11 s (`A_MAX`) | src/util/io.h |
| d | 10 bytes (`D_MAX`) | src/util/io.h |
| e | 10 (`E_MAX`) | src/util/io.h |'
expect 'doc/map.md: A_MAX of src/util/io.h is 10, not 11.
doc/map.md: D_MAX of src/util/io.h is ?, not 10.
doc/map.md: E_MAX of src/util/io.h is ?, not 10.'

# The documents themselves.
found=$(look "$top")
[ -z "$found" ] || fail "what the documents name:
$found"
