/* SPDX-License-Identifier: MIT */
/*
 * The embedded server: serves one store's files over HTTPS or HTTP with libmicrohttpd
 * (HAVE_MICROHTTPD). GET and HEAD, strong ETags, single byte ranges, If-None-Match,
 * If-Range, Cache-Control (immutable for blobs/ and revisions/, no-cache else), 404 for
 * whatever is not a store file; nothing outside the store is reachable (openat below
 * the store's descriptor, O_NOFOLLOW, names checked). TLS 1.2 at least. Who holds
 * connections without asking is put out (net/serve_clients.h). Its threads are
 * libmicrohttpd's, and one that looks at the clients once a second.
 */
#ifndef CAIRN_NET_SERVE_H
#define CAIRN_NET_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/access_log.h"
#include "util/error.h"
#include "util/log.h"

struct serve_options {
	const char *store; /* directory */
	const char *host;  /* numeric address or name to listen on; NULL: all of IPv4 */
	uint16_t port;	   /* 0: any free one */
	bool tls;
	const char *tls_dir; /* holds ca.pem, cert.pem, key.pem: serve_certificate_make() */
	/* How many connections one address may have open; 0: all. See net/serve_clients.h.
	 */
	unsigned per_address;
	struct access_log *access; /* a line a request, borrowed; NULL: none */
	struct log *
		log; /* a certificate at its end; what libmicrohttpd says, at debug level */
};

struct serve;
/* Listens and serves in the background. ERR_UNSUPPORTED without libmicrohttpd. */
int serve_start(const struct serve_options *options, struct serve **out, struct trouble *t);
/* The port that it listens on. */
uint16_t serve_port(const struct serve *s);
/* Breaks off what is under way; NULL: nothing. */
void serve_stop(struct serve *s);

#endif
