/* SPDX-License-Identifier: MIT */
/*
 * The way of a request over a real engine and cache and a server with a gate.
 */
#include "unit/await.h"
#include "unit/gate_server.h"

#include "unit/fuse_replies.h"

#include "cache/attempt_pages.h"
#include "fs/filesystem.h"
#include "fs/listing.h"
#include "fs/lookups.h"
#include "fs/request_run.h"

#define FILES 2000
#define STRESS 300

struct fixture {
	struct small_store store;
	struct gate_server *gate;
	struct small_reader reader;
	struct manifest manifest;
	struct dataset dataset;
	struct filesystem *fs;
};

static void setup(struct fixture *f, bool closed, int64_t deadline_ns)
{
	struct filesystem_options o = {.deadline_ns = deadline_ns};

	memset(f, 0, sizeof *f);
	store_init(&f->store);
	f->manifest.root = store_tree(&f->store, FILES);
	f->gate = gate_new(f->store.directory);
	gate_set(f->gate, closed);
	reader_init(&f->reader, false);
	o.log = f->reader.log;
	assert_int_equal(
		source_new(f->reader.engine, f->gate->url, &f->dataset.source, NULL), 0);
	f->dataset.manifest = &f->manifest;
	assert_int_equal(filesystem_new(&f->dataset, &o, &f->fs), 0);
}

static void teardown(struct fixture *f)
{
	request_run_end(f->fs);
	filesystem_free(f->fs);
	source_free(f->dataset.source);
	reader_release(&f->reader);
	gate_free(f->gate);
	store_release(&f->store);
}

static void lookup(struct fixture *f, struct fuse_req *req, unsigned number)
{
	char name[32];

	snprintf(name, sizeof name, "file-%06u", number);
	req_init(req, f->fs);
	lookups_lookup(req, FUSE_ROOT_ID, name);
	memset(name, 'x', sizeof name); /* a parked request has its own copy */
}

/* Answered, and nobody looks at it any more: it can be used again. */
static int await_end(struct fixture *f, struct fuse_req *req)
{
	int errnum = req_await(req);

	while (parked_list_count(&f->fs->parked))
		usleep(1000);
	return errnum;
}

/* Who misses is answered before the pages are kept: waits until the cache has them. */
static void await_kept(struct fixture *f, const char *path)
{
	struct page_source pages;
	struct attempt a;
	struct place place;
	struct entry entry;
	int rc = ERR_PENDING;

	while (rc == ERR_PENDING) {
		usleep(1000);
		assert_int_equal(attempt_begin(&a, f->reader.cache, NULL), 0);
		pages = attempt_pages(&a);
		rc = tree_find_path(
			&pages, &f->manifest.root, span_of_string(path), &place, &entry);
		attempt_end(&a);
	}
	assert_int_equal(rc, 0);
}

static void a_miss_is_answered_later_and_a_hit_at_once(void **state)
{
	struct fixture f;
	struct fuse_req miss, hit;

	(void)state;
	setup(&f, true, TESTED_DEADLINE);
	lookup(&f, &miss, 7);
	assert_int_equal(req_replies(&miss), 0);
	assert_int_equal(parked_list_count(&f.fs->parked), 1);
	gate_set(f.gate, false);
	assert_int_equal(req_await(&miss), 0);
	assert_true(miss.reply.entry.ino > FUSE_ROOT_ID);
	assert_int_equal(miss.reply.entry.attr.st_mode, S_IFREG | 0644);

	await_kept(&f, "file-000007");
	gate_set(f.gate, true);
	lookup(&f, &hit, 7);
	assert_int_equal(req_replies(&hit), 1);
	assert_int_equal(hit.reply.errnum, 0);
	assert_int_equal(hit.reply.entry.ino, miss.reply.entry.ino);
	req_release(&hit);
	req_init(&hit, f.fs);
	lookups_getattr(&hit, miss.reply.entry.ino, NULL);
	assert_int_equal(req_replies(&hit), 1);
	assert_int_equal(hit.reply.entry.attr.st_ino, miss.reply.entry.attr.st_ino);
	teardown(&f);
	assert_int_equal(req_replies(&miss), 1);
	req_release(&miss);
	req_release(&hit);
}

static struct meter_copy metered(const struct fixture *f, enum meter meter)
{
	struct meter_copy c;

	meters_look(&f->fs->meters, meter, &c);
	return c;
}

