/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include <poll.h>

#include "fs/reads.h"

static void plant(struct memory_mount *m)
{
	mount_init(m);
	mount_add(m, "", "file", mount_file(mount_object(m, 1), 777, 5000));
	mount_begin(m, OPEN_PLAIN);
	mount_keep_pages(m);
}

static void read_it(struct memory_mount *m, uint64_t node, off_t offset)
{
	struct fuse_req req;

	req_init(&req, m->fs);
	reads_read(&req, node, 4096, offset, NULL);
	mount_bring(m, true);
	assert_reply(&req, REPLY_BYTES);
	req_release(&req);
}

static bool is_readable(const struct trace_listener *l)
{
	struct pollfd p = {.fd = trace_fd(l), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void reads_are_told_in_order(void **state)
{
	struct trace_listener l = {0};
	struct trace_event *e, *next;
	struct memory_mount m;
	uint64_t node, lost;

	(void)state;
	plant(&m);
	node = mount_lookup(&m, FUSE_ROOT_ID, "file");
	read_it(&m, node, 0); /* nobody listens */
	assert_int_equal(trace_join(&m.fs->trace, &l), 0);
	assert_false(is_readable(&l));
	read_it(&m, node, 4096);
	read_it(&m, node, 0);
	assert_true(is_readable(&l));
	e = trace_take(&m.fs->trace, &l, &lost);
	assert_int_equal(lost, 0);
	assert_int_equal(e->offset, 4096);
	assert_int_equal(e->size, 5000 - 4096);
	assert_int_equal(e->path_size, 4);
	assert_memory_equal(e->path, "file", 4);
	next = e->next;
	free(e);
	assert_int_equal(next->offset, 0);
	assert_null(next->next);
	free(next);
	assert_false(is_readable(&l));
	assert_null(trace_take(&m.fs->trace, &l, &lost));
	trace_leave(&m.fs->trace, &l);
	assert_false(atomic_load(&m.fs->trace.heard));
	mount_end(&m);
}

/* Who takes nothing has a bounded amount kept for him, and hears how much he lost. */
static void who_takes_nothing_loses(void **state)
{
	struct trace_listener l = {0};
	struct trace_event *e, *next;
	struct memory_mount m;
	uint64_t node, lost, kept = 0;

	(void)state;
	plant(&m);
	node = mount_lookup(&m, FUSE_ROOT_ID, "file");
	assert_int_equal(trace_join(&m.fs->trace, &l), 0);
	for (unsigned i = 0; i < TRACE_EVENTS_MAX + 3; i++)
		read_it(&m, node, 0);
	for (e = trace_take(&m.fs->trace, &l, &lost); e; e = next, kept++) {
		next = e->next;
		free(e);
	}
	assert_int_equal(kept, TRACE_EVENTS_MAX);
	assert_int_equal(lost, 3);
	read_it(&m, node, 0); /* is let go of with the listener */
	trace_leave(&m.fs->trace, &l);
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_are_told_in_order),
		cmocka_unit_test(who_takes_nothing_loses),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
