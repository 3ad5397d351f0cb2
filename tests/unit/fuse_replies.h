/* SPDX-License-Identifier: MIT */
/*
 * For tests of fs/ without a kernel: stands in for the part of libfuse that replies. A
 * request keeps the last reply and counts them all, and its interrupt handler is called as
 * the real one calls it, with its lock of the request held. Defines functions of libfuse,
 * so a test includes it once, and links a static libfuse only with -z muldefs.
 */
#ifndef CAIRN_TESTS_FUSE_REPLIES_H
#define CAIRN_TESTS_FUSE_REPLIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sys/statvfs.h>

enum reply_kind {
	REPLY_NONE,
	REPLY_ERR,
	REPLY_ENTRY,
	REPLY_ATTR,
	REPLY_BYTES,
	REPLY_XATTR_SIZE,
	REPLY_OFFSET,
	REPLY_OPEN,
	REPLY_STATFS,
};

struct reply {
	enum reply_kind kind;
	int errnum;		       /* 0 unless it is REPLY_ERR */
	struct fuse_entry_param entry; /* of REPLY_ATTR its attributes */
	uint8_t *bytes;		       /* the request's */
	size_t size;
	off_t offset;
	struct fuse_file_info opened;
	struct statvfs statfs;
};

struct fuse_req {
	void *userdata;
	struct fuse_ctx ctx;	       /* who asks */
	pthread_mutex_t interrupt_mtx; /* the three below; held while a handler runs */
	fuse_interrupt_func_t func;
	void *data;
	bool interrupted;
	bool sending_fails;	   /* constant: the kernel gets no answer */
	pthread_mutex_t reply_mtx; /* all below */
	pthread_cond_t replied_cond;
	unsigned replies;
	struct reply reply;
};

static inline void req_init(struct fuse_req *req, void *userdata)
{
	memset(req, 0, sizeof *req);
	req->userdata = userdata;
	pthread_mutex_init(&req->interrupt_mtx, NULL);
	pthread_mutex_init(&req->reply_mtx, NULL);
	pthread_cond_init(&req->replied_cond, NULL);
}

static inline void req_release(struct fuse_req *req)
{
	free(req->reply.bytes);
	pthread_mutex_destroy(&req->interrupt_mtx);
	pthread_mutex_destroy(&req->reply_mtx);
	pthread_cond_destroy(&req->replied_cond);
}

/* For one more question. */
static inline void req_renew(struct fuse_req *req)
{
	void *userdata = req->userdata;

	req_release(req);
	req_init(req, userdata);
}

/* How often it was answered. */
static inline unsigned req_replies(struct fuse_req *req)
{
	unsigned n;

	pthread_mutex_lock(&req->reply_mtx);
	n = req->replies;
	pthread_mutex_unlock(&req->reply_mtx);
	return n;
}

/* Until it is answered; gives the errno. */
static inline int req_await(struct fuse_req *req)
{
	pthread_mutex_lock(&req->reply_mtx);
	while (!req->replies)
		pthread_cond_wait(&req->replied_cond, &req->reply_mtx);
	pthread_mutex_unlock(&req->reply_mtx);
	return req->reply.errnum;
}

/* As Ctrl-C in a program that waits does. */
static inline void req_interrupt(struct fuse_req *req)
{
	pthread_mutex_lock(&req->interrupt_mtx);
	req->interrupted = true;
	if (req->func)
		req->func(req, req->data);
	pthread_mutex_unlock(&req->interrupt_mtx);
}

/* It was answered, once, and in this way. */
#define assert_reply(req, expected)                                                        \
	do {                                                                               \
		assert_int_equal(req_replies(req), 1);                                     \
		assert_int_equal((req)->reply.errnum, 0);                                  \
		assert_int_equal((req)->reply.kind, expected);                             \
	} while (0)
#define assert_errno(req, expected)                                                        \
	do {                                                                               \
		assert_int_equal(req_replies(req), 1);                                     \
		assert_int_equal((req)->reply.kind, REPLY_ERR);                            \
		assert_int_equal((req)->reply.errnum, expected);                           \
	} while (0)

const struct fuse_ctx *fuse_req_ctx(struct fuse_req *req)
{
	return &req->ctx;
}

/* Who sees the reply may do away with the request. */
static inline int req_note(struct fuse_req *req, const struct reply *reply)
{
	bool fails = req->sending_fails;

	pthread_mutex_lock(&req->reply_mtx);
	free(req->reply.bytes);
	req->reply = *reply;
	if (reply->bytes) {
		/* A copy of just that size, so that no reader gets beyond it unseen. */
		req->reply.bytes = malloc(reply->size ? reply->size : 1);
		if (!req->reply.bytes)
			abort();
		memcpy(req->reply.bytes, reply->bytes, reply->size);
	}
	req->replies++;
	pthread_cond_broadcast(&req->replied_cond);
	pthread_mutex_unlock(&req->reply_mtx);
	return fails ? -ENOENT : 0;
}

