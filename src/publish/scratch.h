/* SPDX-License-Identifier: MIT */
/*
 * What a job needs while it runs and the next one can use again: codec, hasher, chunker,
 * buffers, a view of the previous revision. As many are made as jobs ever run at once,
 * so their number bounds their memory. Lock: one mutex over the list. Any thread takes
 * and gives; a scratch belongs to who took it.
 */
#ifndef CAIRN_PUBLISH_SCRATCH_H
#define CAIRN_PUBLISH_SCRATCH_H

#include "format/extent_list_builder.h"
#include "publish/chunker.h"
#include "publish/history.h"

struct scratch {
	struct scratch *next;
	struct blob_codec *codec;
	struct hasher *hasher;
	struct chunker chunker;
	uint8_t *content; /* CHUNK_SIZE_MAX bytes */
	struct bytes plain, delta, base;
	struct history *history;
	struct extent_list_builder *runs; /* of the sparse file that is read */
};

/* Memory that one scratch takes at most, roughly: 2 MiB of content, twice as much encoded,
 * a base, zstd's own for level 3 and for deltas, held pages. */
#define SCRATCH_SIZE (24u << 20)

struct scratches;
/* `previous` may be NULL; `store` is borrowed. NULL without memory. */
struct scratches *scratches_new(struct store *store, const struct digest *previous);
void scratches_free(struct scratches *s);
struct scratch *scratch_take(struct scratches *s); /* NULL without memory */
void scratch_give(struct scratches *s, struct scratch *scratch);

#endif
