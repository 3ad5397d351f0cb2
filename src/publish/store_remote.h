/* SPDX-License-Identifier: MIT */
/*
 * A store that a web server serves, read through net's fetcher: every reading has a
 * deadline over all its tries, and where bytes turn out wrong the mirrors are asked.
 * Nothing is kept, nothing can be written, listed or removed. Any thread.
 */
#ifndef CAIRN_PUBLISH_STORE_REMOTE_H
#define CAIRN_PUBLISH_STORE_REMOTE_H

#include "net/credentials.h"
#include "publish/store.h"
#include "util/log.h"

struct store_remote_options {
	struct log *log;
	const struct credentials *credentials; /* borrowed until it is closed; or NULL */
	int64_t timeout;		       /* ns, of each reading; 0: 60 s */
	uint64_t memory;		       /* bytes in flight; 0: 64 MiB */
};

/* Asks nobody yet. After any fork. ERR_INVALID with a sentence. */
int store_remote_open(const char *url, const struct store_remote_options *options,
	struct store **out, struct trouble *t);
/* Base URLs of a manifest that was verified; what cannot be used is left out. Before other
 * threads use it. No-op for other kinds of stores. */
void store_remote_add_mirrors(struct store *s, const struct manifest *m);

#endif
