/* SPDX-License-Identifier: MIT */
/*
 * One try to get one fetch from one mirror, as a libcurl easy handle, and what it receives;
 * what it asks is try_request.h's. Tries are used again, each with its handle. For the
 * fetcher's thread alone.
 */
#ifndef CAIRN_NET_FETCH_TRY_H
#define CAIRN_NET_FETCH_TRY_H

#include <curl/curl.h>

#include "net/answer_head.h"
#include "net/bearer.h"
#include "net/fetch.h"
#include "net/file_reader.h"
#include "net/origins.h"
#include "net/redirect.h"
#include "util/digest.h"

/* Why the fetcher breaks a try off. */
enum fetch_stop { STOP_NOT, STOP_CANCELLED, STOP_DEADLINE, STOP_SILENCE };

/* What of a bearer token: none is needed; it was sent; a look at its file is waited for,
 * which leaves it without one, or with the one that was refused. */
enum try_token { TOKEN_UNNEEDED, TOKEN_SENT, TOKEN_AWAITED, TOKEN_MISSING, TOKEN_REFUSED };

struct fetch_try {
	CURL *easy;
	struct fetch_try
		*next; /* in the fetcher's list of idle ones or of those under way */
	struct fetch *fetch;
	struct fetch_try *twin; /* the other try of the same fetch, at another mirror */
	bool second;		/* of the two, it began later */
	bool probe;		/* the mirror was out of reach before */
	bool hasty;		/* it has less time to answer: see struct admission */
	bool late;		/* slower than its peers: a second is due */
	bool demand;
	struct origin
		*origin;   /* that is asked now: the mirror's, or where it redirected to */
	uint64_t expected; /* bytes that count in the origin's window, as `demand` does */
	unsigned mirror;
	unsigned server;		  /* that is asked now, as mirrors_led() */
	int64_t started, asked_at, heard; /* CLOCK_MONOTONIC ns; asked_at: of the server
				    that is asked now; heard: the last sign of life */
	int64_t first_byte;		  /* of the body; 0: none yet */
	bool connected;			  /* to the server that is asked now */
	int port;			  /* local, of that connection; 0: none */
	bool answered;			  /* with at least a byte */
	bool over_cost; /* the body takes more memory than the fetch was admitted with */
	uint64_t allowance; /* bytes of body that it was admitted with */
	bool too_long;	    /* a body over size_max was under way */
	bool no_memory;
	const struct bearer *bearer; /* whose token it needs; NULL: none */
	enum try_token token;
	uint64_t token_number; /* as struct bearer's, of the one that was sent; 0: none */
	int64_t token_since; /* of a look that is or was waited for: it has to begin then or
			      * later; 0: none was */
	enum fetch_stop stop;
	struct file_read *file; /* of a file:// mirror: read without libcurl; else NULL */
	int file_error;		/* what came of that */
	CURLcode code;		/* libcurl's, when it has ended; CURLE_OK when broken off */
	uint64_t size_max;
	uint64_t ignored; /* bytes of a body that nobody wants, of a 404 say */
	char said[256];	  /* the beginning of it */
	struct bytes body;
	size_t resumed; /* bytes of it that earlier tries have brought */
	uint64_t had;	/* the most that there ever were before this one */
	struct answer_head head;
	struct curl_slist *headers;
	struct redirect_target hop; /* where it was redirected to; none: it was not */
	struct redirect_trail trail;
	bool own_ca;		/* --cacert was given */
	bool certified;		/* a client certificate is shown */
	bool strayed;		/* from the mirror's origin: no credentials any more */
	enum redirect redirect; /* why the last one was not followed */
	char url[URL_SIZE_MAX + FETCH_PATH_MAX];
	char words[CURL_ERROR_SIZE];
};

struct fetch_try *fetch_try_new(void); /* NULL without memory */
void fetch_try_free(struct fetch_try *t);
/* Has the handle, after its reset, tell the try what comes. */
void fetch_try_set_callbacks(struct fetch_try *t);
/* It was answered: whether its server carries many tries on one connection. */
void fetch_try_note_version(struct fetch_try *t);
/* Has it a connection of its own, or is making one? Else it was put on an older one, or
 * waits for one. */
bool fetch_try_is_on_new_connection(const struct fetch_try *t);
/* Is it not heard, on a new connection, while its server answers on others? */
bool fetch_try_is_crowded_out(const struct fetch_try *t);
/* Whether it ended with a redirect. */
bool fetch_try_is_redirected(struct fetch_try *t);
/* The token was refused that was sent (401): it may be another by now. */
bool fetch_try_is_unauthorized(struct fetch_try *t);
/* Does the answer go on where the body ends? Its status was 206. */
bool fetch_try_is_resumed(const struct fetch_try *t);
/* Is it the part of a file that was asked for: what was missing, or its beginning?
 * Likewise. */
bool fetch_try_is_part(const struct fetch_try *t);
/* Do bytes come, and fast enough that no other server need be asked? */
bool fetch_try_is_arriving(const struct fetch_try *t, int64_t now);
/* The path of a file:// URL: the caller's, for curl_free(). NULL: it is another, or there
 * is no memory. */
char *fetch_try_file_path(const struct fetch_try *t);
/* Takes what was read. */
void fetch_try_take_file(struct fetch_try *t, struct file_read *read);
/* Lets go of the fetch and of what was received. */
void fetch_try_end(struct fetch_try *t);

#endif
