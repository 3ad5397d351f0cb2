/* SPDX-License-Identifier: MIT */
/*
 * The way of a request: tried on the thread that received it; when something is missing,
 * parked, and tried again, whole, on a worker thread when that is there. A FUSE thread
 * never waits. Hits use no heap. Exactly one of completion and interrupt answers.
 *
 * Locks: the list's (parked_list.h), then a parked request's own. libfuse calls the
 * interrupt handler with its lock of that request held, so that none of ours is held
 * when fuse_req_interrupt_func or fuse_reply_* is called.
 */
#ifndef CAIRN_FS_REQUEST_RUN_H
#define CAIRN_FS_REQUEST_RUN_H

#include "fs/parked_look.h"
#include "fs/request.h"

#define REQUEST_NAME_MAX 255 /* bytes of a name in a request */

/* Answers `fuse`, now or later, about the node of that id; fills the first two fields of
 * the request, its node and when it began. `r` and its name may go out of scope when this
 * returns. */
void request_run(struct request *r, fuse_req_t fuse, fuse_ino_t node);

/* Tells of each request that is parked now, the oldest first; of more than
 * REQUEST_LOOKS_MAX, of those that came last. *count: how many there are. Holds up nobody
 * and waits for no network: only the path is looked for, in the cache. Any thread, until
 * session_free(). What `each` gives, or ERR_NO_MEMORY. */
#define REQUEST_LOOKS_MAX 4096
int request_run_look(
	struct filesystem *fs, unsigned *count, parked_look_fn each, void *ctx);

/* Answers all that is parked with EINTR and waits until nothing of it is left. No FUSE
 * thread may be running. */
void request_run_end(struct filesystem *fs);

#endif
