#!/bin/bash
# SPDX-License-Identifier: MIT
# Servers that let in only whom they know, and the way through a proxy: client certificates,
# user and password from ~/.netrc, bearer tokens, CONNECT.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_program nginx
need_program python3
mkdir "$T/source"
echo secret >"$T/source/file"
publish "$T/source" "$T/store" --name data

# With this in the server's block.
nginx_with() { # DIRECTIVES
	start_nginx "$T/store"
	stop "$server_pid"
	sed -i "s|^\(\s*\)ssl_certificate_key .*|&\n$1|" "$T/nginx/conf"
	PATH=$PATH:/usr/sbin nginx -p "$T/nginx" -c "$T/nginx/conf" -e "$T/nginx/error.log" &
	server_pid=$!
	pids+=("$server_pid")
	wait_until 5 nginx_answers || fail "nginx does not start: $(tail -n 2 "$T/nginx/error.log")"
}
# Through a cache of its own each time: what is held is not asked for again.
cat_file() {
	"$CAIRN" cat "$URL" /file --cacert "$CACERT" --cache "$(mktemp -d "$T/cache.XXXXXX")" --timeout 10 "$@"
}
reads() { [ "$(cat_file "$@")" = secret ] || fail "not read with $*"; }
sign_client() { # NAME
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$T/$1.key" -out "$T/$1.request" 2>/dev/null
	openssl x509 -req -in "$T/$1.request" -CA "$T/nginx/ca.pem" -CAkey "$T/nginx/ca.key" \
		-days 2 -CAcreateserial -out "$T/$1.pem" 2>/dev/null
}

# ---- a client certificate
nginx_with "ssl_client_certificate $T/nginx/ca.pem; ssl_verify_client on;"
sign_client someone
expect 1 'client certificate.*--cert ' cat_file
reads --cert "$T/someone.pem" --cert-key "$T/someone.key"
if [ -w /dev/fuse ] && is_root; then
	"$CAIRN" mount "$URL" "$T/mnt" --cacert "$CACERT" --cache "$T/mounted" \
		--cert "$T/someone.pem" --cert-key "$T/someone.key"
	[ "$(cat "$T/mnt/file")" = secret ] || fail "the mount does not show its certificate"
	unmount
fi
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/wrong.key" 2>/dev/null
expect 1 'does not belong to' cat_file --cert "$T/someone.pem" --cert-key "$T/wrong.key"
openssl ec -in "$T/someone.key" -aes128 -passout pass:secret -out "$T/sealed.key" 2>/dev/null
expect 1 'needs a password' setsid -w "$CAIRN" cat "$URL" /file --cacert "$CACERT" \
	--cert "$T/someone.pem" --cert-key "$T/sealed.key" --cache "$T/sealed"
if command -v script >/dev/null; then # a terminal
	(sleep 1; echo secret; sleep 1) | script -qec "'$CAIRN' cat '$URL' /file --cacert '$CACERT' \
		--cert '$T/someone.pem' --cert-key '$T/sealed.key' --cache '$T/sealed'" /dev/null \
		>"$T/typescript" || fail "no password taken: $(cat "$T/typescript")"
	grep -q '^Password of the client key .*sealed.key' "$T/typescript" || fail "not asked"
	grep -qx $'secret\r' "$T/typescript" || fail "not read: $(cat "$T/typescript")"
fi
stop "$server_pid"

# ---- a server that says so with an alert of TLS
for version in -tls1_2 -tls1_3; do
	port=$(free_port)
	openssl s_server -accept "127.0.0.1:$port" -WWW "$version" -Verify 1 -verify_return_error \
		-CAfile "$T/nginx/ca.pem" -cert "$T/nginx/cert.pem" -key "$T/nginx/key.pem" \
		>/dev/null 2>&1 &
	pids+=($!)
	wait_until 10 eval "(exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null" || fail "no s_server"
	expect 1 '--cert' "$CAIRN" cat "https://127.0.0.1:$port" /file --cacert "$CACERT" \
		--cache "$T/alert" --timeout 2
	stop "${pids[-1]}"
done

# ---- user and password
printf 'reader:%s\n' "$(openssl passwd -apr1 'pass word')" >"$T/passwords"
nginx_with "auth_basic data; auth_basic_user_file $T/passwords;"
expect 1 '401.*--netrc.*--bearer-file' cat_file
printf 'machine 127.0.0.1 login reader password "pass word"\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
expect 1 'denied|401' cat_file
reads --netrc
printf 'machine 127.0.0.2 login reader password "pass word"\n' >"$HOME/.netrc"
expect 1 'denied|401' cat_file --netrc
stop "$server_pid"

# ---- a token
nginx_with "if (\$http_authorization != \"Bearer first\") { return 401; }"
expect 1 'denied|401' cat_file
echo first >"$T/token"
reads --bearer-file "$T/token"
echo second >"$T/token"
expect 1 'denied|401' cat_file --bearer-file "$T/token"
stop "$server_pid"

# ---- a proxy
nginx_with ""
start_connect_proxy() { # [NAME:PASSWORD]: sets proxy_port
	rm -f "$T/proxy.number"
	"$here/connect_proxy.py" "$T/proxy.number" "$@" >"$T/tunnels" &
	pids+=($!)
	wait_until 10 test -e "$T/proxy.number" || fail "no proxy"
	proxy_port=$(cat "$T/proxy.number")
}
start_connect_proxy me:secret
expect 1 'the proxy wants a name and password \(407\)' cat_file --proxy "http://127.0.0.1:$proxy_port"
expect 1 'the proxy wants a name and password' cat_file --proxy "http://me:wrong@127.0.0.1:$proxy_port"
! grep -q wrong "$T/expect.err" || fail "the proxy's password is shown"
reads --proxy "http://me:secret@127.0.0.1:$proxy_port"
start_connect_proxy
proxy=http://127.0.0.1:$proxy_port
expect 1 'the proxy does not let anybody connect' "$CAIRN" cat https://127.0.0.1:443 /file \
	--cacert "$CACERT" --cache "$T/forbidden" --timeout 10 --proxy "$proxy"
reads
[ ! -s "$T/tunnels" ] || fail "a proxy is used unasked"
reads --proxy "$proxy"
grep -qx "${URL#https://}" "$T/tunnels" || fail "no tunnel: $(cat "$T/tunnels")"
: >"$T/tunnels"
https_proxy=$proxy reads
[ -s "$T/tunnels" ] || fail "https_proxy is not heeded"
: >"$T/tunnels"
https_proxy=$proxy no_proxy=127.0.0.1 reads
[ ! -s "$T/tunnels" ] || fail "no_proxy is not heeded"
expect 1 'the proxy cannot be reached' cat_file --timeout 1 --proxy "http://127.0.0.1:$(free_port)"
stop "$server_pid"

# ---- a certificate whose time is over
openssl x509 -req -in "$T/nginx/request.pem" -CA "$T/nginx/ca.pem" -CAkey "$T/nginx/ca.key" \
	-days -1 -CAcreateserial -extfile "$T/nginx/names" -out "$T/nginx/cert.pem" 2>/dev/null
nginx_answers() { curl -s -o /dev/null "$PLAIN_URL/"; }
nginx_with ""
expect 1 'certificate has expired' cat_file
