#!/bin/sh
# SPDX-License-Identifier: MIT
# The house, as the #include lines of src/ have it: no units in a circle, no include upward
# between rooms, and each room's room.mk lists all of its files; and no two files have a static
# function of the same name, no two of a room a struct, which would be one name for two
# things to whoever searches. A unit is a .c and its .h; a room is a folder of src/.
# $CAIRN_SOURCE is the top source directory.
set -eu
export LC_ALL=C

# room: the rooms that it may include. Each stands below those that are named in it, so a
# circle of rooms cannot be written down here. Of cache/, the rooms above see the face only.
rooms='
util:
format: util
tree: format util
net: format util
cache/meta: format util
cache/objects: cache/meta format util
cache/write: cache/objects cache/meta format util
cache: cache/write cache/objects cache/meta tree format util
source: cache net tree format util
dataset: source cache net tree format util
publish: tree net format util
fs: dataset source cache net tree format util
control: fs dataset source cache tree format util
cli: control fs dataset source cache publish tree net format util
'

# Includes that make a circle on purpose, "from to: reason", one a line, by unit. One that no
# circle needs is reported, too. There is none: a command's table names the commands by
# prototypes, and a private part takes what it needs as arguments.
exceptions=''

top=${CAIRN_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d "${TMPDIR:-/tmp}/cairn-includes.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() { printf '%s: FAILED: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The words of a makefile that $2 begins, without it.
makefile_words() { tr -s ' \t\\' '\n\n\n' <"$1" | sed -n "s,^$2,,p"; }

# What is there and what is written, a fact a line: "file PATH", "include PATH TARGET",
# "static PATH NAME", "struct PATH NAME", "listed PATH"; paths below src/ of the tree $1.
facts() (
	cd "$1/src"
	find . -name '*.[ch]' | sed 's,^\./,,' | sort >"$work/files"
	sed 's,^,file ,' "$work/files"
	xargs awk '/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, part, "\"")
		print "include", FILENAME, part[2]
	}
	/^static [^=;]*[ *][a-z_0-9]+\(/ && FILENAME ~ /\.c$/ {
		sub(/\(.*/, "")
		sub(/.*[ *]/, "")
		print "static", FILENAME, $0
	}
	/^(struct|union|enum) [a-z_0-9]+ \{/ && FILENAME ~ /\.c$/ {
		print "struct", FILENAME, $2
	}' <"$work/files" /dev/null
	find . -name room.mk | sed 's,^\./,,; s,/*room\.mk$,,' | while read -r room; do
		makefile_words "$room/room.mk" '%D%/' | sed "s,^,listed $room/,"
	done
	# A program has its main file in the makefile itself.
	makefile_words ../Makefile.am src/ | sed -n 's,^\(.*\.[ch]\)$,listed \1,p'
)

# Reads facts, prints a sentence for each rule that is broken.
judge() {
	{
		printf '%s\n' "$rooms" | sed -n 's/^\([^:]*\): */room \1 /p'
		printf '%s\n' "$exceptions" | sed -n 's/^\([^ ]*\) \([^:]*\):.*/except \1 \2/p'
		cat
	} | awk '
	function room_of(path) { sub(/\/?[^\/]*$/, "", path); return path }
	function unit_of(path) { sub(/\.[ch]$/, "", path); return path }

	# The first unit that u includes and that is still in the game.
	function next_of(u, i) {
		for (i = 1; i <= degree[u]; i++)
			if (!gone[to[u, i]])
				return to[u, i]
		return ""
	}
	# Takes out, again and again, whoever includes nobody that is left: what stays includes
	# a circle.
	function peel(i, some) {
		for (some = 1; some;) {
			some = 0
			for (i = 1; i <= units; i++)
				if (!gone[unit[i]] && next_of(unit[i]) == "")
					some = gone[unit[i]] = 1
		}
	}
	# Walks on from u until it comes back to where it was; says so, and takes the circle out.
	function report(u, text, at, size) {
		for (split("", seen); !(u in seen); u = next_of(u))
			seen[u] = 1
		text = "src/" u
		at = u
		do {
			circle[++size] = at
			at = next_of(at)
			text = text " -> src/" at
		} while (at != u)
		print "These include each other in a circle: " text "."
		for (; size > 0; size--)
			gone[circle[size]] = 1
	}

	$1 == "room" {
		for (i = 3; i <= NF; i++) {
			if (!($i in known))
				print "The table lets " $2 "/ include " $i "/, which does not stand above it there."
			allowed[$2, $i] = 1
		}
		known[$2] = 1
	}
	$1 == "except" { except[$2, $3] = 1; exception[++exceptions] = $2 SUBSEP $3 }
	$1 == "file" {
		file[$2] = 1
		files[++count] = $2
		if (!((u = unit_of($2)) in degree)) {
			degree[u] = 0
			unit[++units] = u
		}
	}
	$1 == "listed" { listed[$2] = 1 }
	$1 == "include" { from[++includes] = $2; target[includes] = $3 }
	$1 == "static" {
		if (($3 in home) && home[$3] != $2)
			print "src/" home[$3] " and src/" $2 " each have a static " $3 "()."
		home[$3] = $2
	}
	$1 == "struct" {
		key = room_of($2) SUBSEP $3
		if ((key in made) && made[key] != $2)
			print "src/" made[key] " and src/" $2 " each have a struct " $3 "."
		made[key] = $2
	}

	END {
		for (i = 1; i <= count; i++) {
			room = room_of(files[i])
			if (!(room in known))
				print "src/" files[i] " is in a folder that is no room of the table in this test."
			else if (!(files[i] in listed))
				print "src/" files[i] " is not listed in src/" room "/room.mk."
		}
		for (f in listed)
			if (!(f in file))
				print "src/" f " is listed in a makefile, but is not there."
		for (i = 1; i <= includes; i++) {
			a = room_of(from[i])
			b = room_of(target[i])
			if (!(target[i] in file)) {
				print "src/" from[i] " includes \"" target[i] "\", which is not in src/."
				continue
			}
			if (a != b && (a in known) && (b in known) && !((a, b) in allowed))
				print "src/" from[i] " includes \"" target[i] "\": " a "/ may not include what is in " b "/."
			a = unit_of(from[i])
			b = unit_of(target[i])
			if ((a, b) in except)
				excepted[a, b] = 1
			else if (a != b)
				to[a, ++degree[a]] = b
		}
		for (i = 1; i <= exceptions; i++)
			if (!(exception[i] in excepted)) {
				split(exception[i], part, SUBSEP)
				print "The exception " part[1] " -> " part[2] " is an include that is not there."
			}
		peel()
		for (i = 1; i <= units; i++)
			if (!gone[unit[i]]) {
				report(unit[i])
				peel()
			}
	}'
}

# The sentences for the tree $1.
look() { facts "$1" | judge; }

# A small tree, and in it one fault after the other: this test must be able to fail.
file() { printf '%s\n' "$2" >"$work/tree/src/$1"; }
plant() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/src/util" "$work/tree/src/format" "$work/tree/src/cache/meta" \
		"$work/tree/src/cli"
	echo 'cairn_SOURCES = src/cli/main.c' >"$work/tree/Makefile.am"
	file util/room.mk 'libutil_a_SOURCES = %D%/io.c %D%/io.h \
	%D%/log.h'
	file util/io.h '#include <stddef.h>'
	file util/io.c '#include "util/io.h"
#include "util/log.h"'
	file util/log.h ''
	file format/room.mk 'libformat_a_SOURCES = %D%/page.c %D%/page.h'
	file format/page.h '#include "util/io.h"'
	file format/page.c '#include "format/page.h"'
	file cache/meta/room.mk 'libcache_meta_a_SOURCES = %D%/pins.h'
	file cache/meta/pins.h '#include "format/page.h"'
	file cli/room.mk ''
	file cli/main.c '#include "format/page.h"'
}
expect() {
	found=$(look "$work/tree")
	[ "$found" = "$1" ] || fail "the made tree should give \"$1\", but gave \"$found\""
}

plant
expect ''

# The same name twice, once with a prototype of its own.
file util/log.h 'static inline int unit(void);'
file util/io.c 'static int unit(void);
static int unit(void)'
expect ''
file format/page.c 'static struct unit *unit('
expect 'src/format/page.c and src/util/io.c each have a static unit().'
plant

# The same of structs, in one room.
file format/page.c 'struct unit {'
file util/io.c 'struct unit {'
expect ''
file util/log.c 'struct unit {'
expect 'src/util/io.c and src/util/log.c each have a struct unit.
src/util/log.c is not listed in src/util/room.mk.'
plant

# A circle of two, through the .c of one and the .h of the other.
file util/log.h '  #  include "util/io.h"'
expect 'These include each other in a circle: src/util/io -> src/util/log -> src/util/io.'
exceptions='util/log util/io: a made one'
expect ''
exceptions='util/io util/bytes: a made one'
plant
expect 'The exception util/io -> util/bytes is an include that is not there.'
exceptions=''

# A circle across rooms is one of upward includes, too.
file util/log.h '#include "format/page.h"'
expect 'src/util/log.h includes "format/page.h": util/ may not include what is in format/.
These include each other in a circle: src/format/page -> src/util/io -> src/util/log -> src/format/page.'

# Each circle is reported, not the first only.
plant
file util/log.h '#include "util/io.h"'
file format/page.h '#include "format/row.h"'
file format/row.h '#include "format/page.h"'
file format/room.mk 'libformat_a_SOURCES = %D%/page.c %D%/page.h %D%/row.h'
expect 'These include each other in a circle: src/format/page -> src/format/row -> src/format/page.
These include each other in a circle: src/util/io -> src/util/log -> src/util/io.'

plant
file util/log.h '#include "cache/meta/pins.h"'
file util/io.c '#include "util/io.h"'
expect 'src/util/log.h includes "cache/meta/pins.h": util/ may not include what is in cache/meta/.'

# The inner rooms of the cache are for the cache.
plant
file cli/main.c '#include "cache/meta/pins.h"'
expect 'src/cli/main.c includes "cache/meta/pins.h": cli/ may not include what is in cache/meta/.'

plant
file util/log.h '#include "util/nothing.h"'
expect 'src/util/log.h includes "util/nothing.h", which is not in src/.'

plant
file util/room.mk 'libutil_a_SOURCES = %D%/io.c %D%/io.h %D%/gone.h'
expect 'src/util/log.h is not listed in src/util/room.mk.
src/util/gone.h is listed in a makefile, but is not there.'

plant
mkdir "$work/tree/src/attic"
file attic/old.h ''
expect 'src/attic/old.h is in a folder that is no room of the table in this test.'

# The source itself.
found=$(look "$top")
[ -z "$found" ] || fail "what src/ includes:
$found"

# The headers that tests share are in the tarball, too.
for header in "$top"/tests/unit/*.h; do
	grep -qF "tests/unit/${header##*/}" "$top/Makefile.am" ||
		fail "${header##*/} of tests/unit is not in EXTRA_DIST of Makefile.am"
done
