/* SPDX-License-Identifier: MIT */
/*
 * A mounted dataset: the FUSE session, its threads, its requests. fs/ calls tree/ and
 * cache/, never net/. It turns error codes into errno.
 */
#ifndef CAIRN_FS_SESSION_H
#define CAIRN_FS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "dataset/dataset.h"
#include "fs/meters.h"
#include "fs/open_mode.h"
#include "fs/parked_look.h"
#include "fs/trace.h"
#include "fs/update.h"

struct revision_source;
struct session_options {
	const char *mountpoint;
	const char *fuse_options; /* comma-separated, for libfuse: "noexec,suid" or NULL */
	bool allow_other;
	bool nonempty;	     /* the mount point may hide something */
	int64_t deadline_ns; /* of a request; 0: 60 s */
	uint64_t readahead;  /* bytes; 0: 32 MiB */
	enum open_mode open_mode;
	bool xattrs; /* those of its own are answered at any time */
	struct log *log;
	bool debug; /* libfuse's -d */
	/* Of what `.cairn` shows (fs/dot_cairn.h), borrowed; NULL: there is none. */
	const struct revision_source *revisions;
};

struct session;
/* Mounts. The dataset is borrowed until session_free. ERR_DENIED, ERR_ABSENT (mount point,
 * fusermount3, /dev/fuse), ERR_BUSY, ERR_INVALID, with a sentence. For a moment
 * stderr is not where it was: libfuse has its say there. From then on SIGTERM, SIGINT and
 * SIGHUP end the session (libfuse keeps one per process). */
int session_new(struct dataset *dataset, const struct session_options *options,
	struct session **out, struct trouble *t);
/* Serves until unmounted or signalled (call it on the main thread); answers what is parked
 * with EINTR at the end. `ready` (may be NULL) is called on a FUSE thread when the kernel
 * introduces itself: from then on another process can prove the mount, by a stat. This
 * process must not touch its own mount: killed while it waits for itself, it would never
 * end. ERR_IO. */
int session_run(struct session *s, void (*ready)(void *ctx), void *ctx);
/* Shows the revision of that manifest, while the session runs (fs/update.h). One at a time,
 * from a thread of its own. */
int session_update(struct session *s, const struct manifest *next, struct update_told *told,
	struct trouble *t);
/* The rest of what an update that failed late could not tell the kernel; 0 when nothing is
 * left of it. From that thread. */
int session_finish_update(struct session *s, struct trouble *t);
/* What it is doing, for who asks from another thread. */
struct session_state {
	uint64_t revision; /* that is shown */
	struct totals totals;
	unsigned parked;	 /* requests that wait for something */
	bool introduced;	 /* the kernel has: the next two are known */
	struct open_choice open; /* how opens are treated, and why */
	bool elides_opendir;
};
void session_look(struct session *s, struct session_state *out);
/* Borrowed, until session_free(). */
const struct meters *session_meters(const struct session *s);
/* Which tells of its reads. Borrowed, until session_free(). */
struct trace *session_trace(struct session *s);
/* request_run_look() and dot_cairn_look() of its requests. */
int session_look_parked(struct session *s, unsigned *count, parked_look_fn each, void *ctx);
/* The words of the last request that failed; code 0: none did. */
void session_failure(struct session *s, struct trouble *out);
/* Unmounts when still mounted. */
void session_free(struct session *s);

#endif
