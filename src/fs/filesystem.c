/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/filesystem.h"

#include <stdlib.h>

#include "util/clock.h"

#define DEADLINE_DEFAULT (60 * NS_PER_SECOND)
/* Of contents, which are less on the wire: doc/decisions/readahead.md has the figures. */
#define READAHEAD_DEFAULT (UINT64_C(32) << 20)

int filesystem_new(struct dataset *dataset, const struct filesystem_options *options,
	struct filesystem **out)
{
	struct filesystem *fs = calloc(1, sizeof *fs);

	if (!fs)
		return ERR_NO_MEMORY;
	fs->node_table = node_table_new();
	if (!fs->node_table || views_init(&fs->views, dataset->manifest)) {
		node_table_free(fs->node_table);
		free(fs);
		return ERR_NO_MEMORY;
	}
	fs->dataset = dataset;
	fs->source = dataset->source;
	fs->cache = engine_cache(source_engine(dataset->source));
	fs->log = options->log;
	fs->deadline_ns = options->deadline_ns ? options->deadline_ns : DEADLINE_DEFAULT;
	fs->readahead = options->readahead ? options->readahead : READAHEAD_DEFAULT;
	fs->open_mode = options->open_mode;
	fs->own_xattrs = options->own_xattrs;
	atomic_init(&fs->introduced, false);
	atomic_init(&fs->open_chosen, false);
	atomic_init(&fs->passthrough_off, false);
	atomic_init(&fs->shows_xattrs, false);
	atomic_init(&fs->xattrs_coming, false);
	backings_init(&fs->backings);
	buffers_init(&fs->buffers);
	recent_failures_init(&fs->recent_failures);
	failures_init(&fs->failures, options->log);
	parked_list_init(&fs->parked);
	trace_init(&fs->trace);
	readahead_table_init(&fs->readahead_table);
	pthread_mutex_init(&fs->readahead_mtx, NULL);
	*out = fs;
	return 0;
}

void filesystem_free(struct filesystem *fs)
{
	if (!fs)
		return;
	parked_list_release(&fs->parked);
	trace_release(&fs->trace);
	recent_failures_release(&fs->recent_failures);
	failures_release(&fs->failures);
	buffers_release(&fs->buffers);
	backings_release(&fs->backings);
	pthread_mutex_destroy(&fs->readahead_mtx);
	readahead_table_release(&fs->readahead_table);
	node_table_free(fs->node_table);
	retained_table_free(fs->retained);
	views_release(&fs->views);
	free(fs);
}

struct digest filesystem_root(struct filesystem *fs)
{
	unsigned side;
	struct digest root = views_enter(&fs->views, &side)->root;

	views_leave(&fs->views, side);
	return root;
}

struct totals filesystem_totals(struct filesystem *fs)
{
	unsigned side;
	struct totals totals = views_enter(&fs->views, &side)->totals;

	views_leave(&fs->views, side);
	return totals;
}

struct digest filesystem_root_of(struct filesystem *fs, const struct node *n)
{
	return n->retained ? n->retained->view.root : filesystem_root(fs);
}

int filesystem_locate(struct filesystem *fs, uint64_t id, struct node *out)
{
	const struct retained *r = NULL;
	int rc;

	if (id > NODE_IN_SPACE) {
		r = retained_of_space(fs->retained, id >> NODE_SPACE_SHIFT);
		if (!r)
			return ERR_ABSENT;
	}
	rc = node_locate(r ? r->node_table : fs->node_table, id & NODE_IN_SPACE, out);
	if (!rc) {
		out->id = id;
		out->retained = r;
	}
	return rc;
}

void filesystem_forget(struct filesystem *fs, uint64_t id, uint64_t lookups)
{
	const struct retained *r;

	if (id <= NODE_IN_SPACE) {
		node_table_forget(fs->node_table, id, lookups);
		return;
	}
	r = retained_of_space(fs->retained, id >> NODE_SPACE_SHIFT);
	if (r)
		node_table_forget(r->node_table, id & NODE_IN_SPACE, lookups);
}

/* A file whose access control list the kernel does not know it might let the wrong people
 * read. */
int filesystem_check_attributes(
	struct filesystem *fs, const struct manifest *next, struct trouble *t)
{
	const char *what = NULL;

	if (next->totals.acls > 0 && !atomic_load(&fs->asks_acls))
		what = "access control lists";
	else if (next->totals.xattrs > 0 && atomic_load(&fs->asks_no_xattrs))
		what = "extended attributes";
	if (!what)
		return 0;
	return trouble_set(t, ERR_UNSUPPORTED,
		"revision %llu has %s, unlike the one that the mount began with, and a "
		"running mount cannot begin to show them: mount it anew",
		(unsigned long long)next->revision, what);
}