/* Each once, when it is answered, and who waited as such. */
static void each_is_counted(void **state)
{
	struct fixture f;
	struct fuse_req miss, hit, lost;
	struct meter_copy sum;

	(void)state;
	setup(&f, true, TESTED_DEADLINE);
	lookup(&f, &miss, 7);
	assert_int_equal(metered(&f, METER_LOOKUP).time.count, 0);
	gate_set(f.gate, false);
	assert_int_equal(req_await(&miss), 0);
	assert_int_equal(metered(&f, METER_LOOKUP).time.count, 1);
	assert_int_equal(metered(&f, METER_LOOKUP).waited, 1);
	await_kept(&f, "file-000007");
	lookup(&f, &hit, 7);
	assert_int_equal(req_await(&hit), 0);
	assert_int_equal(metered(&f, METER_LOOKUP).time.count, 2);
	assert_int_equal(metered(&f, METER_LOOKUP).waited, 1);
	req_init(&lost, f.fs);
	lookups_getattr(&lost, miss.reply.entry.ino + 99 * NODE_ROWS, NULL);
	assert_int_equal(req_await(&lost), ESTALE);
	assert_int_equal(metered(&f, METER_GETATTR).failed, 1);
	meters_sum(&f.fs->meters, &sum);
	assert_int_equal(sum.time.count, 3);
	assert_int_equal(sum.waited, 1);
	assert_int_equal(sum.failed, 1);
	teardown(&f);
	req_release(&miss);
	req_release(&hit);
	req_release(&lost);
}

static void an_absent_name_is_a_negative_entry(void **state)
{
	struct fixture f;
	struct fuse_req req;

	(void)state;
	setup(&f, false, TESTED_DEADLINE);
	lookup(&f, &req, FILES);
	assert_int_equal(req_await(&req), 0);
	assert_int_equal(req.reply.entry.ino, 0);
	assert_true(req.reply.entry.entry_timeout > 1e6);
	teardown(&f);
	req_release(&req);
}

static void an_interrupt_answers_at_once(void **state)
{
	struct fixture f;
	struct fuse_req req;

	(void)state;
	setup(&f, true, TESTED_DEADLINE);
	lookup(&f, &req, 1);
	gate_await(f.gate, 1);
	req_interrupt(&req);
	assert_int_equal(req_replies(&req), 1);
	assert_int_equal(req.reply.errnum, EINTR);
	assert_int_equal(parked_list_count(&f.fs->parked), 0);
	gate_set(f.gate, false);
	teardown(&f);
	assert_int_equal(req_replies(&req), 1);
	req_release(&req);
}

/* libfuse then calls the handler from within fuse_req_interrupt_func. */
static void an_interrupt_before_parking_answers(void **state)
{
	struct fixture f;
	struct fuse_req req;

	(void)state;
	setup(&f, true, TESTED_DEADLINE);
	req_init(&req, f.fs);
	req.interrupted = true;
	lookups_lookup(&req, FUSE_ROOT_ID, "file-000001");
	assert_int_equal(req_replies(&req), 1);
	assert_int_equal(req.reply.errnum, EINTR);
	teardown(&f);
	req_release(&req);
}

static void a_dead_server_ends_at_the_deadline(void **state)
{
	struct fixture f;
	struct fuse_req req, other;

	(void)state;
	setup(&f, true, 200 * NS_PER_MS);
	lookup(&f, &req, 1);
	assert_int_equal(await_end(&f, &req), ETIMEDOUT);
	/* The next one has its own time, although the download is shared. */
	lookup(&f, &req, 1);
	f.fs->deadline_ns = TESTED_DEADLINE;
	lookup(&f, &other, 1);
	gate_set(f.gate, false);
	req_await(&req);
	assert_int_equal(req_await(&other), 0);
	teardown(&f);
	req_release(&req);
	req_release(&other);
}

static void a_missing_blob_is_eio_and_logged(void **state)
{
	struct fixture f;
	struct fuse_req req;
	struct trouble t;

	(void)state;
	/* What a signed page speaks of is asked for again until then. */
	setup(&f, false, 3 * NS_PER_SECOND);
	gate_set_status(f.gate, 404);
	lookup(&f, &req, 1);
	assert_int_equal(req_await(&req), EIO);
	assert_true(reader_logged(&f.reader, "lookup of /file-000001: "));
	failures_last(&f.fs->failures, &t);
	assert_int_equal(t.code, ERR_ABSENT);
	teardown(&f);
	req_release(&req);
}

static void the_end_answers_all_that_is_parked(void **state)
{
	struct fuse_req req[8];
	struct fixture f;

	(void)state;
	setup(&f, true, TESTED_DEADLINE);
	for (unsigned i = 0; i < 8; i++)
		lookup(&f, &req[i], i * 100);
	teardown(&f);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(req_replies(&req[i]), 1);
		assert_int_equal(req[i].reply.errnum, EINTR);
		req_release(&req[i]);
	}
}

