# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the end-to-end tests share. A test sources this, and from then on has a fresh
# directory $T with a home of its own, and whatever it starts or mounts is gone when it
# ends. Run from the build directory, as `make check` does.

set -eEu -o pipefail
umask 022
export LC_ALL=C.UTF-8 TZ=UTC
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
fail() { say "FAILED: $*" >&2; exit 1; }
skip() { say "skipped: $*"; exit 77; }

find_program() {
	local candidate
	for candidate in "$@"; do
		if [ -x "$candidate" ]; then
			readlink -f "$candidate"
			return
		fi
	done
	fail "$1 is not built"
}
CAIRN=$(find_program "${CAIRN:-./cairn}" ./src/cairn ./src/cli/cairn)
COMPARE=$(find_program "${COMPARE:-./tests/e2e/compare}" ./compare)
ODDTREE=$(find_program "${ODDTREE:-./tests/e2e/oddtree}" ./oddtree)
TERMINAL=$(find_program "${TERMINAL:-./tests/e2e/terminal}" ./terminal)
PROXY=$(find_program "${PROXY:-./tests/faults/proxy}" ./proxy)
export CAIRN

# Less to do, for slow (instrumented) builds and hurried people.
is_quick() { [ -n "${CAIRN_QUICK-}" ]; }
is_long() { [ -n "${CAIRN_LONG-}" ]; }

T=$(mktemp -d "${TMPDIR:-/tmp}/cairn-e2e.XXXXXX")
export HOME=$T/home XDG_CONFIG_HOME=$T/config XDG_CACHE_HOME=$T/xdg-cache XDG_RUNTIME_DIR=$T/run
mkdir -p "$HOME" "$T/mnt" "$T/sanitizer"
mkdir -m 700 "$T/run"
if is_long; then leaks=1; else leaks=0; fi
# To look for leaks takes longer than most commands: those of mounts are looked for always.
export ASAN_OPTIONS="log_path=$T/sanitizer/asan:exitcode=99:detect_leaks=$leaks:${ASAN_OPTIONS-}"
export UBSAN_OPTIONS="log_path=$T/sanitizer/ubsan:exitcode=99:print_stacktrace=1:${UBSAN_OPTIONS-}"
export TSAN_OPTIONS="log_path=$T/sanitizer/tsan:exitcode=99:${TSAN_OPTIONS-}"
pids=()
groups=()

is_root() { [ "$(id -u)" = 0 ]; }

# Makes a control group with that much memory, and sets `group` to its directory; false
# where there can be none.
make_group() { # BYTES
	local top file
	for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/memory; do
		group=$top/cairn-e2e-$$
		mkdir "$group" 2>/dev/null || continue
		groups+=("$group")
		for file in memory.max memory.limit_in_bytes; do
			[ ! -e "$group/$file" ] || ! echo "$1" >"$group/$file" || return 0
		done
	done
	return 1
}
in_group() ( # COMMAND...
	echo $BASHPID >"$group/cgroup.procs"
	"$@"
)

# ---- cleaning up

on_error() {
	say "FAILED at line $2 of ${1##*/}: $3" >&2
}
trap 'on_error "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND"' ERR

