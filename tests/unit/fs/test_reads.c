/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/reads.h"

#define CHUNKS 8
#define SMALL 5000 /* bytes of the small file, at SMALL_AT of its object */
#define SMALL_AT 777

struct planted {
	struct memory_mount m;
	const struct memory_object *large, *bundle;
	uint64_t large_node, small_node, sparse_node;
};

/* All pages are in the cache, no contents are. */
static void plant(struct planted *p)
{
	struct memory_mount *m = &p->m;
	struct entry sparse;
	uint8_t *extents;

	mount_init(m);
	p->large = mount_object(m, CHUNKS);
	p->bundle = mount_object(m, 1);
	mount_add(m, "", "large", mount_file(p->large, 0, p->large->ref.size));
	mount_add(m, "", "small", mount_file(p->bundle, SMALL_AT, SMALL));
	extents = sample_memory(m->samples, EXTENT_RECORD_SIZE);
	extent_put(extents, 0, &(struct extent){.offset = 8192, .size = 1000});
	sparse = mount_file(p->bundle, 0, 1000);
	sparse.extents = extents;
	sparse.extent_count = 1;
	sparse.size = 20000;
	mount_add(m, "", "sparse", sparse);
	mount_begin(m, OPEN_PLAIN);
	mount_keep_pages(m);
	p->large_node = mount_lookup(m, FUSE_ROOT_ID, "large");
	p->small_node = mount_lookup(m, FUSE_ROOT_ID, "small");
	p->sparse_node = mount_lookup(m, FUSE_ROOT_ID, "sparse");
}

static void assert_reads(struct planted *p, uint64_t node, off_t offset, size_t size,
	const uint8_t *content, size_t expected)
{
	struct fuse_req req;

	req_init(&req, p->m.fs);
	reads_read(&req, node, size, offset, NULL);
	mount_bring(&p->m, true);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, expected);
	if (expected)
		assert_memory_equal(req.reply.bytes, content, expected);
	req_release(&req);
}

static void a_read_gives_the_bytes_of_the_file(void **state)
{
	const off_t chunk = MOUNT_CHUNK;
	struct planted p;
	size_t size;

	(void)state;
	plant(&p);
	size = p.large->ref.size;
	assert_reads(&p, p.large_node, 0, 100, p.large->content, 100);
	assert_reads(&p, p.large_node, chunk - 50, 100, p.large->content + chunk - 50, 100);
	assert_reads(&p, p.large_node, 0, BUFFER_SIZE, p.large->content, size);
	assert_reads(
		&p, p.large_node, (off_t)size - 10, 4096, p.large->content + size - 10, 10);
	assert_reads(&p, p.large_node, (off_t)size, 4096, NULL, 0);
	assert_reads(&p, p.large_node, INT64_MAX - 4096, 4096, NULL, 0);
	/* a slice of a bundle ends where the file does, not where its object does */
	assert_reads(&p, p.small_node, 0, 8192, p.bundle->content + SMALL_AT, SMALL);
	assert_reads(&p, p.small_node, 4990, 8192, p.bundle->content + SMALL_AT + 4990, 10);
	mount_end(&p.m);
}

static void holes_are_zeros(void **state)
{
	static const uint8_t zeros[11000];
	uint8_t whole[20000] = {0};
	struct planted p;

	(void)state;
	plant(&p);
	memcpy(whole + 8192, p.bundle->content, 1000);
	assert_reads(&p, p.sparse_node, 0, 8192, zeros, 8192);
	/* for which no chunk was needed */
	assert_int_equal(p.m.source.asked, 0);
	assert_reads(&p, p.sparse_node, 0, 65536, whole, 20000);
	assert_reads(&p, p.sparse_node, 9192, 65536, zeros, 20000 - 9192);
	mount_end(&p.m);
}

