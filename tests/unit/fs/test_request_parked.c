/* SPDX-License-Identifier: MIT */
/*
 * What a parked request does (request_run.c) at each point where somebody else may come
 * between, one at a time. test_request_run.c has the same with all of them at once.
 */
#include "unit/await.h"
#include "unit/memory_mount.h"

static void plant(struct memory_mount *m)
{
	mount_init(m);
	for (char name[] = "a"; *name <= 'z'; ++*name)
		mount_add(m, "", name, (struct entry){.type = ENTRY_FILE, .mode = 0644});
	mount_begin(m, OPEN_PLAIN);
}

static void look_up(struct memory_mount *m, struct fuse_req *req, const char *name)
{
	char copy[8];

	req_init(req, m->fs);
	strcpy(copy, name);
	lookups_lookup(req, FUSE_ROOT_ID, copy);
	memset(copy, '#', sizeof copy); /* a parked request has its own */
}

static void assert_found(struct fuse_req *req)
{
	assert_reply(req, REPLY_ENTRY);
	assert_int_not_equal(req->reply.entry.ino, 0);
}

static void what_comes_at_once_is_not_missed(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	m.source.prompt = true;
	look_up(&m, &req, "q");
	assert_found(&req);
	assert_true(m.source.asked > 1);
	assert_int_equal(parked_list_count(&m.fs->parked), 0);
	req_release(&req);
	mount_end(&m);
}

/* Its deadline is one without progress: each blob that comes renews it. */
static void each_blob_renews_the_deadline(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	int64_t before, deadline;

	(void)state;
	plant(&m);
	before = clock_monotonic();
	look_up(&m, &req, "q");
	deadline = m.source.line[0].deadline;
	assert_in_range(
		deadline, before + MOUNT_DEADLINE, clock_monotonic() + MOUNT_DEADLINE);
	mount_bring_first(&m, true);
	assert_int_equal(m.source.waiting, 1);
	assert_true(m.source.line[0].deadline > deadline);
	mount_bring(&m, true);
	assert_found(&req);
	req_release(&req);
	mount_end(&m);
}

/* Somebody else's deadline ended what both waited for: it waits again for the same. */
static void the_deadline_of_another_is_not_its_own(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	look_up(&m, &req, "q");
	mount_fail_first(&m, ERR_TIMEOUT, "too late");
	assert_int_equal(req_replies(&req), 0);
	assert_waits_for(&m, &m.manifest.root);
	mount_bring(&m, true);
	assert_found(&req);
	req_release(&req);
	mount_end(&m);
}

static void its_own_deadline_ends_it(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	m.fs->deadline_ns = 1;
	look_up(&m, &req, "q");
	if (m.source.waiting) /* it was asked for in the same nanosecond */
		mount_fail_first(&m, ERR_TIMEOUT, "too late");
	assert_errno(&req, ETIMEDOUT);
	req_release(&req);
	mount_end(&m);
}

static void a_source_that_takes_nobody_is_an_error(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	m.source.refusal = ERR_NO_MEMORY;
	look_up(&m, &req, "q");
	assert_errno(&req, ENOMEM);
	assert_int_equal(parked_list_count(&m.fs->parked), 0);
	m.source.refusal = 0;
	req_release(&req);
	/* likewise the second time it asks */
	look_up(&m, &req, "q");
	m.source.refusal = ERR_NO_MEMORY;
	mount_bring_first(&m, true);
	assert_errno(&req, ENOMEM);
	req_release(&req);
	mount_end(&m);
}

/* The source need not bring it any more. */
static void an_interrupted_request_waits_for_nothing(void **state)
{
	struct fuse_req first, second;
	struct memory_mount m;

	(void)state;
	plant(&m);
	look_up(&m, &first, "q");
	look_up(&m, &second, "r");
	req_interrupt(&first);
	assert_errno(&first, EINTR);
	assert_int_equal(m.source.forgotten, 1);
	assert_int_equal(parked_list_count(&m.fs->parked), 1);
	/* which is nothing to be logged, and no matter of the other one's */
	assert_false(mount_logged(&m, "lookup"));
	assert_int_equal(req_replies(&second), 0);
	mount_bring(&m, true);
	assert_found(&second);
	assert_int_equal(req_replies(&first), 1);
	req_release(&first);
	req_release(&second);
	mount_end(&m);
}

