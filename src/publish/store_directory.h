/* SPDX-License-Identifier: MIT */
/*
 * A store that is a directory: its lock, its files and its mark of what is not durable yet
 * (unsynced.h). As store.h says of threads; one lock, over the making of the mark.
 */
#ifndef CAIRN_PUBLISH_STORE_DIRECTORY_H
#define CAIRN_PUBLISH_STORE_DIRECTORY_H

#include "publish/store.h"

/* What is to be done with it. */
enum store_access {
	STORE_READ,  /* it has to be there: ERR_ABSENT */
	STORE_WRITE, /* the same, and takes the lock: ERR_BUSY */
	STORE_MAKE   /* the same; one that is missing is made */
};

/* ERR_INVALID: it holds other things. Who writes removes what writers that were killed left
 * half-written. */
int store_directory_open(
	const char *path, enum store_access access, struct store **out, struct trouble *t);

#endif
