/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/operations.h"

static void plant(struct memory_mount *m)
{
	mount_init(m);
	mount_add(m, "", "a", (struct entry){.type = ENTRY_FILE, .mode = 0644});
	mount_add(m, "", "b", (struct entry){.type = ENTRY_FILE, .mode = 0644});
	mount_begin(m, OPEN_PLAIN);
}

#define assert_read_only(call)                                                             \
	do {                                                                               \
		req_init(&req, m.fs);                                                      \
		(call);                                                                    \
		assert_errno(&req, EROFS);                                                 \
		req_release(&req);                                                         \
		calls++;                                                                   \
	} while (0)

static void whatever_writes_is_refused(void **state)
{
	const struct fuse_lowlevel_ops *o = &operations;
	struct fuse_file_info fi = {0};
	struct memory_mount m;
	struct fuse_req req;
	unsigned calls = 0;

	(void)state;
	plant(&m);
	assert_read_only(o->setattr(&req, 1, &(struct stat){0}, FUSE_SET_ATTR_MODE, NULL));
	assert_read_only(o->mknod(&req, 1, "x", S_IFIFO, 0));
	assert_read_only(o->mkdir(&req, 1, "x", 0755));
	assert_read_only(o->unlink(&req, 1, "a"));
	assert_read_only(o->rmdir(&req, 1, "a"));
	assert_read_only(o->symlink(&req, "a", 1, "x"));
	assert_read_only(o->rename(&req, 1, "a", 1, "x", 0));
	assert_read_only(o->link(&req, 2, 1, "x"));
	assert_read_only(o->create(&req, 1, "x", 0644, &fi));
	assert_read_only(o->write(&req, 2, "x", 1, 0, &fi));
	assert_read_only(o->setxattr(&req, 2, "user.x", "y", 1, 0));
	assert_read_only(o->removexattr(&req, 2, "user.x"));
	assert_read_only(o->fallocate(&req, 2, 0, 0, 1, &fi));
	assert_read_only(o->copy_file_range(&req, 2, 0, &fi, 2, 0, &fi, 1, 0));
	assert_int_equal(calls, 14);
	assert_int_equal(m.source.asked, 0);
	mount_end(&m);
}

static void lookups_are_forgotten(void **state)
{
	struct fuse_forget_data forgets[2];
	struct memory_mount m;
	struct fuse_req req;
	uint64_t a;

	(void)state;
	plant(&m);
	a = mount_lookup(&m, FUSE_ROOT_ID, "a");
	for (unsigned i = 0; i < 5; i++)
		mount_lookup(&m, FUSE_ROOT_ID, "b");
	forgets[0].ino = mount_lookup(&m, FUSE_ROOT_ID, "a");
	forgets[0].nlookup = 1;
	forgets[1].ino = mount_lookup(&m, FUSE_ROOT_ID, "b");
	forgets[1].nlookup = 6;
	req_init(&req, m.fs);
	operations.forget_multi(&req, 2, forgets);
	assert_int_equal(req_replies(&req), 1);
	assert_int_equal(req.reply.kind, REPLY_NONE);
	assert_int_equal(node_table_count(m.fs->node_table), 1);
	req_renew(&req);
	operations.forget(&req, a, 1);
	assert_int_equal(req.reply.kind, REPLY_NONE);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_release(&req);
	mount_end(&m);
}

static void the_size_is_the_manifests(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	m.manifest.totals.bytes = 3 * 4096 + 1;
	m.manifest.totals.entries = 99;
	mount_show(&m);
	req_init(&req, m.fs);
	operations.statfs(&req, FUSE_ROOT_ID);
	assert_reply(&req, REPLY_STATFS);
	assert_int_equal(req.reply.statfs.f_bsize, 4096);
	assert_int_equal(req.reply.statfs.f_frsize, 4096);
	assert_int_equal(req.reply.statfs.f_blocks, 4);
	assert_int_equal(req.reply.statfs.f_bfree, 0);
	assert_int_equal(req.reply.statfs.f_bavail, 0);
	assert_int_equal(req.reply.statfs.f_files, 99);
	assert_int_equal(req.reply.statfs.f_namemax, 255);
	req_release(&req);
	mount_end(&m);
}

static void is_ready(void *ctx)
{
	++*(unsigned *)ctx;
}

/* What is wanted of the kernel, where it can do that. */
static void the_kernel_is_told_what_is_wanted(void **state)
{
	const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS |
				FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_READDIRPLUS,
		       unwanted = FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA |
				  FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE | FUSE_CAP_POSIX_ACL;
	struct fuse_conn_info conn = {.capable = wanted | unwanted, .want = unwanted};
	struct memory_mount m;
	unsigned ready = 0;

	(void)state;
	plant(&m);
	m.fs->ready = is_ready;
	m.fs->ready_ctx = &ready;
	operations.init(m.fs, &conn);
	assert_int_equal(conn.want, wanted);
	assert_int_equal(conn.max_background, 65535);
	assert_in_range(conn.congestion_threshold, 1, conn.max_background);
	assert_int_equal(ready, 1);
	assert_false(m.fs->elides_opendir);
	/* a kernel that can do less, and a tree that has more */
	m.manifest.totals.acls = 1;
	mount_show(&m);
	conn = (struct fuse_conn_info){.capable = FUSE_CAP_POSIX_ACL |
						  FUSE_CAP_NO_OPENDIR_SUPPORT |
						  FUSE_CAP_NO_OPEN_SUPPORT,
		.want = FUSE_CAP_ASYNC_READ};
	operations.init(m.fs, &conn);
	assert_int_equal(conn.want, FUSE_CAP_POSIX_ACL);
	assert_true(m.fs->elides_opendir);
	assert_true(mount_logged(&m, "opendir=elide"));
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_writes_is_refused),
		cmocka_unit_test(lookups_are_forgotten),
		cmocka_unit_test(the_size_is_the_manifests),
		cmocka_unit_test(the_kernel_is_told_what_is_wanted),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
