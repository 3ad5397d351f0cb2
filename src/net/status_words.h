/* SPDX-License-Identifier: MIT */
/*
 * What a server meant by a status of HTTP (RFC 9110, 15) in place of the file that was
 * asked for, in words that say what to do. Pure; any thread.
 */
#ifndef CAIRN_NET_STATUS_WORDS_H
#define CAIRN_NET_STATUS_WORDS_H

#include <stdbool.h>

#include "util/error.h"

#define STATUS_PROXY_WANTS_PASSWORD                                                        \
	"the proxy wants a name and password (407); give them with --proxy "               \
	"http://NAME:PASSWORD@HOST:PORT"

/* May the next answer be another one? */
bool status_is_passing(long status);
/* `said`: how the body of the answer begins; `strayed`: a redirect led away from the origin
 * that credentials were given for. *t lacks the URL. */
void status_explain(long status, const char *said, bool strayed, struct trouble *t);

#endif