# Mount points below $T, innermost first.
mounts_below() {
	awk -v t="$T/" 'index($5, t) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

# Our own daemons: this very program, with this test's directory on its command line.
daemon_pids() {
	local p
	for p in /proc/[0-9]*; do
		if [ "$p/exe" -ef "$CAIRN" ] &&
			tr '\0' '\n' 2>/dev/null <"$p/cmdline" | grep -qF "$T/"; then
			echo "${p#/proc/}"
		fi
	done
}

# The last one to leave a cache has the disk take all of it first: on a busy machine that
# is no matter of seconds.
wait_for_daemons() {
	local i
	for i in $(seq 900); do
		[ -n "$(daemon_pids)" ] || return 0
		sleep 0.1
	done
	return 1
}

# Ends a process that the test started.
stop() {
	kill -CONT "$1" 2>/dev/null || true
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

on_exit() {
	local status=$? point pid group
	trap - ERR EXIT
	set +e
	mounts_below | while read -r point; do
		point=$(printf '%b' "$point")
		if is_root; then umount -l "$point"; else fusermount3 -uzq "$point"; fi
	done
	for pid in "${pids[@]}"; do stop "$pid"; done
	if ! wait_for_daemons; then
		say "FAILED: a daemon outlived its mount" >&2
		[ $status != 0 ] || status=1
		for pid in $(daemon_pids); do kill -KILL "$pid" 2>/dev/null; done
	fi
	for group in "${groups[@]}"; do rmdir "$group"; done
	if [ -n "$(find "$T/sanitizer" -type f -size +0 2>/dev/null)" ]; then
		say "FAILED: a sanitizer complained:" >&2
		cat "$T"/sanitizer/* >&2
		status=1
	fi
	if [ -n "${CAIRN_KEEP-}" ] && [ $status != 0 ]; then
		say "kept: $T"
	else
		is_root || chmod -R u+rwX "$T" 2>/dev/null
		rm -rf --one-file-system "$T"
	fi
	[ $status != 0 ] || say "passed in $SECONDS s"
	exit $status
}
trap on_exit EXIT
trap 'exit 1' HUP INT TERM

# ---- what a test may need

need_fuse() {
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "/dev/fuse is missing or not for this user"
	is_root || command -v fusermount3 >/dev/null || skip "fusermount3 is missing"
	unshare_works || grep -qw fuse /proc/filesystems || skip "the kernel has no FUSE"
}
# in_namespace PREPARATION COMMAND...: both run in a mount namespace of their own. The other
# tests' mounts are let go of there: they would live on in it after their unmounting.
in_namespace() {
	unshare -m sh -c '
		awk "\$3 ~ /^fuse/ { print \$2 }" /proc/mounts | while read -r m; do umount -l "$m"; done
		eval "$1" || exit 77
		shift
		exec "$@"' sh "$@"
}
unshare_works() { is_root && unshare -m true 2>/dev/null; }
need_root() { is_root || skip "needs root"; }
need_program() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || skip "$1 is missing"; }

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# wait_until SECONDS COMMAND...: ten times as many on a busy machine
wait_until() {
	local end=$((SECONDS + 10 * $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# ---- publishing and serving

publish() { # SOURCE STORE [OPTION...]
	"$CAIRN" publish "$@" >"$T/publish.out" 2>"$T/publish.err" || {
		cat "$T/publish.err" >&2
		fail "cairn publish $*"
	}
}

make_certificate() {
	local d=$T/nginx
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj "/CN=test CA" -keyout "$d/ca.key" -out "$d/ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
		-keyout "$d/key.pem" -out "$d/request.pem" 2>/dev/null
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$d/names"
	openssl x509 -req -in "$d/request.pem" -CA "$d/ca.pem" -CAkey "$d/ca.key" -days 30 \
		-CAcreateserial -extfile "$d/names" -out "$d/cert.pem" 2>/dev/null
}

nginx_configuration() { # STORE PORT PLAIN_PORT
	cat <<-END
		daemon off;
		master_process off;
		pid $T/nginx/pid;
		error_log $T/nginx/error.log;
		events { worker_connections 512; }
		http {
			log_format requests '\$msec \$connection \$request \$status \$body_bytes_sent';
			access_log $T/nginx/access.log requests;
			client_body_temp_path $T/nginx/body;
			proxy_temp_path $T/nginx/proxy;
			fastcgi_temp_path $T/nginx/fastcgi;
			uwsgi_temp_path $T/nginx/uwsgi;
			scgi_temp_path $T/nginx/scgi;
			default_type application/octet-stream;
			keepalive_requests 100000;
			server {
				listen 127.0.0.1:$2 ssl http2;
				listen 127.0.0.1:$3;
				ssl_protocols TLSv1.2 TLSv1.3;
				ssl_certificate $T/nginx/cert.pem;
				ssl_certificate_key $T/nginx/key.pem;
				root $1;
			}
		}
	END
}

nginx_answers() {
	curl -s -o /dev/null --cacert "$CACERT" "$URL/" && curl -s -o /dev/null "$PLAIN_URL/"
}

# Serves STORE: sets URL (https), PLAIN_URL and PLAIN_PORT (http), CACERT, server_pid.
start_nginx() {
	local port try
	mkdir -p "$T/nginx"
	[ -e "$T/nginx/cert.pem" ] || make_certificate
	CACERT=$T/nginx/ca.pem
	for try in 1 2 3; do
		port=$(free_port)
		PLAIN_PORT=$(free_port)
		URL=https://127.0.0.1:$port PLAIN_URL=http://127.0.0.1:$PLAIN_PORT
		nginx_configuration "$1" "$port" "$PLAIN_PORT" >"$T/nginx/conf"
		PATH=$PATH:/usr/sbin nginx -p "$T/nginx" -c "$T/nginx/conf" -e "$T/nginx/error.log" \
			2>>"$T/nginx/stderr" &
		server_pid=$!
		pids+=("$server_pid")
		! wait_until 5 nginx_answers || return 0
		stop "$server_pid"
	done
	cat "$T/nginx/stderr" "$T/nginx/error.log" >&2
	fail "nginx does not start"
}

serve_answers() {
	URL=$(sed -n 's/^serving .* at \(http.*\)$/\1/p' "$T/serve.out" 2>/dev/null)
	[ -n "$URL" ]
}

# Serves STORE with `cairn serve`: sets URL, CACERT, server_pid. [--http: no TLS]
start_serve() {
	CACERT=$T/tls/ca.pem
	rm -f "$T/serve.out"
	"$CAIRN" serve "$@" --listen 127.0.0.1:0 --tls-dir "$T/tls" \
		>"$T/serve.out" 2>"$T/serve.err" &
	server_pid=$!
	pids+=("$server_pid")
	wait_until 20 serve_answers || {
		cat "$T/serve.err" >&2
		fail "cairn serve does not answer"
	}
}

# ---- the proxy

# Sets PROXY_PORT; [OPTION...] as tests/faults/proxy.c says.
start_proxy() { # TARGET_PORT [OPTION...]
	rm -f "$T/proxy.port"
	"$PROXY" -t "$1" -c "$T/proxy.sock" "${@:2}" >"$T/proxy.port" &
	pids+=("$!")
	wait_until 5 test -s "$T/proxy.port" || fail "the proxy does not start"
	PROXY_PORT=$(cat "$T/proxy.port")
}
proxy() { "$PROXY" ctl "$T/proxy.sock" "$@" >/dev/null; }

# ---- mounting

# Mounts in the background, at $T/mnt unless said otherwise: mount_at URL POINT [OPTION...]
mount_at() {
	mkdir -p "$2"
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=1 \
		"$CAIRN" mount "$1" "$2" --cache "$T/cache" "${@:3}" 2>"$T/mount.err" || {
		cat "$T/mount.err" >&2
		fail "cairn mount $1"
	}
	mountpoint -q "$2" || fail "cairn mount came back before the mount was there"
}

# Mounts URL at $T/mnt; believes the server's certificate.
mount_url() { # [OPTION...]
	mount_at "$URL" "$T/mnt" --cacert "$CACERT" "$@"
}

unmount() { # [POINT]
	"$CAIRN" umount "${1:-$T/mnt}"
	! mountpoint -q "${1:-$T/mnt}" || fail "still mounted"
}

# Same in everything that compare knows.
compare() { # [OPTION...] SOURCE MOUNT
	"$COMPARE" "$@" || fail "the trees differ"
}

public_key() { "$CAIRN" key show; }

# expect STATUS PATTERN COMMAND...: it ends with that status and a sentence on stderr
# that matches. Trouble (1) is told in one line; notes ("cairn: ...") may precede it.
expect() {
	local want=$1 pattern=$2 got=0 text line sentences=()
	shift 2
	"$@" >"$T/expect.out" 2>"$T/expect.err" || got=$?
	mapfile -t <"$T/expect.err"
	for line in "${MAPFILE[@]}"; do [[ $line == 'cairn: '* ]] || sentences+=("$line"); done
	printf -v text '%s\n' "${MAPFILE[@]}"
	[ "$got" = "$want" ] || fail "status $got, not $want: $*: ${text:0:500}"
	matches "$text" "$pattern" || fail "no word of '$pattern': $*: ${text:0:500}"
	[ "$want" != 1 ] || [ ${#sentences[@]} = 1 ] || fail "more than a sentence: $*: $text"
	say "ok: ${sentences[0]-}"
}
matches() { # TEXT PATTERN: an extended one, upper case as lower
	[[ ${1,,} =~ ${2,,} ]]
}

# numbers PREFIX COUNT [STEP]: PREFIX1 to PREFIXCOUNT, of STEP lines, two times, three times...
numbers() {
	awk -v prefix="$1" -v count="$2" -v step="${3-1}" 'BEGIN {
		for (i = 1; i <= count; i++) {
			for (j = 1; j <= i * step; j++) print j >(prefix i)
			close(prefix i)
		}
	}'
}

# sample_tree DIRECTORY FILES MEGABYTES: copies of whole directories of the machine's own
# /usr, up to about that much.
sample_tree() {
	local files=$2 kilobytes=$(($3 * 1024)) from n k
	mkdir -p "$1"
	for from in /usr/include /usr/share/* /usr/lib/*; do
		[ -d "$from" ] && [ ! -L "$from" ] || continue
		# no further than tells that it is too large: find is left alone then, and fails
		read -r n k < <({ find "$from" -printf '%k\n' 2>/dev/null || true; } |
			awk -v most="$files" '{ k += $1 } NR > most { exit } END { print NR, k + 0 }')
		[ "$n" -le "$files" ] && [ "$k" -le "$kilobytes" ] || continue
		cp -a --parents "$from" "$1" 2>/dev/null || is_root || true
		files=$((files - n)) kilobytes=$((kilobytes - k))
		[ "$files" -gt $(($2 / 8)) ] && [ "$kilobytes" -gt $(($3 * 128)) ] || break
	done
	say "sample of $(find "$1" | wc -l) entries, $(du -sm "$1" | cut -f 1) MB"
}
