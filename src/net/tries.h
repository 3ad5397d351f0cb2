/* SPDX-License-Identifier: MIT */
/*
 * The tries under way, which are the transfers of one curl-multi handle, and the idle
 * ones that are kept for use again, with the servers that they are made at. For the
 * fetcher's thread alone, but for what says otherwise.
 */
#ifndef CAIRN_NET_TRIES_H
#define CAIRN_NET_TRIES_H

#include <stdbool.h>
#include <curl/curl.h>

#include "net/admission.h"
#include "net/fetch_try.h"
#include "net/origins.h"
#include "net/try_request.h"
#include "util/error.h"

struct tries {
	CURLM *multi;
	struct fetch_try_settings settings;
	struct file_reader *files;
	struct bearer bearer;
	struct origins origins;
	struct fetch_try *first; /* under way, by `next` */
	struct fetch_try *idle;	 /* likewise */
	unsigned idle_count;
};

/* Before the thread starts. settings->share is made here; what else it points to is
 * borrowed. `connections`: to one server. ERR_NO_MEMORY; tries_release() all the same. */
int tries_init(struct tries *tries, const struct fetch_try_settings *settings,
	unsigned connections);
/* None is under way, and the thread is gone. */
void tries_release(struct tries *tries);

/* Owned by `tries`, until tries_end(). Takes over `body`, what is there already. NULL: it
 * could not be begun, *trouble tells why. */
struct fetch_try *tries_begin(struct tries *tries, const struct admission *a,
	struct bytes *body, struct trouble *trouble);
/* Breaks it off, if it has not ended, and lets go of its fetch. */
void tries_end(struct tries *tries, struct fetch_try *t);

/* Sends and receives what can be now. */
void tries_perform(struct tries *tries);
/* One that has ended by itself, its `code` set; NULL: no more. To be given to tries_end()
 * before the next is asked for. */
struct fetch_try *tries_next_ended(struct tries *tries);
/* Goes on with one that has ended with a redirect, if it is to be followed; the server has
 * answered then, and another is asked. False: it is over. */
bool tries_follow(struct tries *tries, struct fetch_try *t);
/* Goes on with one whose token was refused, if its file may hold another by now. False: it
 * is over. */
bool tries_authorize(struct tries *tries, struct fetch_try *t);
/* One that is to be broken off: its `stop` is set. NULL: there is none. */
struct fetch_try *tries_find_stopped(struct tries *tries);

/* Sleeps until something comes, tries_wake() or `ms` have passed. */
void tries_poll(struct tries *tries, int ms);
/* Any thread. */
void tries_wake(struct tries *tries);

#endif
