/* SPDX-License-Identifier: MIT */
/*
 * Serves one text, made anew for each who asks, over plain HTTP: for who collects figures.
 * A thread of libmicrohttpd's answers; a few connections at a time, so that nobody takes
 * the process's memory or descriptors that way.
 */
#ifndef CAIRN_NET_TEXT_SERVER_H
#define CAIRN_NET_TEXT_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct text_server_options {
	const char *host;
	uint16_t port;	  /* 0: any */
	const char *path; /* "/metrics"; all else is 404. Borrowed, like the next */
	const char *type; /* Content-Type */
	/* Heap, by malloc(); ERR_NO_MEMORY, ... are a 500. On the server's thread. */
	int (*make)(void *ctx, char **text, size_t *size);
	void *ctx;
};

struct text_server;
/* ERR_UNSUPPORTED without libmicrohttpd, or what listening came to, with a sentence. */
int text_server_start(const struct text_server_options *options, struct text_server **out,
	struct trouble *t);
uint16_t text_server_port(const struct text_server *s);
/* make() is not running any more. May be NULL. */
void text_server_stop(struct text_server *s);

#endif
