/* SPDX-License-Identifier: MIT */
/*
 * How well a server has been doing, and for how long it is to be backed off from after a
 * failure: a while that doubles with each further failure, with jitter; for longer after a
 * wrong byte. A value without a lock: mirrors.h guards it.
 */
#ifndef CAIRN_NET_HEALTH_H
#define CAIRN_NET_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "util/clock.h"

enum mirror_fault { MIRROR_UNREACHABLE, MIRROR_SLOW, MIRROR_WRONG_BYTES };

#define HEALTH_PROBE_EVERY (1500 * NS_PER_MS) /* at most, while it cannot be reached */

/* Zero-initialised is well. Times in CLOCK_MONOTONIC ns. */
struct health {
	unsigned probes;		   /* since it can not be reached */
	unsigned unreachable, slow, wrong; /* failures in a row, of each kind */
	int64_t out_since;		   /* of the first that is `unreachable` */
	int64_t leave_until;		   /* is not to be asked before */
	int64_t behind_until;		   /* its peers go first */
	int64_t pause_until; /* it asked to be left alone, whatever else it answers */
};

/* Failures that come while it is backed off from count as one: many tries fail at once.
 * `chance`: any number, for the jitter. */
/* True: it could be reached until now. */
bool health_failed(struct health *h, enum mirror_fault fault, uint64_t chance, int64_t now);
/* It is asked. 0: it is well; else the number of this probe: until the next is due it is
 * left alone, whatever comes of this one. `chance` likewise. */
unsigned health_asked(struct health *h, uint64_t chance, int64_t now);
/* Since when it could not be reached; 0: it could. */
int64_t health_succeeded(struct health *h);

/* How it is, for people: what comes later is worse. */
enum health_word { HEALTH_WELL, HEALTH_SLOW, HEALTH_WRONG, HEALTH_PAUSED, HEALTH_OUT };
struct health_state {
	enum health_word word;
	int64_t until;	   /* it is spared; not after now: no longer */
	unsigned failures; /* of that kind, in a row */
};
struct health_state health_look(const struct health *h, int64_t now);
/* "well", "slow", "wrong bytes", "paused", "unreachable" */
const char *health_name(enum health_word word);

#endif
