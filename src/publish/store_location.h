/* SPDX-License-Identifier: MIT */
/*
 * What a user's word for a store means: a directory of this machine, or a URL that is read.
 * Whatever else it looks like is refused, since a directory that is called "s3:" helps
 * nobody. Looks at the file system only to see whether a name with a colon in it is there.
 * Any thread.
 */
#ifndef CAIRN_PUBLISH_STORE_LOCATION_H
#define CAIRN_PUBLISH_STORE_LOCATION_H

#include <stdbool.h>

#include "util/error.h"

struct store_location {
	bool is_url; /* of a server: http:// or https:// */
	char *text;  /* that URL, or a path; heap */
};

/* A file:// URL is the path in it. ERR_INVALID: no such path or URL can be;
 * ERR_UNSUPPORTED: it lies where cairn does not reach. To be released. */
int store_location_find(const char *given, struct store_location *out, struct trouble *t);
void store_location_release(struct store_location *l);

#endif
