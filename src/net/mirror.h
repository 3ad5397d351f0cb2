/* SPDX-License-Identifier: MIT */
/*
 * One of the base URLs of a store: how fast it has been, how well it and the server that it
 * redirects to have been doing, and where it stands among its peers for that. A value
 * without a lock: mirrors.h guards it.
 */
#ifndef CAIRN_NET_MIRROR_H
#define CAIRN_NET_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "net/health.h"

/* Times in CLOCK_MONOTONIC ns. */
struct mirror {
	char *url, *origin; /* heap, as base_url_parse() makes them */
	double cost;	    /* as mirror_measure(); 0: not measured */
	struct health health;
	const struct health *leads_to; /* of the server that its last redirect named, or
					  NULL: it answers itself */
};

void mirror_release(struct mirror *m);
/* Is `a` to be asked before `b`? */
bool mirror_is_better(const struct mirror *a, const struct mirror *b, int64_t now);
/* How long, ns, it is to be left alone first; 0: it can be asked at once. */
int64_t mirror_wait(const struct mirror *m, int64_t now);
/* Until when it, or the server that it leads to, asked to be left alone. */
int64_t mirror_paused_until(const struct mirror *m);
/* It took so long, ns, to give so many bytes; none say nothing. */
void mirror_measure(struct mirror *m, int64_t took_ns, uint64_t bytes);
/* How long, ns, it takes for so many as a rule; 0: it was not measured. */
int64_t mirror_usual_time(const struct mirror *m, uint64_t bytes);

#endif
