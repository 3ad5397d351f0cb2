/* SPDX-License-Identifier: MIT */
#include "fs/lookups.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/entry_stat.h"
#include "fs/filesystem.h"
#include "fs/mountpoint.h"
#include "fs/request_run.h"
#include "fs/request_try.h"

#ifndef ENODATA /* FreeBSD, macOS */
#define ENODATA ENOATTR
#endif

static void answer_errno(struct request_try *t, int errnum)
{
	t->answer.kind = ANSWER_ERRNO;
	t->answer.errnum = errnum;
}

/* As many bytes as there is room for; `room` 0 asks for the size only. */
static void answer_bytes(struct request_try *t, size_t room, const void *data, size_t size)
{
	t->answer.size = size;
	t->answer.kind = room ? ANSWER_BYTES : ANSWER_SIZE;
	if (room && size > room)
		answer_errno(t, ERANGE);
	else if (room && size)
		memcpy(t->buffer, data, size);
}

/* ---- steps ---- */

static int lookup(struct request *r, struct request_try *t)
{
	struct digest root = filesystem_root(r->fs);
	struct entry directory, e = {0};
	struct place place;
	struct path path;
	int err = request_try_entry(r, t, &directory);

	if (!err)
		err = entry_path(&directory, &path);
	if (!err)
		err = tree_find(&t->pages, &root, path_span(&path), span_of_string(r->name),
			&place, &e);
	if (err && err != ERR_ABSENT)
		return err;
	t->answer.kind = ANSWER_ENTRY;
	if (err == ERR_ABSENT) {
		t->answer.entry = (struct fuse_entry_param){.entry_timeout = FOR_EVER};
		return 0;
	}
	entry_param(&e, &t->answer.entry);
	return request_try_hold(r, t, &place.leaf, place.row, &t->answer.entry);
}

static int get_attr(struct request *r, struct request_try *t)
{
	struct entry e;
	int err = request_try_entry(r, t, &e);

	if (err)
		return err;
	t->answer.kind = ANSWER_ATTR;
	entry_stat(&e, &t->answer.entry.attr);
	return 0;
}

static int read_link(struct request *r, struct request_try *t)
{
	struct entry e;
	int err = request_try_entry(r, t, &e);

	if (err)
		return err;
	if (e.type != ENTRY_SYMLINK)
		answer_errno(t, EINVAL);
	else
		answer_bytes(t, r->size, e.target.data, e.target.size);
	return 0;
}

static int get_xattr(struct request *r, struct request_try *t)
{
	struct span value;
	struct entry e;
	int err = request_try_entry(r, t, &e);

	if (err)
		return err;
	if (xattr_find(e.xattrs, span_of_string(r->name), &value))
		answer_bytes(t, r->size, value.data, value.size);
	else
		answer_errno(t, ENODATA);
	return 0;
}

/* Names one after another, each with its NUL. */
static int list_xattr(struct request *r, struct request_try *t)
{
	struct xattr x;
	struct entry e;
	size_t at = 0, size = 0;
	int err = request_try_entry(r, t, &e);

	if (err)
		return err;
	while (xattr_next(e.xattrs, &at, &x)) {
		if (size + x.name.size + 1 <= r->size) {
			memcpy(t->buffer + size, x.name.data, x.name.size);
			t->buffer[size + x.name.size] = '\0';
		}
		size += x.name.size + 1;
	}
	t->answer.kind = r->size ? ANSWER_BYTES : ANSWER_SIZE;
	t->answer.size = size;
	if (r->size && size > r->size)
		answer_errno(t, ERANGE);
	return 0;
}

static int seek(struct request *r, struct request_try *t)
{
	struct entry e;
	int err = request_try_entry(r, t, &e);

	if (err)
		return err;
	t->answer.kind = ANSWER_OFFSET;
	err = entry_seek(&e, r->offset, r->whence == SEEK_DATA, &t->answer.offset);
	if (err == ERR_ABSENT)
		answer_errno(t, ENXIO);
	return err == ERR_ABSENT ? 0 : err;
}

static const struct request_kind lookup_kind = {.name = "lookup", .step = lookup};
static const struct request_kind getattr_kind = {.name = "getattr", .step = get_attr};
static const struct request_kind readlink_kind = {.name = "readlink", .step = read_link};
static const struct request_kind getxattr_kind = {.name = "getxattr", .step = get_xattr};
static const struct request_kind listxattr_kind = {.name = "listxattr", .step = list_xattr};
static const struct request_kind lseek_kind = {.name = "lseek", .step = seek};

/* ---- operations ---- */

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

static void reply_pid(fuse_req_t fuse, size_t size)
{
	char text[24];
	size_t n = (size_t)snprintf(text, sizeof text, "%ld", (long)getpid());

	if (size == 0)
		fuse_reply_xattr(fuse, n);
	else if (size < n)
		fuse_reply_err(fuse, ERANGE);
	else
		fuse_reply_buf(fuse, text, n);
}

/* No entry has any: told so once, the kernel does not ask again, and `ls -l` needs no
 * request per file. */
static bool has_no_xattrs(fuse_req_t fuse)
{
	const struct filesystem *fs = fuse_req_userdata(fuse);

	return fs->dataset->manifest->totals.xattrs == 0;
}

void lookups_getxattr(fuse_req_t fuse, fuse_ino_t node, const char *name, size_t size)
{
	struct request r = {.kind = &getxattr_kind, .name = name};

	r.size = size < BUFFER_SIZE ? size : BUFFER_SIZE;
	if (node == FUSE_ROOT_ID && strcmp(name, MOUNT_XATTR_PID) == 0)
		reply_pid(fuse, size);
	else if (has_no_xattrs(fuse))
		fuse_reply_err(fuse, ENOSYS);
	else if (strlen(name) > XATTR_NAME_SIZE_MAX)
		fuse_reply_err(fuse, ENODATA);
	else
		request_run(&r, fuse, node);
}

void lookups_listxattr(fuse_req_t fuse, fuse_ino_t node, size_t size)
{
	struct request r = {.kind = &listxattr_kind};

	if (has_no_xattrs(fuse)) {
		fuse_reply_err(fuse, ENOSYS);
		return;
	}
	r.size = size < BUFFER_SIZE ? size : BUFFER_SIZE;
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
