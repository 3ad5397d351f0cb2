/* SPDX-License-Identifier: MIT */
/*
 * Revisions and tags of one store into another, as they are: only what is missing is
 * brought, each blob is decoded and hashed on the way, a revision's file is written when
 * all that it names is there and durable, and manifest.json last. So it can be cut off
 * anywhere and begun again, and whoever reads the destination meanwhile sees what was there
 * before. Needs no key: signatures stay those of the publisher. Blocking; threads of its
 * own bring blobs.
 */
#ifndef CAIRN_PUBLISH_STORE_COPY_H
#define CAIRN_PUBLISH_STORE_COPY_H

#include "publish/copy_options.h"

/* 0: all that was asked for is there. ERR_CORRUPT: some was left out, since the source does
 * not have it right; `say` was told. Else it stopped. *out is set in any case. */
int store_copy(const struct store_copy_options *options, struct store_copy_counts *out,
	struct trouble *t);

#endif
