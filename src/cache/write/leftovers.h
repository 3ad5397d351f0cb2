/* SPDX-License-Identifier: MIT */
/*
 * Victims (meta/victims.h) whose space was not seen to be free when they were unlinked:
 * lets them go, so that their bytes are no longer counted as free to be. Who holds such a
 * file open closes it within two seconds; erring here, a little too much is thrown out,
 * and quota and floor hold. Blocking; any thread.
 */
#ifndef CAIRN_CACHE_WRITE_LEFTOVERS_H
#define CAIRN_CACHE_WRITE_LEFTOVERS_H

#include "cache/write/write_context.h"

enum leftovers {
	LEFTOVERS_OLD, /* of this process and of dead ones, after some seconds */
	LEFTOVERS_OWN, /* of this process: it leaves */
	LEFTOVERS_ALL, /* nobody else is here */
};
/* Unlinks what still has a file. What cannot be done now is left for another time. */
void leftovers_finish(struct write_context *x, enum leftovers which);

#endif
