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

#include "fs/request.h"

#define REQUEST_NAME_MAX 255 /* bytes of a name in a request */

/* Answers `fuse`, now or later, about the node of that id; fills the first two fields of
 * the request, its node and when it began. `r` and its name may go out of scope when this
 * returns. */
void request_run(struct request *r, fuse_req_t fuse, fuse_ino_t node);

/* Answers all that is parked with EINTR and waits until nothing of it is left. No FUSE
 * thread may be running. */
void request_run_end(struct filesystem *fs);

#endif
