/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/request_try.h"

/* A small tree, all of it in the cache. */
static void plant(struct memory_mount *m)
{
	char name[32];

	mount_init(m);
	mount_add(
		m, "", "directory", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0700});
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "file-%03u", i);
		mount_add(m, "directory", name,
			(struct entry){.type = ENTRY_FILE, .mode = 0640, .size = i});
	}
	mount_begin(m, OPEN_PLAIN);
}

/* What a step of the tests is told, and what it tells. */
struct told {
	int rc;
	unsigned steps; /* so often has it run */
	unsigned holds; /* lookups of as many leaves */
	const struct digest *hint, *want;
	bool here; /* what the hint gave */
};

static struct told told;

static int step(struct request *r, struct request_try *t)
{
	struct fuse_entry_param entry;
	struct page page;
	int rc;

	told.steps++;
	if (told.hint)
		told.here = t->pages.hint(t->pages.ctx, told.hint);
	if (told.want && (rc = t->pages.page(t->pages.ctx, told.want, &page)))
		return rc;
	for (unsigned i = 0; i < told.holds; i++) {
		struct digest leaf = digest_of(&i, sizeof i);

		rc = request_try_hold(r, t, &leaf, i, &entry);
		if (rc)
			return rc;
	}
	answer_errno(&t->answer, ENODATA);
	return told.rc;
}

static const struct request_kind kind = {.name = "test", .step = step};
static const struct request_kind child_kind = {
	.name = "test", .step = step, .of_child = true};
static const struct request_kind read_kind = {
	.name = "read", .step = step, .asked_twice = true};

static struct request ask(struct memory_mount *m, struct fuse_req *req,
	const struct request_kind *k, size_t size)
{
	told = (struct told){0};
	req_init(req, m->fs);
	return (struct request){.fs = m->fs,
		.fuse = req,
		.kind = k,
		.node = {.id = FUSE_ROOT_ID, .is_root = true},
		.size = size};
}

static void a_step_answers(void **state)
{
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	r = ask(&m, &req, &kind, 0);
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), 0);
	assert_int_equal(told.steps, 1);
	assert_int_equal(req_replies(&req), 0);
	request_try_answer(&r, &t, 0, NULL);
	assert_errno(&req, ENODATA);
	/* which is no failure */
	assert_false(mount_logged(&m, "test of"));
	req_release(&req);
	mount_end(&m);
}

/* Small ones need no heap, large ones come back to the pool. */
static void there_is_a_buffer_for_the_answer(void **state)
{
	static const size_t sizes[] = {0, 1, SMALL_REPLY, SMALL_REPLY + 1, BUFFER_SIZE};
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	request_try_init(&t);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		r = ask(&m, &req, &kind, sizes[i]);
		assert_int_equal(request_try_run(&r, &t, NULL), 0);
		memset(t.buffer, 'x', sizes[i]);
		assert_int_equal(t.buffer == t.small, sizes[i] <= SMALL_REPLY);
		request_try_release(&t, m.fs);
		assert_null(t.buffer);
		req_release(&req);
	}
	assert_int_equal(m.fs->buffers.count, 1);
	r = ask(&m, &req, &kind, BUFFER_SIZE + 1);
	assert_int_equal(request_try_run(&r, &t, NULL), ERR_LIMIT);
	assert_int_equal(told.steps, 0);
	req_release(&req);
	mount_end(&m);
}

/* What is only hinted is nothing that the request waits for. */
static void hints_are_kept_apart_from_wants(void **state)
{
	struct digest a, b;
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	a = mount_place(&m, "directory", "file-010").leaf;
	b = mount_place(&m, "directory", "file-200").leaf;
	r = ask(&m, &req, &kind, 0);
	told.hint = &a;
	told.want = &b;
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), ERR_PENDING);
	assert_false(told.here);
	assert_int_equal(t.hints.count, 1);
	assert_true(digest_equal(&t.hints.wants[0].digest, &a));
	assert_int_equal(t.attempt.want_count, 1);
	assert_true(digest_equal(&t.attempt.wants[0].digest, &b));
	/* the wants become hints where the step can do without */
	request_try_hint_wants(&t);
	assert_int_equal(t.attempt.want_count, 0);
	assert_int_equal(t.hints.count, 2);
	assert_true(digest_equal(&t.hints.wants[1].digest, &b));
	/* a new try begins anew, and what is here is no hint */
	mount_keep_page(&m, &a);
	mount_keep_page(&m, &b);
	assert_int_equal(request_try_run(&r, &t, NULL), 0);
	assert_true(told.here);
	assert_int_equal(t.hints.count, 0);
	req_release(&req);
	mount_end(&m);
}

