/* SPDX-License-Identifier: MIT */
/*
 * Victims (meta/victims.h) whose space was not free when they were struck from the books:
 * looks at them again (victim_files.h). Where a file system frees late, it is flushed
 * before they are let go, for then it has done what it will do. Blocking; any thread.
 */
#ifndef CAIRN_CACHE_WRITE_LEFTOVERS_H
#define CAIRN_CACHE_WRITE_LEFTOVERS_H

#include "cache/write/write_context.h"

enum leftovers {
	LEFTOVERS_HELD, /* of this process, that somebody held */
	LEFTOVERS_OLD,	/* of this process and of dead ones; of others after a while */
	LEFTOVERS_OWN,	/* of this process: it leaves */
	LEFTOVERS_ALL,	/* nobody else is here */
};
/* What cannot be done now is left for another time. */
void leftovers_finish(struct write_context *x, enum leftovers which);

#endif
