/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/filesystem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#include "fs/request_try.h"
#include "util/clock.h"

#define DEADLINE_DEFAULT (60 * NS_PER_SECOND)
/* Of contents, which are less on the wire: doc/architecture.md has the figures. */
#define READAHEAD_DEFAULT (UINT64_C(32) << 20)
#define STAT_BLOCK 512 /* bytes, the unit of st_blocks */

int filesystem_new(struct dataset *dataset, const struct filesystem_options *options,
	struct filesystem **out)
{
	struct filesystem *fs = calloc(1, sizeof *fs);

	if (!fs)
		return ERR_NO_MEMORY;
	fs->node_table = node_table_new();
	if (!fs->node_table) {
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
	atomic_init(&fs->introduced, false);
	atomic_init(&fs->passthrough_off, false);
	backings_init(&fs->backings);
	buffers_init(&fs->buffers);
	recent_failures_init(&fs->setbacks);
	failures_init(&fs->failures, options->log);
	requests_init(&fs->requests);
	readahead_table_init(&fs->readahead_table);
	pthread_mutex_init(&fs->readahead_lock, NULL);
	*out = fs;
	return 0;
}

void filesystem_free(struct filesystem *fs)
{
	if (!fs)
		return;
	requests_release(&fs->requests);
	recent_failures_release(&fs->setbacks);
	failures_release(&fs->failures);
	buffers_release(&fs->buffers);
	backings_release(&fs->backings);
	pthread_mutex_destroy(&fs->readahead_lock);
	readahead_table_release(&fs->readahead_table);
	node_table_free(fs->node_table);
	free(fs);
}

struct span path_span(const struct path *p)
{
	return span_of(p->data, p->size);
}

struct digest filesystem_root(const struct filesystem *fs)
{
	return fs->dataset->manifest->root;
}

int request_locate(struct request *r, fuse_ino_t node)
{
	r->node = node;
	r->root = node == FUSE_ROOT_ID;
	if (r->root)
		return 0;
	return node_table_find(r->fs->node_table, node, &r->leaf, &r->row);
}

int request_entry(struct request *r, struct request_try *t, struct entry *e)
{
	static const struct span empty = {NULL, 0};
	struct digest root;
	struct place place;
	struct page page;
	int err;

	if (r->root) {
		root = filesystem_root(r->fs);
		err = tree_find(&t->pages, &root, empty, empty, &place, e);
		return err == ERR_ABSENT ? ERR_CORRUPT : err;
	}
	err = attempt_page(&t->attempt, &r->leaf, &page);
	if (err)
		return err;
	if (page.level != 0 || r->row >= page.count)
		return ERR_CORRUPT;
	return page_entry(&page, r->row, e);
}

static int path_append(struct path *p, const void *data, size_t size)
{
	if (size > sizeof p->data - 1 - p->size)
		return ERR_LIMIT;
	if (size)
		memcpy(p->data + p->size, data, size);
	p->size += size;
	p->data[p->size] = '\0';
	return 0;
}

int entry_path(const struct entry *e, struct path *out)
{
	int err;

	out->size = 0;
	err = path_append(out, e->parent.data, e->parent.size);
	if (!err && e->parent.size)
		err = path_append(out, "/", 1);
	if (!err)
		err = path_append(out, e->name.data, e->name.size);
	return err;
}

/* A sparse file takes what its data takes, as on the file system it came from. */
static uint64_t stat_bytes(const struct entry *e)
{
	if (e->type == ENTRY_DIRECTORY)
		return BLOCK_SIZE;
	return e->type == ENTRY_FILE ? entry_data_size(e) : 0;
}

void entry_stat(const struct entry *e, struct stat *st)
{
	struct timespec time = {.tv_sec = (time_t)e->mtime, .tv_nsec = (long)e->mtime_nsec};

	memset(st, 0, sizeof *st);
	st->st_ino = (ino_t)e->inode;
	st->st_mode = (mode_t)entry_st_mode(e);
	st->st_nlink = (nlink_t)e->links;
	st->st_uid = (uid_t)e->uid;
	st->st_gid = (gid_t)e->gid;
	if (e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK)
		st->st_rdev = makedev(e->major, e->minor);
	st->st_size = (off_t)(e->type == ENTRY_DIRECTORY ? BLOCK_SIZE : e->size);
	st->st_blksize = BLOCK_SIZE;
	st->st_blocks = (blkcnt_t)((stat_bytes(e) + STAT_BLOCK - 1) / STAT_BLOCK);
#ifdef HAVE_STRUCT_STAT_ST_MTIM
	st->st_mtim = st->st_ctim = st->st_atim = time;
#else
	st->st_mtimespec = st->st_ctimespec = st->st_atimespec = time;
#endif
}

void entry_param(const struct entry *e, struct fuse_entry_param *out)
{
	out->ino = 0;
	out->generation = 0;
	out->attr_timeout = FOR_EVER;
	out->entry_timeout = FOR_EVER;
	entry_stat(e, &out->attr);
}