/* What has come for the request counts as here, whatever the cache has. */
static void buffers_are_looked_into(void **state)
{
	struct blob_buffers buffers = {0};
	struct blob_buffer *buffer;
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct digest leaf;
	struct request r;
	struct span blob;

	(void)state;
	plant(&m);
	leaf = mount_place(&m, "directory", "file-010").leaf;
	blob = mount_blob(&m, &(struct want){.kind = BLOB_PAGE, .digest = leaf});
	buffer = blob_buffer_new(BLOB_PAGE, &leaf, blob.size);
	memcpy(blob_buffer_data(buffer), blob.data, blob.size);
	assert_int_equal(blob_buffers_add(&buffers, buffer), 0);
	r = ask(&m, &req, &kind, 0);
	told.want = &leaf;
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), ERR_PENDING);
	assert_int_equal(request_try_run(&r, &t, &buffers), 0);
	blob_buffers_release(&buffers);
	req_release(&req);
	mount_end(&m);
}

static void a_failed_try_holds_nothing(void **state)
{
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	r = ask(&m, &req, &kind, 0);
	told.holds = 5;
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), 0);
	assert_int_equal(node_table_count(m.fs->node_table), 5);
	request_try_answer(&r, &t, 0, NULL);
	assert_int_equal(node_table_count(m.fs->node_table), 5);
	req_release(&req);
	r = ask(&m, &req, &kind, 0);
	told.holds = 9;
	told.rc = ERR_CORRUPT;
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), ERR_CORRUPT);
	assert_int_equal(node_table_count(m.fs->node_table), 5);
	req_release(&req);
	mount_end(&m);
}

static void a_lost_answer_holds_nothing(void **state)
{
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	r = ask(&m, &req, &kind, 0);
	req.sending_fails = true;
	told.holds = HELD_MAX;
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), 0);
	assert_int_equal(node_table_count(m.fs->node_table), HELD_MAX);
	request_try_answer(&r, &t, 0, NULL);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_release(&req);
	r = ask(&m, &req, &kind, 0);
	told.holds = HELD_MAX + 1;
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), ERR_LIMIT);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_release(&req);
	mount_end(&m);
}

/* Lookups of one leaf take one place, and are counted one by one. */
static void lookups_of_a_leaf_share_a_place(void **state)
{
	struct fuse_entry_param first, second;
	struct digest leaf = digest_of("leaf", 4);
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	r = ask(&m, &req, &kind, 0);
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), 0);
	assert_int_equal(request_try_hold(&r, &t, &leaf, 0, &first), 0);
	for (unsigned row = 1; row < 100; row++)
		assert_int_equal(request_try_hold(&r, &t, &leaf, row, &second), 0);
	assert_int_equal(t.held_count, 1);
	assert_int_equal(second.ino, first.ino + 99);
	assert_int_equal(second.generation, first.generation);
	node_table_forget(m.fs->node_table, first.ino, 99);
	assert_int_equal(node_table_count(m.fs->node_table), 1);
	node_table_forget(m.fs->node_table, first.ino, 1);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	request_try_answer(&r, &t, 0, NULL);
	req_release(&req);
	mount_end(&m);
}

/* Another view has its turn while a try is under way: it begins anew, within that. */
static struct memory_mount *overtaker;
static const struct view *overtaken_view;

