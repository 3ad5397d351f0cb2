/* SPDX-License-Identifier: MIT */
/*
 * What a server lets caches on the way do with its answer (RFC 9111). Pure.
 */
#ifndef CAIRN_NET_CACHE_CONTROL_H
#define CAIRN_NET_CACHE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "net/probe.h"

struct cache_control {
	bool said;     /* there is a Cache-Control field */
	bool no_store; /* not kept at all */
	bool no_cache; /* kept, and asked for again each time */
	bool immutable;
	bool has_age;
	uint64_t fresh; /* seconds that it may be handed out unasked: of s-maxage, or
			   max-age, or Expires, and stale-while-revalidate (RFC 5861) */
};

/* A number of seconds as it stands in a header field. False when it is none. */
bool cache_control_seconds(struct span text, uint64_t *out);
/* From the header fields of an answer; a number that is none counts as none. */
void cache_control_of(const struct probe_answer *answer, struct cache_control *out);

#endif
