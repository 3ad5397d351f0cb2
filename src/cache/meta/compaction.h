/* SPDX-License-Identifier: MIT */
/*
 * LMDB gives nothing back: its file stays as long as it ever was. When most of it is free,
 * it is written anew without what is free, and put in the place of the old one. For who is
 * alone with the cache, and has the environment closed. It waits for nobody: what has it
 * open beside cairn (mdb_copy), stopped or not, is seen by its lock, and LMDB's own are not
 * taken. Killed anywhere, it leaves the one or the other.
 */
#ifndef CAIRN_CACHE_META_COMPACTION_H
#define CAIRN_CACHE_META_COMPACTION_H

#include <stdbool.h>

#include "util/structure.h"

/* Is it worth it? More than half is free, and that is something. */
bool compaction_is_due(const struct structure *s);
/* In the directory `path`. On an error the file is as before: ERR_NO_SPACE, ERR_BUSY (a
 * stranger has it open), ERR_CORRUPT (and the mark is there), ... Removes what one left
 * that was killed. */
int compaction_run(const char *path);

#endif
