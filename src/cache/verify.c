/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/check.h"
#include "cache/inspect.h"
#include "cache/state.h"

struct verification {
	struct cache_verify *v;
	uint64_t total; /* bytes, an estimate */
};

static void verify_advance(struct verification *k, uint64_t bytes)
{
	k->v->bytes += bytes;
	if (k->v->progress)
		k->v->progress(k->v->ctx, k->v->bytes < k->total ? k->v->bytes : k->total,
			k->total);
}

static int verify_report(struct verification *k, const struct check_piece *piece)
{
	struct cache_rot rot = {.object = piece->object.digest,
		.chunk = piece->chunk.digest,
		.start = piece->start,
		.size = piece->bytes};

	k->v->bad++;
	return k->v->rotten ? k->v->rotten(k->v->ctx, &rot) : 0;
}

static int verify_all(struct verification *k, struct check *check)
{
	struct check_piece piece;
	int rc;

	while ((rc = check_next(check, &piece)) == 0) {
		if (piece.bytes && !piece.whole)
			verify_advance(k, piece.bytes);
		if (piece.rotten)
			rc = verify_report(k, &piece);
		if (piece.rotten && k->v->repair)
			check_drop(check, &piece);
		if (rc)
			return rc;
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

int cache_verify(struct cache *c, struct cache_verify *v)
{
	const struct check_place from = {.begun = false};
	struct verification k = {.v = v};
	struct check check;
	int rc;

	write_queue_flush(c->queue);
	v->bytes = v->bad = 0;
	rc = check_total(c, &k.total);
	if (!rc)
		rc = check_open(&check, c, &from);
	if (rc)
		return rc;
	check.from_disk = true;
	rc = verify_all(&k, &check);
	check_close(&check);
	if (rc)
		return rc;
	if (v->progress)
		v->progress(v->ctx, k.total, k.total);
	if (v->repair) {
		/* Records that cannot be read were passed over: they are to go as well. */
		write_queue_ask_repair(c->queue);
		rc = cache_flush(c);
	}
	return rc;
}
