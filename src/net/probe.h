/* SPDX-License-Identifier: MIT */
/*
 * One GET, with all that a server says around it: status, header fields, the end of its
 * certificate. For looking at a site (dataset/site_check.h); what cairn reads from, it
 * fetches with net/fetcher.h. Follows no redirect, asks once. Blocking; any thread.
 */
#ifndef CAIRN_NET_PROBE_H
#define CAIRN_NET_PROBE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/credentials.h"
#include "util/bytes.h"

struct probe_question {
	const char *url;
	const char *range; /* "0-99", or NULL */
	const char *etag;  /* answer only if it is another one; or NULL */
	bool past_caches;  /* ask caches on the way to ask the server */
	uint64_t size_max; /* bytes of a body */
	int64_t timeout;   /* ns */
	const struct credentials *credentials; /* NULL: none */
	bool redirected; /* a server named this URL: no secret goes there */
};

/* Zero before; released after, also when it failed. */
struct probe_answer {
	CURLcode code;	   /* libcurl's; CURLE_OK: the rest is there */
	long status;	   /* of HTTP */
	struct bytes head; /* header lines as they came, NUL-terminated */
	struct bytes body; /* cut at size_max, and then `too_long` */
	bool too_long;
	int64_t certificate_ends; /* seconds since 1970; 0: not known */
	char words[CURL_ERROR_SIZE];
};

/* ERR_NO_MEMORY, what credentials_apply() and bearer_read() said; else 0, and `code` says
 * more. */
int probe_ask(const struct probe_question *question, struct probe_answer *out);
void probe_release(struct probe_answer *answer);

/* A header field's value, the last one of that name, without blanks around it. False when
 * there is none. */
bool probe_field(const struct probe_answer *answer, const char *name, struct span *out);

#endif
