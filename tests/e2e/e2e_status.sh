#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a mount tells of itself is so: its figures against those of its reader and of its
# server; with a server that is dead, and beside a mount that hangs.
. "$(dirname "$0")/lib.sh"
need_fuse
need_program python3
TERMINAL=$(find_program ./tests/e2e/terminal)

m=$T/mnt
status() { "$CAIRN" status "$@"; }
# figure [MEMBER] KEY: of what a mount says, without a program that reads JSON for each
figure() {
	local json object=
	json=$(status "$m" --json)
	[ $# = 1 ] || object="\"$1\": \\{[^{}]*"
	[[ $json =~ $object\"${!#}\":\ \"?([^\",]*) ]] || fail "no $* in $json"
	echo "${BASH_REMATCH[1]}"
}
is() { # WANT [MEMBER] KEY
	[ "$(figure "${@:2}")" = "$1" ]
}

mkdir "$T/source"
head -c 3000000 /dev/urandom >"$T/source/big"
head -c 2000000 /dev/urandom >"$T/source/cold"
echo small >"$T/source/small"
publish "$T/source" "$T/store" --name figures
start_serve "$T/store" --http --access-log "$T/access"
trust=$(public_key)
port=$(free_port)
served=1
[[ $("$CAIRN" version) == *microhttpd* ]] || served=
mount_at "$URL" "$m" --trust "$trust" -o "open=elide,metrics=127.0.0.1:$port"
mount_at "$URL" "$T/mnt2" --trust "$trust" -o "open=elide,metrics=$T/metrics.prom"

# cold bytes: each was brought, the reader got each, the server was asked as often as is told
before=$(figure wire bytes)
cat "$m/big" >"$T/read"
cat "$m/small" >>"$T/read"
answered=$(python3 -c 'import json, sys
before, now, size, got = int(sys.argv[1]), json.load(sys.stdin), int(sys.argv[2]), int(sys.argv[3])
assert now["wire"]["bytes"] - before >= size, (before, now["wire"])
answered = now["answered_bytes"]
assert answered["cache"] + answered["wire"] >= got, (answered, got)
assert answered["wire"] > 0
read = now["operations"]["read"]
assert read["count"] >= read["waited"] > 0 and read["failed"] == 0, read
assert 0 < read["p50_ns"] <= read["p90_ns"] <= read["p99_ns"] <= read["max_ns"], read
assert now["requests"]["count"] == sum(o["count"] for o in now["operations"].values())
assert now["dataset"] == "figures" and now["revision"] == now["newest_known"] == 1
assert now["mirrors"][0]["health"] == "well" and now["mirrors"][0]["usual_ns"] > 0
assert now["open"]["mode"] in ("elide", "passthrough", "plain") and now["open"]["reason"]
assert now["engine"]["mode"] and now["engine"]["reason"]
assert now["cache"]["resident"] > 0 and now["cache"]["disk_free"] > 0
assert now["follow"]["follows"] and now["follow"]["looked"] and not now["follow"]["trouble"]
assert now["key"].startswith("ed25519:") and now["url"].startswith("http://")
print(read["count"])' "$before" 3000000 3000006 < <(status "$m" --json)) || fail "the figures"
say "$answered reads"
asked() { # of both mounts
	told=$(($(figure wire requests) + $(m=$T/mnt2 figure wire requests)))
	[ "$(grep -c '"GET ' "$T/access")" = $told ]
}
wait_until 10 asked || fail "told: $told requests; the server: $(grep -c GET "$T/access")"

# what is warm asks the mount for nothing, unless the kernel wanted the memory
warm() {
	local reads
	reads=$(figure read count)
	[ "$(cat "$m/small")" = small ] && is "$reads" read count
}
wait_until 2 warm || fail "a warm read is counted"

# for people
status "$m/small" >"$T/text"
for line in "^mount  *$m\$" '^revision  *1, published' '^mirrors .*: well' '^read  *[1-9]'; do
	grep -q "$line" "$T/text" || fail "no '$line' in $(cat "$T/text")"
done
! grep -q $'[\e\t]' "$T/text" || fail "a pipe gets what is for terminals"
readarray -n 2 -t lines < <(status --watch --json "$m" || true)
[ "$(grep -c '^{"age.*}$' < <(printf '%s\n' "${lines[@]}"))" = 2 ] || fail "--watch --json"
grep -m 1 -q '^now  *[0-9.]* requests/s' < <(status -w "$m" || true) || fail "--watch"

# metrics: text that Prometheus takes, with the same figures; the dashboard asks for no others
wait_until 10 test -s "$T/metrics.prom" || fail "no file of metrics"
cp "$T/metrics.prom" "$T/scraped"
if [ -n "$served" ]; then
	curl -sSf -o "$T/scraped" "http://127.0.0.1:$port/metrics"
	[ "$(curl -s -o /dev/null -w '%{http_code} %{content_type}' "http://127.0.0.1:$port/")" != 200 ]
	grep -qF "cairn_wire_received_bytes_total{mountpoint=\"$m\"} $(figure wire bytes)" "$T/scraped" ||
		fail "metrics and status differ: $(grep wire "$T/scraped")"
fi
python3 -c 'import re, sys
types, helps, last, names = {}, set(), {}, set()
for line in open(sys.argv[1]):
    if line.startswith("# HELP "):
        helps.add(line.split()[2])
    elif line.startswith("# TYPE "):
        name, kind = line.split()[2:]
        assert name not in types and name in helps, name
        assert (kind == "counter") == name.endswith("_total"), line
        types[name] = kind
    else:
        match = re.fullmatch(r"(cairn_[a-z_]+)\{(mountpoint=\"[^\"]+\".*)\} ([0-9.]+)\n", line)
        assert match, line
        name, labels, value = match.groups()
        base = re.sub("_(bucket|sum|count)$", "", name)
        assert name in types or types[base] == "histogram", line
        names.add(name)
        if name.endswith("_bucket"): # none is less than the one before
            series, bound = labels.split(",le=")
            assert float(value) >= last.get(series, 0), line
            last[series] = float(value)
        if name.endswith("_count"):
            assert last[labels] == float(value), line
wanted = set(re.findall("cairn_[a-z_]+", open(sys.argv[2]).read()))
assert len(wanted) > 20 and wanted <= names, wanted - names' "$T/scraped" "$top/contrib/grafana/cairn.json" || fail "the metrics"

# a live view on a terminal, until the mount ends
# shellcheck disable=SC2016 # bash puts them in
"$TERMINAL" 60 "$T/screen" bash -c 'exec "$0" status --watch "$1" >&2' "$CAIRN" "$m" &
viewer=$!
pids+=("$viewer")

# a server that is dead: the mount tells who waits, and why
stop "$server_pid"
cat "$m/cold" >"$T/none" 2>&1 &
reader=$!
pids+=("$reader")
waits() { [ "$(figure parked)" -gt 0 ]; }
wait_until 10 waits || fail "nobody waits"
wait_until 10 is unreachable health || fail "the mirror is well"
status >"$T/table" || true
grep -q "^$m  *figures .*server unreachable, [1-9][0-9]* wait" "$T/table" || fail "$(cat "$T/table")"
grep -q "^$T/mnt2  *figures " "$T/table" || fail "$(cat "$T/table")"
kill "$reader"

# one that hangs is said to, and stops no other
hung=$(m=$T/mnt2 figure pid)
kill -STOP "$hung"
! status >"$T/table" || fail "a mount that hangs is success"
kill -CONT "$hung"
grep -q "^$T/mnt2 .* HANGS: its process $hung does" "$T/table" || fail "$(cat "$T/table")"
grep -q "^$m  *figures" "$T/table" || fail "$(cat "$T/table")"
kill -STOP "$hung"
status --json >"$T/json" || true
expect 1 'hangs or is stopped' status "$T/mnt2"
kill -CONT "$hung"
python3 -c 'import json, sys
hung, well = sys.argv[2:]
mounts = {o["mountpoint"]: o for o in json.load(open(sys.argv[1]))}
assert mounts[hung]["hangs"] and mounts[hung]["error"] and mounts[hung]["pid"]
assert mounts[well]["requests"]["count"] > 0' "$T/json" "$T/mnt2" "$m"

unmount "$T/mnt2"
[ ! -e "$T/metrics.prom" ] || fail "metrics of a mount that is gone"

# one whose process was killed is not passed over
kill -KILL "$(figure pid)"
! wait "$viewer" || fail "the view of a mount that ended is success"
grep -qF $'\e[H\e[2J' "$T/screen" && grep -q '^mount ' <(tr -d '\r' <"$T/screen" | sed $'s/\e\\[[0-9]*[HJ]//g') ||
	fail "no screen: $(cat -v "$T/screen")"
screen=$(<"$T/screen")
last=${screen##*$'\e[2J'}
grep -q 'cairn status: .* is gone' <<<"$last" || fail "nobody sees why it ended: $last"
! sed '/^cairn status:/,$d' <<<"$last" | tr -d '\r' | grep -E '.{61}' || fail "a line wraps"
! status >"$T/table" || fail "a mount that is dead is success"
grep -q "^$m  *- .* is gone: cairn umount $m\$" "$T/table" || fail "$(cat "$T/table")"
expect 1 'is gone: cairn umount' status "$m"
unmount
# where nobody takes notice of the death of processes, this one is still in the table of them
expect 1 'no mount of yours|is gone' status "$m"
expect 2 'one MOUNTPOINT' status a b