int fuse_reply_err(fuse_req_t req, int errnum)
{
	return req_note(req, &(struct reply){.kind = REPLY_ERR, .errnum = errnum});
}

void fuse_reply_none(fuse_req_t req)
{
	req_note(req, &(struct reply){.kind = REPLY_NONE});
}

int fuse_reply_entry(fuse_req_t req, const struct fuse_entry_param *e)
{
	return req_note(req, &(struct reply){.kind = REPLY_ENTRY, .entry = *e});
}

int fuse_reply_attr(fuse_req_t req, const struct stat *attr, double timeout)
{
	return req_note(req, &(struct reply){.kind = REPLY_ATTR,
				     .entry = {.attr = *attr, .attr_timeout = timeout}});
}

int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size)
{
	return req_note(req, &(struct reply){.kind = REPLY_BYTES,
				     .bytes = (uint8_t *)(uintptr_t)buf,
				     .size = size});
}

int fuse_reply_xattr(fuse_req_t req, size_t count)
{
	return req_note(req, &(struct reply){.kind = REPLY_XATTR_SIZE, .size = count});
}

int fuse_reply_lseek(fuse_req_t req, off_t offset)
{
	return req_note(req, &(struct reply){.kind = REPLY_OFFSET, .offset = offset});
}

int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
	return req_note(req, &(struct reply){.kind = REPLY_OPEN, .opened = *fi});
}

int fuse_reply_statfs(fuse_req_t req, const struct statvfs *st)
{
	return req_note(req, &(struct reply){.kind = REPLY_STATFS, .statfs = *st});
}

void *fuse_req_userdata(fuse_req_t req)
{
	return req->userdata;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	pthread_mutex_lock(&req->interrupt_mtx);
	req->func = func;
	req->data = data;
	if (req->interrupted && func)
		func(req, data);
	pthread_mutex_unlock(&req->interrupt_mtx);
}

/* What the kernel was told to forget: a name, or (without one) an inode's attributes, and
 * from `offset` on what it holds of it. */
#define NOTIFIED_MAX 1024
struct notified {
	uint64_t node;
	char name[256];
	off_t offset;
};
static struct notified notified[NOTIFIED_MAX];
static unsigned notified_count;

int fuse_lowlevel_notify_inval_entry(
	struct fuse_session *se, fuse_ino_t parent, const char *name, size_t size)
{
	struct notified *n = &notified[notified_count++];

	(void)se;
	if (notified_count >= NOTIFIED_MAX || strlen(name) != size || size > 255)
		abort();
	n->node = parent;
	n->offset = 0;
	strcpy(n->name, name);
	return 0;
}

int fuse_lowlevel_notify_inval_inode(
	struct fuse_session *se, fuse_ino_t node, off_t offset, off_t size)
{
	struct notified *n = &notified[notified_count++];

	(void)se, (void)size;
	if (notified_count >= NOTIFIED_MAX)
		abort();
	n->node = node;
	n->offset = offset;
	n->name[0] = '\0';
	return 0;
}

/* How often was it told so? `name` NULL: of the inode. */
static inline unsigned notified_of(uint64_t node, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < notified_count; i++)
		count += notified[i].node == node &&
			 !strcmp(notified[i].name, name ? name : "");
	return count;
}

/* An entry of a listing, as fuse_add_direntry and fuse_add_direntry_plus pack it (struct
 * fuse_dirent and fuse_direntplus of linux/fuse.h). */
struct listed {
	uint64_t node; /* of a listing with attributes; 0: no lookup */
	uint64_t inode;
	uint64_t next; /* offset of what follows */
	uint32_t type; /* S_IFMT >> 12 */
	uint32_t mode; /* of a listing with attributes */
	uint64_t size; /* likewise */
	char name[256];
};

/* Steps through a reply; false at its end. *at starts at 0. */
static inline bool listed_next(
	const struct fuse_req *req, bool plus, size_t *at, struct listed *out)
{
	enum { ENTRY_OUT = 128, ATTR = 40, DIRENT = 24 };
	const uint8_t *p = req->reply.bytes + *at;
	size_t head = plus ? ENTRY_OUT : 0;
	uint32_t length;

	if (*at == req->reply.size)
		return false;
	assert_true(req->reply.size - *at >= head + DIRENT);
	memset(out, 0, sizeof *out);
	if (plus) {
		memcpy(&out->node, p, sizeof out->node);
		memcpy(&out->size, p + ATTR + 8, sizeof out->size);
		memcpy(&out->mode, p + ATTR + 60, sizeof out->mode);
	}
	p += head;
	memcpy(&out->inode, p, sizeof out->inode);
	memcpy(&out->next, p + 8, sizeof out->next);
	memcpy(&length, p + 16, sizeof length);
	memcpy(&out->type, p + 20, sizeof out->type);
	assert_true(length < sizeof out->name);
	assert_true(req->reply.size - *at >= head + DIRENT + length);
	memcpy(out->name, p + DIRENT, length);
	*at += (head + DIRENT + length + 7) / 8 * 8;
	return true;
}

#endif
