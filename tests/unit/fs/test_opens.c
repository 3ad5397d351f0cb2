/* SPDX-License-Identifier: MIT */
/*
 * Opens in each mode. The kernel's backing files are stood in for: whatever this libfuse
 * can do, a test says what an open of one gives.
 */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/opens.h"
#include "fs/passthrough.h"

static struct {
	const char *lacks;
	int id; /* of the next backing file; 0: none */
	unsigned wanted, opened;
	int closed; /* the last id */
	unsigned closes;
} kernel;

const char *passthrough_lacks(const struct fuse_conn_info *conn)
{
	(void)conn;
	return kernel.lacks;
}

void passthrough_want(struct filesystem *fs, struct fuse_conn_info *conn)
{
	(void)fs, (void)conn;
	kernel.wanted++;
}

int passthrough_open(struct filesystem *fs, fuse_req_t fuse, fuse_ino_t node)
{
	(void)fs, (void)fuse, (void)node;
	kernel.opened++;
	return kernel.id;
}

void passthrough_close(fuse_req_t fuse, int id)
{
	(void)fuse;
	if (!id)
		return;
	kernel.closed = id;
	kernel.closes++;
}

/* The id goes where a test sees it. */
void passthrough_set(struct fuse_file_info *fi, int id)
{
	fi->fh = (uint64_t)id;
	fi->keep_cache = id == 0;
}

#define NODE 4097

static void begin(struct memory_mount *m, enum open_mode mode)
{
	memset(&kernel, 0, sizeof kernel);
	mount_init(m);
	mount_begin(m, mode);
}

static void open_file(struct memory_mount *m, struct fuse_req *req, int flags)
{
	struct fuse_file_info fi = {.flags = flags};

	req_init(req, m->fs);
	opens_open(req, NODE, &fi);
}

/* The id that an open is answered with. */
static int open_id(struct memory_mount *m)
{
	struct fuse_req req;
	int id;

	open_file(m, &req, O_RDONLY);
	assert_reply(&req, REPLY_OPEN);
	id = (int)req.reply.opened.fh;
	assert_int_equal(req.reply.opened.keep_cache, id == 0);
	req_release(&req);
	return id;
}

static void release_file(struct memory_mount *m)
{
	struct fuse_file_info fi = {0};
	struct fuse_req req;

	req_init(&req, m->fs);
	opens_release(&req, NODE, &fi);
	assert_errno(&req, 0);
	req_release(&req);
}

/* Whatever the mode, and before it is looked at. */
static void nothing_is_opened_for_writing(void **state)
{
	static const int flags[] = {
		O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_WRONLY | O_APPEND};
	static const enum open_mode modes[] = {OPEN_PLAIN, OPEN_ELIDE, OPEN_PASSTHROUGH};
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	for (size_t k = 0; k < sizeof modes / sizeof *modes; k++) {
		begin(&m, modes[k]);
		for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
			open_file(&m, &req, flags[i]);
			assert_errno(&req, EROFS);
			req_release(&req);
		}
		assert_int_equal(kernel.opened, 0);
		mount_end(&m);
	}
}

static void plain_keeps_what_was_read(void **state)
{
	struct memory_mount m;

	(void)state;
	begin(&m, OPEN_PLAIN);
	kernel.id = 5;
	assert_int_equal(open_id(&m), 0);
	release_file(&m);
	assert_int_equal(kernel.opened, 0);
	assert_int_equal(kernel.closes, 0);
	mount_end(&m);
}

static void elided_opens_are_asked_for_once(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	begin(&m, OPEN_ELIDE);
	open_file(&m, &req, O_RDONLY);
	assert_errno(&req, ENOSYS);
	req_release(&req);
	mount_end(&m);
}

