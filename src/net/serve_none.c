/* SPDX-License-Identifier: MIT */
/* In the place of serve.c where there is no libmicrohttpd. */
#include <config.h>

#include "net/serve.h"

int serve_start(const struct serve_options *options, struct serve **out, struct trouble *t)
{
	(void)options;
	(void)out;
	return trouble_set(t, ERR_UNSUPPORTED,
		"this cairn was built without libmicrohttpd, so it cannot serve; any web "
		"server "
		"that serves files can");
}

uint16_t serve_port(const struct serve *s)
{
	(void)s;
	return 0;
}

void serve_stop(struct serve *s)
{
	(void)s;
}
