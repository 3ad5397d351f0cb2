/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/mount_profile.h"
#include "cache/inspect.h"
#include "unit/await.h"
#include "unit/cli_dataset.h"
#include "unit/gate_server.h"

#define FILES 12
#define SIZE 200000 /* an object of its own */

static struct cli_dataset d;
static struct gate_server *server;
static struct mount_request request;
static char trace[512];

static int publish_all(void **state)
{
	char name[32];

	(void)state;
	cli_dataset_init(&d);
	trees_directory(d.directory, "source/d");
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "source/d/%02u", i);
		trees_fill(d.directory, name, i, SIZE);
	}
	cli_dataset_publish(&d);
	/* A start that reads them one after another, and one that is no more. */
	snprintf(trace, sizeof trace, "%s", trees_path(d.directory, "trace"));
	trees_text(d.directory, "trace", "{\"path\":\"gone\",\"size\":1}\n");
	for (unsigned i = 0; i < FILES; i++) {
		char line[64];
		int fd = open(trace, O_WRONLY | O_APPEND);
		int n = snprintf(
			line, sizeof line, "{\"path\":\"d/%02u\",\"size\":4096}\n", i);

		assert_int_equal(write(fd, line, (size_t)n), n);
		close(fd);
	}
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	cli_dataset_release(&d);
	return 0;
}

static int set_up(void **state)
{
	static char store[sizeof d.store];

	(void)state;
	memcpy(store, d.store, sizeof store);
	server = gate_new(store);
	snprintf(d.store, sizeof d.store, "%s", server->url);
	cli_dataset_open(&d);
	memcpy(d.store, store, sizeof store);
	request = (struct mount_request){.profile = true, .profile_file = trace};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_dataset_close(&d);
	gate_free(server);
	return 0;
}

static int read_one(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	static uint8_t buffer[SIZE];
	size_t done;

	(void)ctx;
	(void)rank;
	return e->type == ENTRY_FILE
		       ? reader_read(&d.reader, e, 0, buffer, sizeof buffer, &done, t)
		       : 0;
}

/* How often somebody who reads all files has to wait. */
static uint64_t waits(void)
{
	uint64_t before = d.reader.misses;

	assert_int_equal(
		reader_walk(&d.reader, 0, UINT64_MAX, read_one, NULL, &d.trouble), 0);
	return d.reader.misses - before;
}

/* Delivered, and kept, which comes later. */
static bool all_is_here(void)
{
	struct cache_info info;

	return engine_delivered(d.reader.engine) >= (uint64_t)FILES * SIZE &&
	       cache_flush(d.reader.cache) == 0 && cache_info(d.reader.cache, &info) == 0 &&
	       info.resident >= (uint64_t)FILES * SIZE;
}

static void test_who_reads_need_not_wait(void **state)
{
	struct mount_profile *p;

	(void)state;
	assert_int_equal(mount_profile_start(&request, &d.reader, &p), 0);
	assert_non_null(p);
	AWAIT(all_is_here());
	assert_int_equal(waits(), 0);
	mount_profile_stop(p);
}

static void test_without_one_waits_for_each(void **state)
{
	struct mount_profile *p;

	(void)state;
	request.profile = false;
	assert_int_equal(mount_profile_start(&request, &d.reader, &p), 0);
	assert_null(p);
	request = (struct mount_request){.profile = true}; /* the dataset has none */
	assert_int_equal(mount_profile_start(&request, &d.reader, &p), 0);
	assert_null(p);
	assert_true(waits() >= FILES);
}

/* A server that answers nothing is asked for many at once, and holds nobody up. */
static void test_all_are_asked_for_together(void **state)
{
	struct mount_profile *p;
	unsigned before;

	(void)state;
	assert_int_equal(reader_walk(&d.reader, 0, 1, read_one, NULL, &d.trouble), 0);
	before = gate_requests(server);
	gate_set(server, true);
	assert_int_equal(mount_profile_start(&request, &d.reader, &p), 0);
	gate_await(server, before + 4);
	mount_profile_stop(p);
	gate_set(server, false);
}

static void test_a_bad_file_is_no_trouble(void **state)
{
	struct mount_profile *p;

	(void)state;
	request.profile_file = "/nonexistent/trace";
	assert_int_equal(mount_profile_start(&request, &d.reader, &p), 0);
	assert_true(waits() >= FILES);
	mount_profile_stop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_who_reads_need_not_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_without_one_waits_for_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_all_are_asked_for_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_bad_file_is_no_trouble, set_up, tear_down),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, publish_all, remove_all);
}
