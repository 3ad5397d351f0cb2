/* SPDX-License-Identifier: MIT */
/*
 * What the operations work on: one revision of a dataset, seen through the cache, and the
 * state of its mount. Made by the session, found by an operation in fuse_req_userdata().
 */
#ifndef CAIRN_FS_FILESYSTEM_H
#define CAIRN_FS_FILESYSTEM_H

#include <stdatomic.h>

#include "dataset/dataset.h"
#include "format/entry.h"
#include "fs/backings.h"
#include "fs/buffers.h"
#include "fs/failure.h"
#include "fs/meters.h"
#include "fs/node_table.h"
#include "fs/neighbours.h"
#include "fs/node.h"
#include "fs/open_mode.h"
#include "fs/parked_list.h"
#include "fs/readahead_table.h"
#include "fs/recent_failures.h"
#include "fs/trace.h"
#include "fs/retained.h"
#include "fs/view.h"
#include "tree/diff.h"

/* Of an update that has had its turn: what the kernel has not been told of. */
struct untold {
	bool any;
	struct digest before, after; /* root pages */
	struct tree_told sent;	     /* that far it has */
};

struct dot_cairn;
struct request;
struct filesystem {
	struct dataset *dataset; /* borrowed */
	struct source *source;	 /* the dataset's */
	struct cache *cache;	 /* the engine's */
	struct log *log;	 /* borrowed, may be NULL */
	int64_t deadline_ns;	 /* for each request */
	uint64_t readahead;	 /* bytes per stream */
	/* As asked for; from INIT on as it is, never OPEN_AUTO. */
	enum open_mode open_mode;
	bool own_xattrs;		/* are answered, whatever else was asked for */
	bool elides_opendir;		/* from INIT on */
	struct open_choice open_choice; /* why, for who looks: once it is made */
	atomic_bool open_chosen;
	atomic_bool introduced; /* INIT has been answered: for parallel.h */
	/* What the kernel was told of all revisions, and cannot be told anew. */
	atomic_bool asks_acls;	     /* that there are access control lists */
	atomic_bool asks_no_xattrs;  /* that there are no extended attributes */
	atomic_bool passthrough_off; /* the kernel has refused a backing file */
	struct backings backings;    /* OPEN_PASSTHROUGH */
	struct trace trace;
	struct meters meters;
	struct views views;
	struct node_table *node_table;	 /* of what is shown */
	struct retained_table *retained; /* NULL: no others are */
	/* Answers what is asked of nodes that no revision has (dot_cairn.h); NULL: there
	 * are none. `r` has its file system and its question. */
	void (*apart)(struct request *r, uint64_t node);
	struct dot_cairn *dot_cairn; /* NULL: there is none; owned by the session */
	atomic_bool shows_xattrs;    /* one of these others has some */
	atomic_bool xattrs_coming;   /* the revision that is to be shown has some */
	struct untold untold;	     /* of the thread that updates */
	struct buffers buffers;
	struct failures failures;
	struct recent_failures recent_failures;
	struct parked_list parked;
	struct readahead_table readahead_table; /* of the files */
	pthread_mutex_t readahead_mtx;		/* the two below */
	struct readahead listing;		/* in entries, of the whole tree */
	struct neighbours neighbours;
	/* Called by INIT, may be NULL. */
	void (*ready)(void *ctx);
	void *ready_ctx;
};

struct filesystem_options {
	struct log *log;
	int64_t deadline_ns;
	uint64_t readahead;
	enum open_mode open_mode;
	bool own_xattrs;
};
int filesystem_new(struct dataset *dataset, const struct filesystem_options *options,
	struct filesystem **out);
/* Nothing is parked any more. */
void filesystem_free(struct filesystem *fs);

/* The root page of the revision that is shown now. For who answers nothing: a request has
 * its view. */
struct digest filesystem_root(struct filesystem *fs);
struct totals filesystem_totals(struct filesystem *fs);
/* Of the revision that the node is of. */
struct digest filesystem_root_of(struct filesystem *fs, const struct node *n);

/* node_locate() and node_table_forget() for a node of any revision. */
int filesystem_locate(struct filesystem *fs, uint64_t id, struct node *out);
void filesystem_forget(struct filesystem *fs, uint64_t id, uint64_t lookups);
/* What the kernel asks for is settled when the mount begins. ERR_UNSUPPORTED, with a
 * sentence: the revision has what is not asked for. */
int filesystem_check_attributes(
	struct filesystem *fs, const struct manifest *next, struct trouble *t);

#endif
