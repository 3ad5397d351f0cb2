/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/lookups.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/file_map.h"
#include "fs/dot_cairn.h"
#include "fs/entry_stat.h"
#include "fs/filesystem.h"
#include "fs/request_run.h"
#include "fs/request_try.h"

static int lookup_step(struct request *r, struct request_try *t)
{
	struct entry directory, e = {0};
	struct place place;
	struct path path;
	int rc = request_try_entry(r, t, &directory);

	if (!rc)
		rc = entry_path(&directory, &path);
	if (!rc)
		rc = tree_find(&t->pages, &t->view->root, path_span(&path),
			span_of_string(r->name), &place, &e);
	if (rc && rc != ERR_ABSENT)
		return rc;
	t->answer.kind = ANSWER_ENTRY;
	if (rc == ERR_ABSENT && dot_cairn_is(r)) {
		dot_cairn_entry(r->fs, &t->answer.entry);
		return 0;
	}
	if (rc == ERR_ABSENT) {
		t->answer.entry = (struct fuse_entry_param){.entry_timeout = FOR_EVER};
		return 0;
	}
	request_try_param(r, &e, &t->answer.entry);
	return request_try_hold(r, t, &place.leaf, place.row, &t->answer.entry);
}

static int getattr_step(struct request *r, struct request_try *t)
{
	struct entry e;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
	t->answer.kind = ANSWER_ATTR;
	request_try_param(r, &e, &t->answer.entry);
	return 0;
}

static int readlink_step(struct request *r, struct request_try *t)
{
	struct entry e;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
	if (e.type != ENTRY_SYMLINK)
		answer_errno(&t->answer, EINVAL);
	else
		answer_bytes(&t->answer, t->buffer, r->size, e.target.data, e.target.size);
	return 0;
}

static int lseek_step(struct request *r, struct request_try *t)
{
	struct entry e;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
	t->answer.kind = ANSWER_OFFSET;
	rc = file_seek(
		&t->attempt, &e, r->offset, r->whence == SEEK_DATA, &t->answer.offset);
	if (rc == ERR_ABSENT)
		answer_errno(&t->answer, ENXIO);
	return rc == ERR_ABSENT ? 0 : rc;
}

static const struct request_kind lookup_kind = {.name = "lookup",
	.meter = METER_LOOKUP,
	.step = lookup_step,
	.asks = ASKS_NAME,
	.of_child = true};
static const struct request_kind getattr_kind = {.name = "getattr",
	.meter = METER_GETATTR,
	.step = getattr_step,
	.asks = ASKS_ATTRIBUTES};
static const struct request_kind readlink_kind = {.name = "readlink",
	.meter = METER_READLINK,
	.step = readlink_step,
	.asks = ASKS_TARGET};
static const struct request_kind lseek_kind = {
	.name = "lseek", .meter = METER_LSEEK, .step = lseek_step};

void lookups_lookup(fuse_req_t fuse, fuse_ino_t parent, const char *name)
{
	struct request r = {.kind = &lookup_kind, .name = name};

	if (strlen(name) > NAME_SIZE_MAX)
		fuse_reply_err(fuse, ENAMETOOLONG);
	else
		request_run(&r, fuse, parent);
}

void lookups_getattr(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct request r = {.kind = &getattr_kind};

	(void)fi;
	request_run(&r, fuse, node);
}

void lookups_readlink(fuse_req_t fuse, fuse_ino_t node)
{
	struct request r = {.kind = &readlink_kind, .size = LINK_TARGET_SIZE_MAX};

	request_run(&r, fuse, node);
}

void lookups_lseek(fuse_req_t fuse, fuse_ino_t node, off_t offset, int whence,
	struct fuse_file_info *fi)
{
	struct request r = {
		.kind = &lseek_kind, .offset = (uint64_t)offset, .whence = whence};

	(void)fi;
	if (offset < 0)
		fuse_reply_err(fuse, ENXIO);
	else if (whence != SEEK_DATA && whence != SEEK_HOLE)
		fuse_reply_err(fuse, EINVAL);
	else
		request_run(&r, fuse, node);
}
