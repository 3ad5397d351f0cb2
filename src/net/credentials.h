/* SPDX-License-Identifier: MIT */
/*
 * How a fetcher proves who it is and whom it believes; libcurl does the work. Owned
 * strings, NULL when not given. Immutable once a fetcher uses them, so any thread.
 */
#ifndef CAIRN_NET_CREDENTIALS_H
#define CAIRN_NET_CREDENTIALS_H

#include <stdbool.h>
#include <curl/curl.h>

#include "util/error.h"

struct credentials {
	char *cacert;	    /* PEM file of CAs to believe instead of the system's */
	char *client_cert;  /* PEM */
	char *client_key;   /* PEM; NULL: it is in client_cert */
	char *key_password; /* of the client key; NULL: it needs none */
	char *bearer_file;  /* file with a bearer token: bearer.h */
	char *proxy;	    /* as CURLOPT_PROXY; NULL: the environment's */
	bool netrc;	    /* look in ~/.netrc */
};

void credentials_init(struct credentials *c);
void credentials_release(struct credentials *c);
/* Checks that the named files can be read and hold what they should, with a sentence. May
 * wait for the bearer token file, for some seconds: ERR_TIMEOUT. */
int credentials_check(const struct credentials *c, struct trouble *t);
/* Sets the options on a handle that is about to ask the origin that they were given for;
 * `token`: what the bearer file holds, or NULL. ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int credentials_apply(const struct credentials *c, const char *token, CURL *handle);
/* For a mirror at another origin: only whom it believes, how it gets out (cacert, proxy),
 * and netrc, which names the hosts that it is for. */
int credentials_apply_public(const struct credentials *c, CURL *handle);
/* For a server that a redirect named: not even netrc, or a server could have any of the
 * user's passwords sent wherever it likes. */
int credentials_apply_none(const struct credentials *c, CURL *handle);

#endif
