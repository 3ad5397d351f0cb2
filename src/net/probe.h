/* SPDX-License-Identifier: MIT */
/*
 * One GET, with all that a server says around it: status, header fields, the end of its
 * certificate. For looking at a site (dataset/site_check.h); what cairn reads from, it
 * fetches with net/fetcher.h. Follows redirects as that does, but asks once. Blocking; any
 * thread.
 */
#ifndef CAIRN_NET_PROBE_H
#define CAIRN_NET_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/credentials.h"
#include "net/redirect.h"
#include "util/bytes.h"

struct probe_question {
	const char *url;
	const char *range; /* "0-99", or NULL */
	const char *etag;  /* answer only if it is another one; or NULL */
	bool past_caches;  /* ask caches on the way to ask the server */
	uint64_t size_max; /* bytes of a body */
	int64_t timeout;   /* ns, over all redirects */
	const struct credentials *credentials; /* NULL: none */
	const char *origin; /* that they are for, the URL's: as base_url_origin() */
};

/* Zero before; released after, also when it failed. */
struct probe_answer {
	struct trouble trouble; /* why there is none, without the URL; of code 0: the rest
				   is there */
	struct redirect_target hop; /* where it came from; none: from the URL asked for */
	bool strayed;	   /* a redirect led to another origin: no secret was sent there */
	long status;	   /* of HTTP */
	struct bytes head; /* header lines as they came, NUL-terminated */
	struct bytes body; /* cut at size_max, and then `too_long` */
	bool too_long;
	int64_t certificate_ends; /* seconds since 1970; 0: not known */
};

/* ERR_NO_MEMORY, what credentials_apply() and bearer_read() said; else 0, and `trouble`
 * says more. */
int probe_ask(const struct probe_question *question, struct probe_answer *out);
void probe_release(struct probe_answer *answer);

/* A header field's value, the last one of that name, without blanks around it. False when
 * there is none. */
bool probe_field(const struct probe_answer *answer, const char *name, struct span *out);

/* The next one of that name behind *at, which it moves; NULL: the first. For fields that
 * may come in several lines (RFC 9110, 5.3). */
bool probe_next_field(const struct probe_answer *answer, const char *name, const char **at,
	struct span *out);

#endif
