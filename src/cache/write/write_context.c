/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/transaction.h"
#include "cache/objects/last_books.h"
#include "cache/write/write_context.h"

uint64_t write_context_disk_free(struct write_context *x)
{
	uint64_t bytes;

	return directory_free_bytes(x->directory, &bytes) ? 0 : bytes;
}

int write_context_commit(struct write_context *x, struct changes *c, struct outcome *out)
{
	int rc = metadata_lock(x->metadata, write_context_deadline(x));

	if (rc)
		return rc;
	c->user = x->directory->user;
	c->epoch = write_context_epoch(x);
	c->now = clock_realtime() / NS_PER_SECOND;
	c->disk_free = write_context_disk_free(x);
	rc = transaction_commit(x->metadata, c, out);
	if (!rc)
		last_books_note(x->directory, x->metadata);
	metadata_unlock(x->metadata);
	return rc;
}
