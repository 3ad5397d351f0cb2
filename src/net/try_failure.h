/* SPDX-License-Identifier: MIT */
/*
 * Why a transfer of libcurl's failed, in words that say what to do: certificates, proxies,
 * answers that broke off. Never with a proxy's password. For the transfer's thread.
 */
#ifndef CAIRN_NET_TRY_FAILURE_H
#define CAIRN_NET_TRY_FAILURE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* All borrowed. */
struct failed_transfer {
	CURL *easy;
	CURLcode code;
	const char *words; /* of its CURLOPT_ERRORBUFFER; "": none */
	const char *url;   /* that was asked, behind all redirects */
	size_t received;   /* bytes of the body */
	bool connected;
	bool own_ca;	/* --cacert was given */
	bool certified; /* a client certificate was to be shown */
};

struct try_failure {
	bool final;  /* asking once more, on a new connection, cannot help */
	bool unwell; /* it speaks against the server */
};

/* `t` ended with a code of libcurl's. *trouble lacks the URL. */
void try_failure_explain(
	const struct failed_transfer *t, struct try_failure *out, struct trouble *trouble);

#endif
