/* SPDX-License-Identifier: MIT */
/*
 * The base URLs a store is known by, best first by measured speed and health (mirror.h).
 * After a failure a mirror is backed off from; where that holds for all, the one whose time
 * is up soonest is used. One that cannot be reached is probed by one try at a time, whoever
 * else waits, so an outage is over for all soon after it is over. A mirror may redirect to
 * another server: what goes wrong there is that server's setback, though the mirror stands
 * behind its peers as long as it leads there.
 * Own lock; any thread; no I/O.
 */
#ifndef CAIRN_NET_MIRRORS_H
#define CAIRN_NET_MIRRORS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/base_url.h"
#include "net/health.h"
#include "util/error.h"

#define MIRRORS_MAX 64 /* the user's URL and others: one bit each in a set */

struct mirrors;

/* `url` is the store's base as the user gave it, for base_url_parse(). ERR_INVALID with a
 * sentence. */
int mirrors_new(const char *url, struct mirrors **out, struct trouble *t);
void mirrors_free(struct mirrors *m);
/* Another base URL (from the manifest); known ones are ignored. It may be http:// or
 * file:// only where the user's URL is. ERR_INVALID, ERR_DENIED, ERR_LIMIT. */
int mirrors_add(struct mirrors *m, const char *url);
unsigned mirrors_count(struct mirrors *m);
/* The base URL number `index`, without a trailing '/'; borrowed as long as m lives. */
const char *mirrors_url(struct mirrors *m, unsigned index);
/* "https://host:port", in lower case: what connections and credentials belong to.
 * Borrowed likewise. */
const char *mirrors_origin(struct mirrors *m, unsigned index);
/* What tries at it are counted by: the origin, but of file:// the URL, since file systems
 * hang one by one. Borrowed likewise. */
const char *mirrors_place(struct mirrors *m, unsigned index);
/* Whether the user's credentials may go there: its origin is that of the user's URL. */
bool mirrors_is_home(struct mirrors *m, unsigned index);

/* The mirror to ask now, best health first, skipping those in the bit set `avoid`;
 * all avoided: -1. *wait_ns: how long it should be left alone first (0: go). Only
 * MIRROR_UNREACHABLE and a pause make waiting; the other faults put a mirror behind its
 * peers. */
int mirrors_choose(struct mirrors *m, uint64_t avoid, int64_t now, int64_t *wait_ns);
/* How mirror `index`, or the server that it leads to, is doing. */
struct health_state mirrors_look(struct mirrors *m, unsigned index, int64_t now);
/* It is asked now. 0: it is well; else the how-manieth probe of an outage this is: for a
 * while others leave it alone. */
unsigned mirrors_asked(struct mirrors *m, unsigned index, int64_t now);
/* Can none of them be reached, as far as is known, but for those in the bit set `avoid`? */
bool mirrors_are_out(struct mirrors *m, uint64_t avoid);
/* A request to mirror `index` was answered by the server of this origin: the mirror's own,
 * or one that it redirected to. Returns that server's number, for the two below: a mirror's
 * (of any that has this origin), or one of its own from MIRRORS_MAX on. */
unsigned mirrors_led(struct mirrors *m, unsigned index, const char *origin);
/* It answered, after `took_ns`, with `bytes` of use (0: says nothing about its speed).
 * Since when it could not be reached; 0: it could. */
int64_t mirrors_succeeded(
	struct mirrors *m, unsigned server, int64_t took_ns, uint64_t bytes);
/* How long, ns, that mirror takes as a rule for so many bytes; 0: it was not measured. */
int64_t mirrors_usual_time(struct mirrors *m, unsigned index, uint64_t bytes);
/* True: it could be reached until now. */
bool mirrors_failed(
	struct mirrors *m, unsigned server, enum mirror_fault fault, int64_t now);
/* It asks to be left alone until then: so is every mirror that lies there or leads there.
 */
void mirrors_pause(struct mirrors *m, unsigned server, int64_t until);
/* Until when mirror `index` is left alone for that; not later than now: it is not. */
int64_t mirrors_paused_until(struct mirrors *m, unsigned index);

#endif
