/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/opens.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_FUSE_PASSTHROUGH
#include <linux/capability.h>
#include <sys/syscall.h>
#endif

#include "cache/attempt_pages.h"
#include "fs/filesystem.h"
#include "fs/node.h"

/* ---- what can be done ---- */

#ifdef HAVE_FUSE_PASSTHROUGH
/* capget(2), which the C library does not wrap. Within a container's user namespace this
 * may say yes where the kernel says no later on. */
static bool may_administer(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}
#endif

static const char *why_no_passthrough(const struct fuse_conn_info *conn)
{
#ifdef HAVE_FUSE_PASSTHROUGH
	if (!(conn->capable & FUSE_CAP_PASSTHROUGH))
		return "this kernel has none";
	if (!may_administer())
		return "it is for root";
	return NULL;
#else
	(void)conn;
	return "this libfuse has none";
#endif
}

static void want_passthrough(struct filesystem *fs, struct fuse_conn_info *conn)
{
#ifdef HAVE_FUSE_PASSTHROUGH
	conn->want |= FUSE_CAP_PASSTHROUGH;
	/* By default an overlay may lie over this mount. When the cache itself is on one,
	 * that is one layer too many for the kernel. */
	if (cache_is_stacked(fs->cache))
		conn->max_backing_stack_depth = FUSE_BACKING_STACKED_OVER;
#else
	(void)fs, (void)conn;
#endif
}

void opens_init(struct filesystem *fs, struct fuse_conn_info *conn)
{
	const struct open_means means = {
		.elide = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT,
		.no_passthrough = why_no_passthrough(conn),
	};
	struct open_choice choice;

	open_mode_choose(fs->open_mode, &fs->dataset->manifest->totals, &means, &choice);
	if (!choice.as_asked)
		log_warning(fs->log, "no open=%s here: %s", open_mode_name(fs->open_mode),
			choice.reason);
	fs->open_mode = choice.mode;
	log_info(fs->log, "open=%s: %s", open_mode_name(choice.mode), choice.reason);
	if (choice.mode == OPEN_PASSTHROUGH)
		want_passthrough(fs, conn);
}

/* ---- passthrough ---- */

#ifdef HAVE_FUSE_PASSTHROUGH

/* The file of the cache that is this file, when there is one, open and lent. */
static int lend(struct filesystem *fs, fuse_ino_t id, int *fd)
{
	struct digest root = filesystem_root(fs);
	struct page_source pages;
	struct attempt a;
	struct node node;
	struct entry e;
	int rc = node_locate(fs->node_table, id, &node);

	if (rc)
		return rc;
	rc = attempt_begin(&a, fs->cache, NULL);
	if (rc)
		return rc;
	pages = attempt_pages(&a);
	rc = node_entry(&node, &pages, &root, &e);
	if (!rc)
		rc = attempt_lend(&a, &e, fd);
	attempt_end(&a);
	return rc;
}

static void end_passthrough(struct filesystem *fs, int error)
{
	if (!atomic_exchange(&fs->passthrough_off, true))
		log_warning(fs->log,
			"the kernel does not take files of the cache for passthrough (%s): "
			"reading them in the plain way",
			strerror(error));
}

/* A backing id, or 0: to be read in the plain way. The id keeps the lent file from being
 * evicted: the kernel has it open, with its lock, as long as the id lives. */
static int new_backing(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node)
{
	int fd, id;

	if (atomic_load(&fs->passthrough_off) || lend(fs, node, &fd))
		return 0;
	id = fuse_passthrough_open(fuse, fd);
	if (id <= 0)
		end_passthrough(fs, errno);
	close(fd);
	return id > 0 ? id : 0;
}

static void drop_backing(fuse_req_t fuse, int id)
{
	if (id)
		fuse_passthrough_close(fuse, id);
}

static void set_backing(struct fuse_file_info *fi, int id)
{
	fi->backing_id = id;
	fi->keep_cache = id == 0; /* the kernel refuses both */
}

#else

static int new_backing(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node)
{
	(void)fs, (void)fuse, (void)node;
	return 0;
}

static void drop_backing(fuse_req_t fuse, int id)
{
	(void)fuse, (void)id;
}

static void set_backing(struct fuse_file_info *fi, int id)
{
	(void)id;
	fi->keep_cache = 1;
}

#endif

static int find_backing(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node, int *used)
{
	int id, err;

	if (backings_join(&fs->backings, node, used))
		return 0;
	id = new_backing(fs, fuse, node);
	err = backings_open(&fs->backings, node, id, used);
	if (err || *used != id)
		drop_backing(fuse, id);
	return err;
}

static void open_backed(
	struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	int id;

	if (find_backing(fs, fuse, node, &id)) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	set_backing(fi, id);
	/* Then the connection is gone, and its ids with it: there will be no release. */
	if (fuse_reply_open(fuse, fi))
		backings_close(&fs->backings, node);
}

/* ---- operations ---- */

void opens_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
		fuse_reply_err(fuse, EROFS);
	} else if (fs->open_mode == OPEN_ELIDE) {
		fuse_reply_err(fuse, ENOSYS); /* nor will it ask for any other */
	} else if (fs->open_mode == OPEN_PASSTHROUGH) {
		open_backed(fs, fuse, node, fi);
	} else {
		fi->keep_cache = 1;
		fuse_reply_open(fuse, fi);
	}
}

void opens_release(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	(void)fi;
	if (fs->open_mode == OPEN_PASSTHROUGH)
		drop_backing(fuse, backings_close(&fs->backings, node));
	fuse_reply_err(fuse, 0);
}
