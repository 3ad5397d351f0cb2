/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/scarcity.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"

#define PIPES 2 /* resolving a name takes four descriptors for a moment */

static bool is_suspect(CURLcode code)
{
	switch (code) {
	case CURLE_FAILED_INIT:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_PEER_FAILED_VERIFICATION: /* by a directory of certificates */
		return true;
	default:
		return false;
	}
}

/* Whoever looks has given back what he had, so that one alone may be there again. */
static bool lacks_descriptors(void)
{
	int ends[PIPES][2], made = 0, errnum = 0;

	while (made < PIPES && !errnum) {
		if (pipe(ends[made]))
			errnum = errno;
		else
			made++;
	}
	while (made-- > 0) {
		close(ends[made][0]);
		close(ends[made][1]);
	}
	return errnum == EMFILE || errnum == ENFILE;
}

int scarcity_of(CURL *easy, CURLcode code, const char *words)
{
	long errnum = 0;

	if (!is_suspect(code))
		return 0;
	if (strstr(words, "thread failed to start"))
		return ERR_NO_THREADS;
	if (code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &errnum);
	if (errnum == ENOMEM || errnum == ENOBUFS)
		return ERR_NO_MEMORY;
	if (errnum == EMFILE || errnum == ENFILE || lacks_descriptors())
		return ERR_NO_FILES;
	return 0;
}
