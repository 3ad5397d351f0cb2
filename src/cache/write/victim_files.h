/* SPDX-License-Identifier: MIT */
/*
 * The files of victims (meta/victims.h): removes those that nobody has open any more, and
 * notes in the books what has become of each. One that somebody holds keeps its name, so
 * that anybody can find out later, whoever dies meanwhile. One that cannot be removed
 * (immutable, I/O error) goes on being counted, and is told in the log, once a minute at
 * most. Blocking; any thread.
 */
#ifndef CAIRN_CACHE_WRITE_VICTIM_FILES_H
#define CAIRN_CACHE_WRITE_VICTIM_FILES_H

#include "cache/write/write_context.h"

/* After that time, a victim that somebody holds is no longer awaited. */
#define VICTIM_AWAITED 5 /* seconds */

enum victim_files {
	VICTIM_FILES_FRESH, /* they were struck from the books just now */
	VICTIM_FILES_LATER, /* they are awaited since then */
	VICTIM_FILES_LAST,  /* nobody will await them any more */
};
/* Gives the bytes of disk that will not become free. What cannot be noted now is left for
 * another time. */
uint64_t victim_files_remove(struct write_context *x, const struct victim *list,
	size_t count, enum victim_files when);

#endif
