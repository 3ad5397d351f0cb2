/* SPDX-License-Identifier: MIT */
/*
 * Open objects that another process has thrown out, or dropped chunks of, are let go: an
 * open file keeps its space. Any thread, within a read transaction.
 */
#ifndef CAIRN_CACHE_WRITE_REVALIDATION_H
#define CAIRN_CACHE_WRITE_REVALIDATION_H

#include "cache/write/write_context.h"

/* `all`: whatever the books say of them. ERR_NO_MEMORY. */
int revalidation_run(struct write_context *x, MDB_txn *txn, bool all);

#endif
