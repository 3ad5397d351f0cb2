/* SPDX-License-Identifier: MIT */
/*
 * Remembers that structure.h has looked through LMDB's file and found it whole, so that
 * each lone command need not do so again: `checked` in the environment's directory. The
 * last one to leave, who knows that nobody but LMDB has written since that look, gives the
 * file a time of change of its own choice, which no writer would give it, and notes that.
 * Whoever finds it so knows that nobody wrote to it. What a disk changes by itself does not
 * show: so a look is good for a day only, and in one boot of the machine. For who is alone
 * with the environment and has it closed.
 */
#ifndef CAIRN_CACHE_META_STRUCTURE_STAMP_H
#define CAIRN_CACHE_META_STRUCTURE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#define STRUCTURE_STAMP_TERM (24 * 3600) /* seconds */

/* `path` is the directory, `boot` as in trust_epoch.h, `now` seconds since 1970. */
/* Was it checked, and then left as it is now? */
bool structure_stamp_holds(const char *path, uint64_t boot, int64_t now);
/* It was checked now, and is about to be used. Where that cannot be noted, it is checked
 * again. */
void structure_stamp_begin(const char *path, uint64_t boot, int64_t now);
/* All have left it, and found nothing wrong. */
void structure_stamp_end(const char *path, uint64_t boot, int64_t now);

#endif
