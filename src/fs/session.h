/* SPDX-License-Identifier: MIT */
/*
 * A mounted dataset: the FUSE session, its threads, its requests. fs/ calls tree/ and
 * cache/, never net/. It turns error codes into errno.
 */
#ifndef CAIRN_FS_SESSION_H
#define CAIRN_FS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/dataset.h"

struct session_options {
	const char *mountpoint;
	const char *fuse_options;  /* comma-separated, for libfuse: "allow_other,..." or NULL */
	bool allow_other;
	int64_t deadline_ns;       /* of a request; 0: 60 s */
	uint64_t readahead;        /* bytes; 0: 8 MiB */
	struct log *log;
	bool debug;                /* libfuse's -d */
};

struct session;
/* Mounts. The dataset is borrowed until session_free. ERR_DENIED, ERR_ABSENT (mount point,
 * fusermount3, /dev/fuse), ERR_BUSY, ERR_INVALID, with a sentence. */
int session_new(struct dataset *dataset, const struct session_options *options,
	struct session **out, struct trouble *t);
/* Serves until unmounted or SIGTERM, SIGINT, SIGHUP; answers what is parked with EINTR at
 * the end. `ready` is called once the kernel has been answered (INIT). */
int session_run(struct session *s, void (*ready)(void *ctx), void *ctx);
/* Unmounts when still mounted. */
void session_free(struct session *s);

#endif
