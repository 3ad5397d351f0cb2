/* SPDX-License-Identifier: MIT */
/*
 * Questions of the kernel that wait for a server and for no blob: the manifest of another
 * revision, a tag. One thread goes for them in turn; who asks waits no longer than the
 * mount's deadline, counted from the question, and an interrupt ends the wait at once, as
 * for parked requests (request_run.h). FUSE threads add.
 */
#ifndef CAIRN_FS_ERRANDS_H
#define CAIRN_FS_ERRANDS_H

#include <sys/types.h>

#include "fs/request.h"
#include "util/error.h"

/* Borrowed; constant. */
struct errands_kind {
	/* Blocks, at most that long; ERR_INTERRUPTED when end() was called. Leaves what it
	 * has learnt where answer() finds it. */
	int (*go)(struct request *r, int64_t deadline_ns, struct trouble *t);
	void (*answer)(struct request *r, int error, const struct trouble *t);
	/* Has go() come back, now and ever after. Any thread. */
	void (*end)(void *ctx);
	/* Once, on the thread. */
	void (*begin)(void *ctx);
};

struct errands;
/* ERR_NO_MEMORY, ERR_NO_THREADS. */
int errands_start(const struct errands_kind *kind, void *ctx, struct errands **out);
/* Answers what is left with EINTR. No FUSE thread is running. */
void errands_stop(struct errands *q);
void errands_free(struct errands *q); /* once it has stopped */
/* Will answer the request, whose fields are copied. */
void errands_add(struct errands *q, const struct request *r);

/* Who waits, for whom it tells. */
struct errand_look {
	const struct request *request; /* borrowed */
	pid_t thread;		       /* that asks; 0: unknown here */
	uid_t uid;
	int64_t since, deadline; /* CLOCK_MONOTONIC ns */
};
/* Tells of each, the oldest first, under the lock: `each` must not wait. Any thread, until
 * errands_free(). */
typedef void (*errand_look_fn)(void *ctx, const struct errand_look *look);
void errands_look(struct errands *q, errand_look_fn each, void *ctx);

#endif
