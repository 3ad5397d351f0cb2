/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/pages.h"
#include "cache/page_lookup.h"
#include "cache/state.h"

struct blob_buffer *page_lookup_pending(struct cache *c, const struct digest *digest)
{
	return write_queue_find_page(c->queue, digest);
}

int page_lookup(struct cache *c, MDB_txn *txn, const struct digest *digest,
	enum blob_kind *kind, struct span *packed)
{
	char hex[DIGEST_HEX_SIZE];
	int rc = pages_find(c->metadata, txn, c->verified, digest, kind, packed);

	if (!rc)
		return 0;
	if (rc != ERR_CORRUPT || metadata_state(c->metadata) != METADATA_SOUND)
		return ERR_ABSENT;
	digest_to_hex(digest, hex);
	log_warning(c->log, "cache: page %s is rotten: thrown out", hex);
	write_queue_drop_page(c->queue, digest);
	return ERR_ABSENT;
}

bool page_lookup_has(struct cache *c, const struct digest *digest)
{
	struct blob_buffer *pending = page_lookup_pending(c, digest);
	enum blob_kind kind;
	struct span packed;
	MDB_txn *txn;
	bool has;

	if (pending) {
		blob_buffer_put(pending);
		return true;
	}
	if (metadata_read(c->metadata, &txn))
		return false;
	has = page_lookup(c, txn, digest, &kind, &packed) == 0;
	metadata_read_end(c->metadata, txn);
	return has;
}
