/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/operations.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "fs/entry_stat.h"
#include "fs/filesystem.h"
#include "fs/listing.h"
#include "fs/lookups.h"
#include "fs/opens.h"
#include "fs/reads.h"
#include "fs/request_end.h"
#include "fs/xattrs.h"
#include "util/clock.h"

/* Requests of the kernel's readahead that may be unanswered before it holds all others
 * back, those that the cache could answer with them: as many as it allows anybody, which
 * for users without privileges it sets itself (max_user_bgreq). From CONGESTION on it
 * reads nothing ahead. */
#define BACKGROUND_MAX UINT16_MAX
#define CONGESTION (BACKGROUND_MAX / 4 * 3)

static void want_capability(struct fuse_conn_info *conn, unsigned capability, int on)
{
	if (on && (conn->capable & capability))
		conn->want |= capability;
	else
		conn->want &= ~capability;
}

static void say_features(const struct filesystem *fs)
{
	log_info(fs->log, "opendir=%s",
		fs->elides_opendir ? "elide" : "plain: this kernel has no other");
	log_info(fs->log, "io_uring=no: libfuse may lose replies with it");
}

/* Readdirplus always: "auto" makes the first pass over a tree twice as slow. Contents
 * never change behind the kernel's back, so nothing is to be invalidated by mtime. */
static void operation_init(void *userdata, struct fuse_conn_info *conn)
{
	struct filesystem *fs = userdata;

	want_capability(conn, FUSE_CAP_ASYNC_READ, 1);
	want_capability(conn, FUSE_CAP_PARALLEL_DIROPS, 1);
	want_capability(conn, FUSE_CAP_CACHE_SYMLINKS, 1);
	want_capability(conn, FUSE_CAP_READDIRPLUS, 1);
	want_capability(conn, FUSE_CAP_READDIRPLUS_AUTO, 0);
	/* Where there is none, the kernel would ask for those of each directory on the way
	 * and of each file that is listed. */
	atomic_store(&fs->asks_acls, filesystem_totals(fs).acls > 0);
	want_capability(conn, FUSE_CAP_POSIX_ACL, atomic_load(&fs->asks_acls));
	want_capability(conn, FUSE_CAP_AUTO_INVAL_DATA, 0);
	want_capability(conn, FUSE_CAP_SPLICE_READ, 0);
	want_capability(conn, FUSE_CAP_SPLICE_WRITE, 0);
	want_capability(conn, FUSE_CAP_SPLICE_MOVE, 0);
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = CONGESTION;
	conn->max_write = BUFFER_SIZE;
	fs->elides_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	opens_init(fs, conn);
	say_features(fs);
	if (fs->ready)
		fs->ready(fs->ready_ctx);
}

/* One that is answered without a try. Its node is for the log's words alone. */
static void begin_at_once(struct request *r, const struct request_kind *kind,
	fuse_req_t fuse, fuse_ino_t node)
{
	*r = (struct request){.fs = fuse_req_userdata(fuse),
		.fuse = fuse,
		.kind = kind,
		.began = clock_monotonic()};
	if (log_takes(r->fs->log, LOG_LEVEL_DEBUG))
		filesystem_locate(r->fs, node, &r->node);
}

static void operation_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	static const struct request_kind open_kind = {.name = "open", .meter = METER_OPEN};
	struct request r;

	begin_at_once(&r, &open_kind, fuse, node);
	opens_open(fuse, node, fi);
	request_end(&r, 0, NULL);
}

static void operation_forget(fuse_req_t fuse, fuse_ino_t node, uint64_t lookups)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	filesystem_forget(fs, node, lookups);
	fuse_reply_none(fuse);
}

static void operation_forget_multi(
	fuse_req_t fuse, size_t count, struct fuse_forget_data *forgets)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	for (size_t i = 0; i < count; i++)
		filesystem_forget(fs, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(fuse);
}

