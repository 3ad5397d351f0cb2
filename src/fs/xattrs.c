/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/xattrs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/filesystem.h"
#include "fs/mount_ask.h"
#include "fs/request_run.h"
#include "fs/request_try.h"

#ifndef ENODATA /* FreeBSD, macOS */
#define ENODATA ENOATTR
#endif

#define OWN_PREFIX "user.cairn."
#define OWN_VALUE_SIZE DIGEST_HEX_SIZE

static bool is_own(const char *name)
{
	return strncmp(name, OWN_PREFIX, sizeof OWN_PREFIX - 1) == 0;
}

/* What the mount itself tells of an entry, as text. ERR_ABSENT: nothing by that name. */
static int own_value(struct request_try *t, const struct entry *e, const char *name,
	char value[OWN_VALUE_SIZE])
{
	const char *word = name + sizeof OWN_PREFIX - 1;
	uint64_t bytes = 0;
	int rc = 0;

	if (strcmp(word, "revision") == 0) {
		snprintf(value, OWN_VALUE_SIZE, "%llu",
			(unsigned long long)t->view->revision);
	} else if (!e->has_content) {
		rc = ERR_ABSENT;
	} else if (strcmp(word, "digest") == 0) {
		digest_to_hex(&e->content, value);
	} else if (strcmp(word, "object") == 0) {
		digest_to_hex(&e->object.digest, value);
	} else if (strcmp(word, "resident") == 0) {
		rc = attempt_resident(&t->attempt, e, &bytes);
		snprintf(value, OWN_VALUE_SIZE, "%llu", (unsigned long long)bytes);
	} else {
		rc = ERR_ABSENT;
	}
	return rc;
}

/* What was published under that name goes before what the mount tells. */
static int getxattr_step(struct request *r, struct request_try *t)
{
	char own[OWN_VALUE_SIZE] = "";
	struct span value;
	struct entry e;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
	if (!xattr_find(e.xattrs, span_of_string(r->name), &value)) {
		rc = is_own(r->name) ? own_value(t, &e, r->name, own) : ERR_ABSENT;
		value = span_of_string(own);
	}
	if (!rc)
		answer_bytes(&t->answer, t->buffer, r->size, value.data, value.size);
	else if (rc == ERR_ABSENT)
		answer_errno(&t->answer, ENODATA);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* Names one after another, each with its NUL. */
static int listxattr_step(struct request *r, struct request_try *t)
{
	struct xattr x;
	struct entry e;
	size_t at = 0, size = 0;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
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
		answer_errno(&t->answer, ERANGE);
	return 0;
}

static const struct request_kind getxattr_kind = {
	.name = "getxattr", .meter = METER_GETXATTR, .step = getxattr_step};
static const struct request_kind listxattr_kind = {
	.name = "listxattr", .meter = METER_LISTXATTR, .step = listxattr_step};

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

/* An update changes the view before it says that nothing is coming any more. */
static bool shows_no_xattrs(struct filesystem *fs)
{
	return !atomic_load(&fs->xattrs_coming) && !atomic_load(&fs->shows_xattrs) &&
	       filesystem_totals(fs).xattrs == 0;
}

/* No entry has any: told so once, the kernel does not ask again, and `ls -l` needs no
 * request per file. Who is about to show some either sees that it is told, or is seen. */
static bool has_no_xattrs(struct filesystem *fs)
{
	if (!shows_no_xattrs(fs))
		return false;
	atomic_store(&fs->asks_no_xattrs, true);
	return shows_no_xattrs(fs);
}

void xattrs_get(fuse_req_t fuse, fuse_ino_t node, const char *name, size_t size)
{
	struct request r = {.kind = &getxattr_kind, .name = name};
	struct filesystem *fs = fuse_req_userdata(fuse);

	r.size = size < BUFFER_SIZE ? size : BUFFER_SIZE;
	if (node == FUSE_ROOT_ID && strcmp(name, MOUNT_XATTR_PID) == 0)
		reply_pid(fuse, size);
	else if (!is_own(name) && !fs->own_xattrs && has_no_xattrs(fs))
		fuse_reply_err(fuse, ENOSYS);
	else if (strlen(name) > XATTR_NAME_SIZE_MAX)
		fuse_reply_err(fuse, ENODATA);
	else
		request_run(&r, fuse, node);
}

void xattrs_list(fuse_req_t fuse, fuse_ino_t node, size_t size)
{
	struct request r = {.kind = &listxattr_kind};
	struct filesystem *fs = fuse_req_userdata(fuse);

	/* None of our own is listed. */
	if (!fs->own_xattrs && has_no_xattrs(fs)) {
		fuse_reply_err(fuse, ENOSYS);
		return;
	}
	r.size = size < BUFFER_SIZE ? size : BUFFER_SIZE;
	request_run(&r, fuse, node);
}