/* The kernel wants one way for an inode as long as it is open. */
static void all_opens_share_a_backing_file(void **state)
{
	struct memory_mount m;

	(void)state;
	begin(&m, OPEN_PASSTHROUGH);
	kernel.id = 5;
	assert_int_equal(open_id(&m), 5);
	kernel.id = 6;
	assert_int_equal(open_id(&m), 5);
	assert_int_equal(kernel.opened, 1);
	release_file(&m);
	assert_int_equal(kernel.closes, 0);
	release_file(&m);
	assert_int_equal(kernel.closes, 1);
	assert_int_equal(kernel.closed, 5);
	assert_int_equal(open_id(&m), 6);
	release_file(&m);
	assert_int_equal(kernel.closed, 6);
	mount_end(&m);
}

static void without_one_all_opens_are_plain_until_the_last_release(void **state)
{
	struct memory_mount m;

	(void)state;
	begin(&m, OPEN_PASSTHROUGH);
	assert_int_equal(open_id(&m), 0);
	kernel.id = 7;
	assert_int_equal(open_id(&m), 0);
	release_file(&m);
	assert_int_equal(open_id(&m), 0);
	release_file(&m);
	release_file(&m);
	assert_int_equal(kernel.closes, 0);
	assert_int_equal(open_id(&m), 7);
	release_file(&m);
	mount_end(&m);
}

/* No release will come for it. */
static void an_open_that_is_not_heard_of_is_none(void **state)
{
	struct fuse_file_info fi = {0};
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	begin(&m, OPEN_PASSTHROUGH);
	kernel.id = 5;
	req_init(&req, m.fs);
	req.sending_fails = true;
	opens_open(&req, NODE, &fi);
	assert_reply(&req, REPLY_OPEN);
	req_release(&req);
	kernel.id = 6;
	assert_int_equal(open_id(&m), 6);
	release_file(&m);
	mount_end(&m);
}

static enum open_mode init_gives(struct memory_mount *m, enum open_mode asked,
	unsigned capable, const char *lacks, const char *line)
{
	struct fuse_conn_info conn = {.capable = capable};
	enum open_mode mode;

	begin(m, asked);
	kernel.lacks = lacks;
	opens_init(m->fs, &conn);
	mode = m->fs->open_mode;
	assert_true(mount_logged(m, line));
	assert_int_equal(kernel.wanted, mode == OPEN_PASSTHROUGH);
	mount_end(m);
	return mode;
}

/* What is asked for, where the kernel has it; else plain, with a reason. */
static void the_mode_is_chosen_when_the_kernel_is_known(void **state)
{
	const unsigned elides = FUSE_CAP_NO_OPEN_SUPPORT;
	struct memory_mount m;

	(void)state;
	assert_int_equal(init_gives(&m, OPEN_ELIDE, elides, "no", "open=elide: asked for"),
		OPEN_ELIDE);
	assert_int_equal(
		init_gives(&m, OPEN_ELIDE, 0, "no", "no open=elide here: "), OPEN_PLAIN);
	assert_int_equal(init_gives(&m, OPEN_PASSTHROUGH, elides, NULL,
				 "open=passthrough: asked for"),
		OPEN_PASSTHROUGH);
	assert_int_equal(init_gives(&m, OPEN_PASSTHROUGH, elides, "it is for root",
				 "no open=passthrough here: it is for root"),
		OPEN_PLAIN);
	assert_int_equal(
		init_gives(&m, OPEN_AUTO, elides, NULL, "open=elide: "), OPEN_ELIDE);
	assert_int_equal(init_gives(&m, OPEN_AUTO, 0, NULL, "open=plain: "), OPEN_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_opened_for_writing),
		cmocka_unit_test(plain_keeps_what_was_read),
		cmocka_unit_test(elided_opens_are_asked_for_once),
		cmocka_unit_test(all_opens_share_a_backing_file),
		cmocka_unit_test(without_one_all_opens_are_plain_until_the_last_release),
		cmocka_unit_test(an_open_that_is_not_heard_of_is_none),
		cmocka_unit_test(the_mode_is_chosen_when_the_kernel_is_known),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