/* libfuse then calls the handler from within fuse_req_interrupt_func. */
static void an_interrupt_before_parking_asks_for_nothing(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	req.interrupted = true;
	lookups_lookup(&req, FUSE_ROOT_ID, "q");
	assert_errno(&req, EINTR);
	assert_int_equal(m.source.asked, 0);
	req_release(&req);
	mount_end(&m);
}

/* An answered one has no handler left that could touch it. */
static void no_handler_outlives_the_answer(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	look_up(&m, &req, "q");
	assert_true(req.func != NULL);
	mount_bring(&m, true);
	assert_found(&req);
	assert_true(req.func == NULL);
	req_interrupt(&req);
	assert_int_equal(req_replies(&req), 1);
	req_release(&req);
	mount_end(&m);
}

struct looks {
	struct memory_mount *m;
	unsigned count;
	char paths[4][8];
};

static int note_look(void *ctx, const struct parked_look *look)
{
	struct looks *l = ctx;

	assert_int_equal(look->thread, 10 + l->count);
	assert_int_equal(look->uid, 1000);
	assert_string_equal(look->operation, "lookup");
	assert_false(look->is_read);
	assert_in_range(look->since, 1, clock_monotonic());
	assert_in_range(look->deadline, look->since, look->since + 2 * MOUNT_DEADLINE);
	assert_int_equal(look->blob_count, 1);
	assert_true(digest_equal(&look->blobs[0].digest, &l->m->manifest.root));
	memcpy(l->paths[l->count], look->path.data, look->path.size + 1);
	return ++l->count == 3 ? ERR_LIMIT : 0;
}

/* Who asks, for what, since when, and what that waits for: the oldest first. */
static void who_waits_is_told(void **state)
{
	struct fuse_req req[4];
	struct memory_mount m;
	struct looks l = {.m = &m};
	unsigned count = 7;

	(void)state;
	plant(&m);
	assert_int_equal(request_run_look(m.fs, &count, note_look, &l), 0);
	assert_int_equal(count, 0);
	for (unsigned i = 0; i < 4; i++) {
		char name[] = {(char)('a' + i), '\0'};

		req_init(&req[i], m.fs);
		req[i].ctx = (struct fuse_ctx){.pid = 10 + (pid_t)i, .uid = 1000};
		lookups_lookup(&req[i], FUSE_ROOT_ID, name);
	}
	/* whatever is told of, nobody has been held up */
	assert_int_equal(request_run_look(m.fs, &count, note_look, &l), ERR_LIMIT);
	assert_int_equal(count, 4);
	assert_string_equal(l.paths[0], "a");
	assert_string_equal(l.paths[2], "c");
	mount_bring(&m, true);
	for (unsigned i = 0; i < 4; i++) {
		assert_found(&req[i]);
		req_release(&req[i]);
	}
	assert_int_equal(parked_list_count(&m.fs->parked), 0);
	mount_end(&m);
}

static void the_end_answers_who_waits(void **state)
{
	struct fuse_req req[5];
	struct memory_mount m;

	(void)state;
	plant(&m);
	for (unsigned i = 0; i < 5; i++)
		look_up(&m, &req[i], "q");
	assert_int_equal(parked_list_count(&m.fs->parked), 5);
	request_run_end(m.fs);
	assert_int_equal(parked_list_count(&m.fs->parked), 0);
	assert_int_equal(m.source.waiting, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_errno(&req[i], EINTR);
		req_release(&req[i]);
	}
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_at_once_is_not_missed),
		cmocka_unit_test(each_blob_renews_the_deadline),
		cmocka_unit_test(the_deadline_of_another_is_not_its_own),
		cmocka_unit_test(its_own_deadline_ends_it),
		cmocka_unit_test(a_source_that_takes_nobody_is_an_error),
		cmocka_unit_test(an_interrupted_request_waits_for_nothing),
		cmocka_unit_test(an_interrupt_before_parking_asks_for_nothing),
		cmocka_unit_test(no_handler_outlives_the_answer),
		cmocka_unit_test(who_waits_is_told),
		cmocka_unit_test(the_end_answers_who_waits),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
