/* SPDX-License-Identifier: MIT */
/* In the place of text_server.c where there is no libmicrohttpd. */
#include <config.h>

#include "net/text_server.h"

int text_server_start(const struct text_server_options *options, struct text_server **out,
	struct trouble *t)
{
	(void)options;
	(void)out;
	return trouble_set(t, ERR_UNSUPPORTED,
		"this cairn was built without libmicrohttpd, so nobody can be answered");
}

uint16_t text_server_port(const struct text_server *s)
{
	(void)s;
	return 0;
}

void text_server_stop(struct text_server *s)
{
	(void)s;
}
