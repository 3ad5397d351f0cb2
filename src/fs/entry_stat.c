/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/entry_stat.h"

#include <string.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#include "util/error.h"

#define STAT_BLOCK 512 /* bytes, the unit of st_blocks */

struct span path_span(const struct path *p)
{
	return span_of(p->data, p->size);
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
	int rc;

	out->size = 0;
	rc = path_append(out, e->parent.data, e->parent.size);
	if (!rc && e->parent.size)
		rc = path_append(out, "/", 1);
	if (!rc)
		rc = path_append(out, e->name.data, e->name.size);
	return rc;
}

/* A sparse file takes what its data takes, as on the file system it came from. */
static uint64_t stat_bytes(const struct entry *e)
{
	if (e->type == ENTRY_DIRECTORY)
		return BLOCK_SIZE;
	return e->type == ENTRY_FILE ? entry_data_size(e) : 0;
}

void entry_stat_time(struct stat *st, int64_t seconds, uint32_t nanoseconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds};

#ifdef HAVE_STRUCT_STAT_ST_MTIM
	st->st_mtim = st->st_ctim = st->st_atim = time;
#else
	st->st_mtimespec = st->st_ctimespec = st->st_atimespec = time;
#endif
}

void entry_stat(const struct entry *e, struct stat *st)
{
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
	entry_stat_time(st, e->mtime, e->mtime_nsec);
}

void entry_param(const struct entry *e, struct fuse_entry_param *out)
{
	out->ino = 0;
	out->generation = 0;
	out->attr_timeout = FOR_EVER;
	out->entry_timeout = FOR_EVER;
	entry_stat(e, &out->attr);
}
