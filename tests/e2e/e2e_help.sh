#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `cairn help`, `--help` and the manual pages say the same.
. "$(dirname "$0")/lib.sh"

# Words of a manual page, without the typewriter's overstrikes.
manual() { mandoc -T ascii "$1" | sed 's/.\x08//g'; }
options() { grep -oE '(^|[^[:alnum:]-])--[a-z][a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u; }

commands=$("$CAIRN" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "cairn help lists no commands"
cmp <("$CAIRN" help) <("$CAIRN" --help) || fail "help and --help differ"
for command in publish serve mount umount prefetch cache ls cat get stat key; do
	grep -qx "$command" <<<"$commands" || fail "cairn help does not list $command"
done
for command in $commands; do
	cmp <("$CAIRN" help "$command") <("$CAIRN" "$command" --help) ||
		fail "help of $command and its --help differ"
	grep -q "^usage: cairn $command" <<<"$("$CAIRN" help "$command")" || fail "no usage of $command"
done
grep -qE '[0-9]+\.[0-9]+' <<<"$("$CAIRN" --version)" || fail "no version"

if command -v mandoc >/dev/null; then
	for command in $commands; do
		case $command in help | version) continue ;; esac
		page=$top/man/cairn-$command.1
		[ -e "$page" ] || fail "no manual of $command"
		mandoc -T lint -W error "$page" || fail "mandoc complains of ${page##*/}"
		missing=$(comm -3 <("$CAIRN" help "$command" | options | grep -vx -- --help) \
			<(manual "$page" | options | grep -vx -- --help))
		[ -z "$missing" ] || fail "${page##*/} and --help disagree on: $missing"
		grep -qw "$command" <<<"$(manual "$top/man/cairn.1")" || fail "cairn.1 leaves out $command"
	done
	for page in cairn.1 cairn.7 cairn-format.5; do
		mandoc -T lint -W error "$top/man/$page" || fail "mandoc complains of $page"
	done
fi
expect 2 'help' "$CAIRN"
expect 2 'nonsense' "$CAIRN" nonsense
expect 2 'nonsense' "$CAIRN" help nonsense
