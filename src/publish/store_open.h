/* SPDX-License-Identifier: MIT */
/*
 * From what a user gave for STORE or STORE|URL to a store: the one way that every command
 * takes.
 */
#ifndef CAIRN_PUBLISH_STORE_OPEN_H
#define CAIRN_PUBLISH_STORE_OPEN_H

#include "publish/store_directory.h"
#include "publish/store_remote.h"

struct store_open_options {
	enum store_access access;
	struct store_remote_options remote; /* for a server's */
};

/* store_location_find(), then store_directory_open() or store_remote_open().
 * ERR_UNSUPPORTED: it is a server's and to be written to, or of a kind that cairn does not
 * know. */
int store_open(const char *given, const struct store_open_options *options,
	struct store **out, struct trouble *t);

#endif
