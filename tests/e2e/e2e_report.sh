#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The report of the cache, of datasets with names that would like to be tags, as a browser
# sees it: headless Chromium, which contrib/setup --long installs, with CAIRN_LONG=1, for it takes
# ten times as long as all the rest.
. "$(dirname "$0")/lib.sh"

evil='</title></svg><script>document.title="hit"</script>"<img src=x onerror=alert(1)>'
mkdir -p "$T/source/$evil/${evil%/*}" "$T/source/many"
head -c 2000000 /dev/urandom >"$T/source/$evil/$evil"
head -c 700000 /dev/urandom >"$T/source/"$'\e[31m \u202e \xff'
numbers "$T/source/many/" 100 20
publish "$T/source" "$T/store" --name "$evil"
cache=(--cache "$T/cache" --trust "$(public_key)")
"$CAIRN" prefetch "$T/store" '<*' "${cache[@]}" >/dev/null
"$CAIRN" cache pin "$T/store" '<*' "${cache[@]}" >/dev/null
"$CAIRN" cache report --html "$T/report.html" --json --cache "$T/cache" >"$T/report.json"

! grep -aq $'[\e\xff]' "$T/report.html" || fail "what steers a terminal is in the page"
! grep -aqi '<script\|<img\|href\| style=\|url(' "$T/report.html" || fail "a name is a tag"
grep -q '"resident": 2000000' "$T/report.json" || fail "JSON: $(cat "$T/report.json")"
[ "$(stat -c '%a' "$T/report.html")" = 600 ] || fail "the page is not the user's alone"
expect 2 'needs --html FILE' "$CAIRN" cache report --cache "$T/cache"
expect 2 'takes no --html' "$CAIRN" cache info --html "$T/report.html" --cache "$T/cache"

is_long || exit 0
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
	skip "the page was made, and there is no Chromium to look at it"
look() { # PAGE OPTION...: in a browser of its own, which says on stderr what it refuses
	HOME=$T/browser timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars \
		--user-data-dir="$T/browser" --enable-logging=stderr --window-size=1280,1000 \
		"${@:2}" "file://$1" 2>"$T/browser.err"
}
mkdir "$T/browser"
look "$T/report.html" --dump-dom --screenshot="$T/report.png" >"$T/dom"
! grep 'CONSOLE' "$T/browser.err" || fail "the browser complains of the page"
grep -q '<title>cairn: what the cache holds</title>' "$T/dom" || fail "a script was run"
! grep -qi '<script\|<img' "$T/dom" || fail "the browser made tags of names"
# the frame, the directories and the files have their places
[ "$(grep -o '<svg class="c a0' "$T/dom" | wc -l)" -ge 1 ] || fail "no box is in the map"
[ "$(stat -c %s "$T/report.png")" -gt 20000 ] || fail "there is nothing to see"
# were a script there all the same, it would not run
sed 's|</main>|<script>document.title = "hit"</script>&|' "$T/report.html" >"$T/hit.html"
look "$T/hit.html" --dump-dom >"$T/dom"
grep -q 'CONSOLE.*Content Security Policy' "$T/browser.err" || fail "the policy is not heeded"
grep -q '<title>cairn: what the cache holds</title>' "$T/dom" || fail "the policy lets scripts run"
