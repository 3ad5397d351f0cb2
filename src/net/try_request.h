/* SPDX-License-Identifier: MIT */
/*
 * What a try asks of a server: the URL, the options of its handle, credentials, and all
 * that anew after a redirect or with another token. For the fetcher's thread alone.
 */
#ifndef CAIRN_NET_TRY_REQUEST_H
#define CAIRN_NET_TRY_REQUEST_H

#include <curl/curl.h>

#include "net/admission.h"
#include "net/credentials.h"
#include "net/fetch_try.h"

struct fetch_try_settings {
	const struct credentials *credentials; /* may be NULL */
	const struct bearer *bearer;
	CURLSH *share;
	int64_t connect_timeout, stall_timeout; /* ns */
};

/* Makes the handle ready to be added to a multi handle; `body` is what is there already and
 * becomes the try's. On failure with a sentence. */
int try_request_begin(struct fetch_try *t, const struct admission *a, struct bytes *body,
	const struct fetch_try_settings *settings, struct trouble *trouble);
/* It was redirected: where to, unless it is not to be followed: then t->redirect says why,
 * and it is false. */
bool try_request_find_hop(struct fetch_try *t, struct redirect_target *out);
/* Makes the handle, taken out of its multi handle, ready to ask there. Takes *hop over. The
 * caller sets `origin` and `server`. On failure as try_request_begin(). */
int try_request_follow(struct fetch_try *t, struct redirect_target *hop,
	const struct fetch_try_settings *settings, struct trouble *trouble);
/* It waits for a look at the token's file that began at `since` or later. */
void try_request_await_token(struct fetch_try *t, int64_t since);
/* The look has ended: makes the handle, taken out of its multi handle, ready to ask again.
 * False: there is no other token, and the try has ended. */
bool try_request_take_token(struct fetch_try *t, const struct fetch_try_settings *settings);

#endif
