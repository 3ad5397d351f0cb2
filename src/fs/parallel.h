/* SPDX-License-Identifier: MIT */
/*
 * Lookups and listings side by side in one directory. Without FUSE_PARALLEL_DIROPS the
 * kernel sends one at a time, and who comes next waits in a lock that no signal breaks:
 * one parked lookup would stop its whole directory. libfuse before 3.17 takes the wish
 * for it and never tells the kernel, so here its answer to INIT gets the flag on its way.
 */
#ifndef CAIRN_FS_PARALLEL_H
#define CAIRN_FS_PARALLEL_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

/* Between mounting and the loop. False: it cannot be had with this libfuse. */
bool parallel_ensure(struct fuse_session *fuse);

#endif
