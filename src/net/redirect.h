/* SPDX-License-Identifier: MIT */
/*
 * Where a redirect leads, and whether cairn goes there: over https or http, never from
 * https to http, never to another scheme. Pure; any thread.
 */
#ifndef CAIRN_NET_REDIRECT_H
#define CAIRN_NET_REDIRECT_H

#include <stdbool.h>

#include "util/digest.h"
#include "util/error.h"

#define REDIRECTS_MAX 8 /* one after another */

enum redirect {
	REDIRECT_GOOD,
	REDIRECT_NOWHERE,  /* without a Location */
	REDIRECT_NO_URL,   /* its Location is none, or too long */
	REDIRECT_INSECURE, /* from https to http */
	REDIRECT_SCHEME,   /* to neither of them */
	REDIRECT_CIRCLE,
	REDIRECT_TOO_MANY,
	REDIRECT_NO_MEMORY,
};

/* Heap, both or none; zero-initialised is none. */
struct redirect_target {
	char *url;
	char *origin; /* as base_url_origin() */
};
void redirect_target_release(struct redirect_target *target);

/* `location` (NULL: there is none) as the server wrote it, relative to the URL `from`
 * (RFC 9110, 10.2.2; RFC 3986, 5). A user name, password and fragment in it are left out:
 * a server has no say in who we are. *out is untouched but for REDIRECT_GOOD. */
enum redirect redirect_resolve(
	const char *from, const char *location, struct redirect_target *out);

/* The redirects of one request so far; zero-initialised is none. */
struct redirect_trail {
	struct digest asked[REDIRECTS_MAX]; /* of the URLs that led on */
	unsigned count;
};
/* redirect_resolve() of one more, unless they are too many or lead in a circle. */
enum redirect redirect_follow(struct redirect_trail *trail, const char *from,
	const char *location, struct redirect_target *out);

/* Why one is not followed, for a person; *t lacks the URL. */
void redirect_explain(enum redirect verdict, const char *location, struct trouble *t);
/* A URL, and where its redirects led (NULL: nowhere), to be shown: a query may be a
 * signature that lets in whoever has it, and so is left out. */
void redirect_name(const char *url, const char *hop, char name[TROUBLE_MAX]);
/* The status of an answer that leads on. */
bool redirect_is_status(long status);

#endif