static void operation_statfs(fuse_req_t fuse, fuse_ino_t node)
{
	static const struct request_kind statfs_kind = {
		.name = "statfs", .meter = METER_STATFS};
	struct filesystem *fs = fuse_req_userdata(fuse);
	const struct totals totals = filesystem_totals(fs);
	struct statvfs st = {
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_blocks = (fsblkcnt_t)(totals.bytes / BLOCK_SIZE +
					 (totals.bytes % BLOCK_SIZE != 0)),
		.f_files = (fsfilcnt_t)totals.entries,
		.f_namemax = NAME_SIZE_MAX,
	};
	struct request r;

	begin_at_once(&r, &statfs_kind, fuse, node);
	request_end(&r, 0, NULL);
	fuse_reply_statfs(fuse, &st);
}

/* Whatever writes ends here. */
static void reply_read_only(fuse_req_t fuse)
{
	fuse_reply_err(fuse, EROFS);
}

static void refuse_setattr(fuse_req_t fuse, fuse_ino_t node, struct stat *attr, int to_set,
	struct fuse_file_info *fi)
{
	(void)node, (void)attr, (void)to_set, (void)fi;
	reply_read_only(fuse);
}

static void refuse_mknod(
	fuse_req_t fuse, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)parent, (void)name, (void)mode, (void)rdev;
	reply_read_only(fuse);
}

static void refuse_mkdir(fuse_req_t fuse, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	reply_read_only(fuse);
}

static void refuse_removal(fuse_req_t fuse, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	reply_read_only(fuse);
}

static void refuse_symlink(
	fuse_req_t fuse, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	reply_read_only(fuse);
}

static void refuse_rename(fuse_req_t fuse, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	(void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
	reply_read_only(fuse);
}

static void refuse_link(
	fuse_req_t fuse, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
	(void)node, (void)parent, (void)name;
	reply_read_only(fuse);
}

static void refuse_create(fuse_req_t fuse, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	reply_read_only(fuse);
}

static void refuse_write(fuse_req_t fuse, fuse_ino_t node, const char *data, size_t size,
	off_t offset, struct fuse_file_info *fi)
{
	(void)node, (void)data, (void)size, (void)offset, (void)fi;
	reply_read_only(fuse);
}

static void refuse_setxattr(fuse_req_t fuse, fuse_ino_t node, const char *name,
	const char *value, size_t size, int flags)
{
	(void)node, (void)name, (void)value, (void)size, (void)flags;
	reply_read_only(fuse);
}

static void refuse_fallocate(fuse_req_t fuse, fuse_ino_t node, int mode, off_t offset,
	off_t size, struct fuse_file_info *fi)
{
	(void)node, (void)mode, (void)offset, (void)size, (void)fi;
	reply_read_only(fuse);
}

static void refuse_copy_range(fuse_req_t fuse, fuse_ino_t in, off_t in_offset,
	struct fuse_file_info *in_fi, fuse_ino_t out, off_t out_offset,
	struct fuse_file_info *out_fi, size_t size, int flags)
{
	(void)in, (void)in_offset, (void)in_fi, (void)out, (void)out_offset, (void)out_fi;
	(void)size, (void)flags;
	reply_read_only(fuse);
}

const struct fuse_lowlevel_ops operations = {
	.init = operation_init,
	.lookup = lookups_lookup,
	.forget = operation_forget,
	.forget_multi = operation_forget_multi,
	.getattr = lookups_getattr,
	.readlink = lookups_readlink,
	.getxattr = xattrs_get,
	.listxattr = xattrs_list,
	.lseek = lookups_lseek,
	.open = operation_open,
	.read = reads_read,
	.release = opens_release,
	.opendir = listing_open,
	.readdir = listing_read,
	.readdirplus = listing_read_plus,
	.statfs = operation_statfs,
	.setattr = refuse_setattr,
	.mknod = refuse_mknod,
	.mkdir = refuse_mkdir,
	.unlink = refuse_removal,
	.rmdir = refuse_removal,
	.symlink = refuse_symlink,
	.rename = refuse_rename,
	.link = refuse_link,
	.create = refuse_create,
	.write = refuse_write,
	.setxattr = refuse_setxattr,
	.removexattr = refuse_removal,
	.fallocate = refuse_fallocate,
	.copy_file_range = refuse_copy_range,
};
