/* SPDX-License-Identifier: MIT */
/*
 * The mark `.unsynced` of a store directory: blobs may be in it that are not durable yet.
 * It is made, and durable itself, before the first of them, and removed when all are and a
 * manifest that names them is. Who finds one learns since when what lies there is in doubt:
 * its writer was cut off, maybe by a power loss. Below `store`, the directory's descriptor;
 * no state.
 */
#ifndef CAIRN_PUBLISH_UNSYNCED_H
#define CAIRN_PUBLISH_UNSYNCED_H

#include <stdint.h>

#include "util/error.h"

/* Since when, by the clock of the blobs' file system: ns since 1970. 0 when the mark is
 * damaged. ERR_ABSENT: there is none. */
int unsynced_read(int store, int64_t *since);
/* Makes it, durably; one that is there stays as old as it is. `serial` as
 * stored_blob_write()'s. */
int unsynced_make(int store, unsigned serial, int64_t *since);
/* 0 also when there is none. */
int unsynced_remove(int store);

#endif