static int overtaken_step(struct request *r, struct request_try *t)
{
	struct digest leaf = digest_of("leaf", 4);
	struct fuse_entry_param entry;

	if (told.steps++ == 0) {
		node_table_watch(overtaker->fs->node_table);
		assert_true(node_table_turn(overtaker->fs->node_table));
		views_change(&overtaker->fs->views,
			views_next(&overtaker->fs->views, &overtaker->manifest),
			&overtaken_view);
	}
	answer_errno(&t->answer, ENODATA);
	return request_try_hold(r, t, &leaf, 7, &entry);
}

static void who_is_overtaken_begins_anew(void **state)
{
	static const struct request_kind overtaken_kind = {
		.name = "test", .step = overtaken_step};
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	overtaker = &m;
	r = ask(&m, &req, &overtaken_kind, 0);
	request_try_init(&t);
	assert_int_equal(request_try_run(&r, &t, NULL), 0);
	assert_int_equal(told.steps, 2);
	assert_int_equal(t.view->turn, 1);
	assert_int_equal(t.held_count, 1);
	request_try_answer(&r, &t, 0, NULL);
	assert_errno(&req, ENODATA);
	assert_null(t.view);
	views_wait(&m.fs->views, overtaken_view);
	req_release(&req);
	mount_end(&m);
}

static void assert_told(
	struct memory_mount *m, const char *name, int error, int errnum, const char *line)
{
	struct trouble trouble = {0};
	struct request_try t;
	struct fuse_req req;
	struct request r = ask(m, &req, name ? &child_kind : &kind, 0);

	r.name = name;
	assert_int_equal(node_locate(m->fs->node_table,
				 mount_lookup(m, FUSE_ROOT_ID, "directory"), &r.node),
		0);
	trouble_set(&trouble, error, "some words");
	request_try_init(&t);
	request_try_answer(&r, &t, error, &trouble);
	assert_errno(&req, errnum);
	assert_int_equal(mount_logged(m, line), errnum != EINTR);
	req_release(&req);
}

/* Once, with the path as far as it is known here. */
static void a_failure_is_told_with_its_path(void **state)
{
	struct memory_mount m;
	struct request_try t;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	r = ask(&m, &req, &child_kind, 0);
	r.node.is_root = false; /* a leaf that nobody has */
	r.name = "child";
	request_try_init(&t);
	request_try_answer(&r, &t, ERR_TIMEOUT, NULL);
	assert_errno(&req, ETIMEDOUT);
	assert_true(mount_logged(&m, "test of /child: "));
	req_release(&req);
	mount_keep_pages(&m);
	assert_told(&m, NULL, ERR_DENIED, EACCES, "test of /directory: some words");
	assert_told(&m, "a", ERR_CORRUPT, EIO, "test of /directory/a: some words");
	assert_told(&m, "b", ERR_INTERRUPTED, EINTR, "test of /directory/b: ");
	mount_end(&m);
}

/* Only where the kernel asks twice. */
static void a_failed_read_is_remembered(void **state)
{
	struct request_try t;
	struct memory_mount m;
	struct fuse_req req;
	struct request r;

	(void)state;
	plant(&m);
	for (unsigned twice = 0; twice < 2; twice++) {
		r = ask(&m, &req, twice ? &read_kind : &kind, 100);
		r.offset = 4096;
		request_try_init(&t);
		request_try_answer(&r, &t, ERR_UNREACHABLE, NULL);
		assert_int_equal(
			recent_failures_find(&m.fs->recent_failures, &r.node.leaf,
				r.node.row, (struct run){4195, 1}, clock_monotonic()),
			twice ? ERR_UNREACHABLE : 0);
		req_release(&req);
	}
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_answers),
		cmocka_unit_test(there_is_a_buffer_for_the_answer),
		cmocka_unit_test(hints_are_kept_apart_from_wants),
		cmocka_unit_test(buffers_are_looked_into),
		cmocka_unit_test(a_failed_try_holds_nothing),
		cmocka_unit_test(a_lost_answer_holds_nothing),
		cmocka_unit_test(lookups_of_a_leaf_share_a_place),
		cmocka_unit_test(who_is_overtaken_begins_anew),
		cmocka_unit_test(a_failure_is_told_with_its_path),
		cmocka_unit_test(a_failed_read_is_remembered),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
