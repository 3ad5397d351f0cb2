/* SPDX-License-Identifier: MIT */
/*
 * Why a transfer of libcurl's failed, in words that say what to do: certificates, proxies,
 * answers that broke off. For the fetcher's thread alone.
 */
#ifndef CAIRN_NET_TRY_FAILURE_H
#define CAIRN_NET_TRY_FAILURE_H

#include <stdbool.h>

#include "util/error.h"

struct fetch_try;

#define TRY_PROXY_WANTS_PASSWORD                                                           \
	"the proxy wants a name and password (407); give them with --proxy "               \
	"http://NAME:PASSWORD@HOST:PORT"

struct try_failure {
	bool final;  /* asking once more, on a new connection, cannot help */
	bool unwell; /* it speaks against the server */
};

/* `t` ended with a code of libcurl's. *trouble lacks the URL. */
void try_failure_explain(
	struct fetch_try *t, struct try_failure *out, struct trouble *trouble);

#endif
