#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Readers beside everything that goes wrong at once: a server that does it all, killed and
# stopped processes, a full disk, damaged files. Every byte right or an errno, no hang, no
# crash, nothing left over. The seed is printed; e2e_random.sh [SEED [SECONDS]] has the
# same faults in store again; CAIRN_SEED and CAIRN_SECONDS tell contrib/check the same.
. "$(dirname "$0")/../e2e/lib.sh"
need_fuse
need_root # for a small disk
need_program python3
here=$(dirname "$0")

seed=${1-${CAIRN_SEED-$((RANDOM * 32768 + RANDOM))}}
seconds=${2-${CAIRN_SECONDS-$(if is_long; then echo 3600; elif is_quick; then echo 15; else echo 45; fi)}}
say "seed $seed, $seconds s"

mkdir -p "$T/source/deep/er" "$T/tls" "$T/disk"
numbers "$T/source/small-" 60 40
for i in 1 2 3; do head -c $((i * 1300000)) /dev/urandom >"$T/source/deep/noise-$i"; done
for i in 1 2; do seq $((i * 1000000)) $((i * 1000000 + 600000)) >"$T/source/deep/er/plain-$i"; done
publish "$T/source" "$T/store"
touch "$T/source/small-1"
publish "$T/source" "$T/store"

certificate() { # NAME: NAME-ca.pem, and NAME.pem with its key
	local d=$T/tls/$1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1 CA" -keyout "$d-ca.key" -out "$d-ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
		-keyout "$d.key" -out "$d.request" 2>/dev/null
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$d.names"
	openssl x509 -req -in "$d.request" -CA "$d-ca.pem" -CAkey "$d-ca.key" -days 2 \
		-CAcreateserial -extfile "$d.names" -out "$d.crt" 2>/dev/null
	cat "$d.crt" "$d.key" >"$d.pem"
}
certificate good
certificate sick

mount -t tmpfs -o size=40m tmpfs "$T/disk"
mkdir "$T/disk/cache"
echo 0 >"$T/rate"
python3 "$here/fault_server.py" --store "$T/store" --tls "$T/tls" --seed "$seed" \
	--rate-file "$T/rate" --url-file "$T/url" --counts "$T/faults" &
server_pid=$!
pids+=("$server_pid")
wait_until 20 test -s "$T/url" || fail "the server does not start"

instrumented=()
if grep -aq __asan_init "$CAIRN" || grep -aq __tsan_init "$CAIRN"; then instrumented=(--instrumented); fi
python3 "$here/random_run.py" --seed "$seed" --seconds "$seconds" --cairn "$CAIRN" \
	--url "$(cat "$T/url")" --cacert "$T/tls/good-ca.pem" --trust "$(public_key)" \
	--source "$T/source" --mount "$T/mnt" --cache "$T/disk/cache" --rate-file "$T/rate" \
	--ballast "$T/disk/ballast" --options quota=12M,floor=1M,verify=open "${instrumented[@]}" || fail "seed $seed"
stop "$server_pid"
say "faults of the server: $(cat "$T/faults")"