/* A lookup that the kernel never heard of is not counted. */
static void a_lost_answer_holds_nothing(void **state)
{
	struct fixture f;
	struct fuse_req req;

	(void)state;
	setup(&f, false, TESTED_DEADLINE);
	lookup(&f, &req, 1);
	await_end(&f, &req);
	node_table_forget(f.fs->node_table, req.reply.entry.ino, 1);
	req_release(&req);
	req_init(&req, f.fs);
	req.sending_fails = true;
	lookups_lookup(&req, FUSE_ROOT_ID, "file-000001");
	assert_int_equal(req_await(&req), 0);
	/* Who answered takes it back then, which may be another thread. */
	AWAIT(node_table_count(f.fs->node_table) == 0);
	teardown(&f);
	req_release(&req);
}

/* Reads the whole root directory; the number of entries, "." and ".." included. */
static unsigned list(struct fixture *f, bool plus)
{
	unsigned count = 0;
	off_t offset = 0;

	for (;;) {
		struct listed entry;
		struct fuse_req req;
		size_t at = 0;

		req_init(&req, f->fs);
		if (plus)
			listing_read_plus(&req, FUSE_ROOT_ID, 4096, offset, NULL);
		else
			listing_read(&req, FUSE_ROOT_ID, 4096, offset, NULL);
		assert_int_equal(await_end(f, &req), 0);
		assert_in_range(req.reply.size, 0, 4096);
		while (listed_next(&req, plus, &at, &entry)) {
			assert_int_equal(entry.next, offset + 1);
			if (count >= 2) {
				char name[32];

				snprintf(name, sizeof name, "file-%06u", count - 2);
				assert_string_equal(entry.name, name);
			}
			offset = (off_t)entry.next;
			count++;
		}
		req_release(&req);
		if (at == 0)
			return count;
	}
}

static int open_directory(struct fixture *f)
{
	struct fuse_file_info fi = {0};
	struct fuse_req req;
	int errnum;

	req_init(&req, f->fs);
	listing_open(&req, FUSE_ROOT_ID, &fi);
	errnum = req.reply.errnum;
	req_release(&req);
	return errnum;
}

static void a_listing_has_every_name_once(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, TESTED_DEADLINE);
	assert_int_equal(open_directory(&f), 0);
	assert_int_equal(list(&f, true), FILES + 2);
	assert_true(node_table_count(f.fs->node_table) > 1);
	assert_int_equal(list(&f, false), FILES + 2);
	f.fs->elides_opendir = true;
	assert_int_equal(open_directory(&f), ENOSYS);
	teardown(&f);
}

/* Completions, interrupts and the end, all at once: each request is answered exactly once.
 */
static void *interrupt_some(void *arg)
{
	struct fuse_req *req = arg;

	for (unsigned i = 0; i < STRESS; i += 2)
		req_interrupt(&req[i]);
	return NULL;
}

static void races_answer_once(void **state)
{
	struct fuse_req *req = calloc(STRESS, sizeof *req);
	pthread_t thread;
	struct fixture f;

	(void)state;
	assert_non_null(req);
	setup(&f, true, TESTED_DEADLINE);
	for (unsigned i = 0; i < STRESS; i++)
		lookup(&f, &req[i], i * (FILES / STRESS));
	assert_int_equal(pthread_create(&thread, NULL, interrupt_some, req), 0);
	gate_set(f.gate, false);
	pthread_join(thread, NULL);
	for (unsigned i = 1; i < STRESS; i += 2)
		assert_int_equal(req_await(&req[i]), 0);
	teardown(&f);
	for (unsigned i = 0; i < STRESS; i++) {
		assert_int_equal(req_replies(&req[i]), 1);
		assert_true(req[i].reply.errnum == 0 ||
			    (i % 2 == 0 && req[i].reply.errnum == EINTR));
		req_release(&req[i]);
	}
	free(req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_miss_is_answered_later_and_a_hit_at_once),
		cmocka_unit_test(each_is_counted),
		cmocka_unit_test(an_absent_name_is_a_negative_entry),
		cmocka_unit_test(an_interrupt_answers_at_once),
		cmocka_unit_test(an_interrupt_before_parking_answers),
		cmocka_unit_test(a_dead_server_ends_at_the_deadline),
		cmocka_unit_test(a_missing_blob_is_eio_and_logged),
		cmocka_unit_test(the_end_answers_all_that_is_parked),
		cmocka_unit_test(a_lost_answer_holds_nothing),
		cmocka_unit_test(a_listing_has_every_name_once),
		cmocka_unit_test(races_answer_once),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