/* All of the missing chunks at once, and nothing that is there. */
static void what_is_missing_is_asked_for(void **state)
{
	struct planted p;
	struct fuse_req req;
	struct want want;

	(void)state;
	plant(&p);
	want = mount_chunk(p.large, 2);
	mount_keep(&p.m, &want);
	req_init(&req, p.m.fs);
	reads_read(&req, p.large_node, 3 * MOUNT_CHUNK, MOUNT_CHUNK + 5, NULL);
	assert_int_equal(p.m.source.waiting, 1);
	assert_int_equal(p.m.source.line[0].count, 3);
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned missing[] = {1, 3, 4};

		want = mount_chunk(p.large, missing[i]);
		assert_memory_equal(&p.m.source.line[0].wants[i].digest, &want.digest,
			sizeof want.digest);
		assert_int_equal(p.m.source.line[0].wants[i].kind, BLOB_CHUNK);
		assert_int_equal(p.m.source.line[0].wants[i].start, want.start);
	}
	mount_bring(&p.m, false);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 3 * MOUNT_CHUNK);
	assert_memory_equal(
		req.reply.bytes, p.large->content + MOUNT_CHUNK + 5, 3 * MOUNT_CHUNK);
	req_release(&req);
	mount_end(&p.m);
}

static void refuses(struct planted *p, uint64_t node, size_t size, off_t offset, int errnum)
{
	struct fuse_req req;

	req_init(&req, p->m.fs);
	reads_read(&req, node, size, offset, NULL);
	assert_errno(&req, errnum);
	req_release(&req);
}

static void what_cannot_be_is_refused(void **state)
{
	struct planted p;

	(void)state;
	plant(&p);
	refuses(&p, FUSE_ROOT_ID, 4096, 0, EISDIR);
	refuses(&p, p.large_node, 4096, -1, EINVAL);
	refuses(&p, p.large_node, 0, 0, EINVAL);
	refuses(&p, p.large_node, BUFFER_SIZE + 1, 0, EINVAL);
	refuses(&p, 99 * NODE_ROWS, 4096, 0, ESTALE);
	assert_int_equal(p.m.source.asked, 0);
	mount_end(&p.m);
}

/* Starts a read that has to wait, and has it fail. */
static void fails(struct planted *p, off_t offset, int error, int errnum)
{
	struct fuse_req req;

	req_init(&req, p->m.fs);
	reads_read(&req, p->large_node, 4096, offset, NULL);
	assert_int_equal(req_replies(&req), 0);
	mount_fail_first(&p->m, error, "no such luck");
	assert_errno(&req, errnum);
	req_release(&req);
}

/* The kernel asks again for a page whose readahead failed: that gets the same answer at
 * once, while other bytes are asked for. */
static void a_failure_holds_for_a_moment(void **state)
{
	struct planted p;

	(void)state;
	plant(&p);
	fails(&p, 0, ERR_UNREACHABLE, ENETUNREACH);
	assert_int_equal(p.m.source.asked, 1);
	refuses(&p, p.large_node, 4096, 0, ENETUNREACH);
	refuses(&p, p.large_node, 1, 4095, ENETUNREACH);
	assert_int_equal(p.m.source.asked, 1);
	fails(&p, 4096, ERR_DENIED, EACCES);
	assert_int_equal(p.m.source.asked, 2);
	mount_end(&p.m);
}

/* What the store does not have, it may have the next time. */
static void other_errors_are_asked_for_again(void **state)
{
	struct planted p;

	(void)state;
	plant(&p);
	fails(&p, 0, ERR_ABSENT, EIO);
	fails(&p, 0, ERR_CORRUPT, EIO);
	assert_int_equal(p.m.source.asked, 2);
	assert_reads(&p, p.large_node, 0, 4096, p.large->content, 4096);
	mount_end(&p.m);
}

/* What is in the cache is read although it could not be had a moment ago. */
static void a_failure_does_not_hide_what_is_here(void **state)
{
	struct planted p;

	(void)state;
	plant(&p);
	fails(&p, 0, ERR_UNREACHABLE, ENETUNREACH);
	mount_keep_object(&p.m, p.large);
	assert_reads(&p, p.large_node, 0, 4096, p.large->content, 4096);
	mount_end(&p.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_gives_the_bytes_of_the_file),
		cmocka_unit_test(holes_are_zeros),
		cmocka_unit_test(what_is_missing_is_asked_for),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_failure_holds_for_a_moment),
		cmocka_unit_test(other_errors_are_asked_for_again),
		cmocka_unit_test(a_failure_does_not_hide_what_is_here),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
