/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/passthrough.h"

#include "fs/filesystem.h"

#ifdef HAVE_FUSE_PASSTHROUGH

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache/attempt_pages.h"
#include "fs/node.h"

/* capget(2), which the C library does not wrap. Within a container's user namespace this
 * may say yes where the kernel says no later on. */
static bool may_administer(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}

const char *passthrough_lacks(const struct fuse_conn_info *conn)
{
	if (!(conn->capable & FUSE_CAP_PASSTHROUGH))
		return "this kernel has none";
	return may_administer() ? NULL : "it is for root";
}

/* By default an overlay may lie over this mount. When the cache itself is on one, that is
 * one layer too many for the kernel. */
void passthrough_want(struct filesystem *fs, struct fuse_conn_info *conn)
{
	conn->want |= FUSE_CAP_PASSTHROUGH;
	if (cache_is_stacked(fs->cache))
		conn->max_backing_stack_depth = FUSE_BACKING_STACKED_OVER;
}

/* The file of the cache that is this file, when there is one, open and lent. */
static int lend(struct filesystem *fs, fuse_ino_t id, int *fd)
{
	struct digest root;
	struct page_source pages;
	struct attempt a;
	struct node node;
	struct entry e;
	int rc = filesystem_locate(fs, id, &node);

	if (rc)
		return rc;
	rc = attempt_begin(&a, fs->cache, NULL);
	if (rc)
		return rc;
	root = filesystem_root_of(fs, &node);
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

int passthrough_open(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node)
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

void passthrough_close(fuse_req_t fuse, int id)
{
	if (id)
		fuse_passthrough_close(fuse, id);
}

void passthrough_set(struct fuse_file_info *fi, int id)
{
	fi->backing_id = id;
	fi->keep_cache = id == 0; /* the kernel refuses both */
}

#else

const char *passthrough_lacks(const struct fuse_conn_info *conn)
{
	(void)conn;
	return "this libfuse has none";
}

void passthrough_want(struct filesystem *fs, struct fuse_conn_info *conn)
{
	(void)fs, (void)conn;
}

int passthrough_open(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node)
{
	(void)fs, (void)fuse, (void)node;
	return 0;
}

void passthrough_close(fuse_req_t fuse, int id)
{
	(void)fuse, (void)id;
}

void passthrough_set(struct fuse_file_info *fi, int id)
{
	(void)id;
	fi->keep_cache = 1;
}

#endif
