/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "format/extent_list_builder.h"

#define LISTS_MAX 64

/* What was made. */
struct made {
	unsigned count;
	struct digest names[LISTS_MAX];
	struct bytes packed[LISTS_MAX];
	int fails_at; /* 1: the first; 0: none */
};

static int keep(void *ctx, const struct digest *name, struct span text)
{
	struct made *m = ctx;
	struct digest d = digest_of(text.data, text.size);

	if (m->fails_at && --m->fails_at == 0)
		return ERR_NO_SPACE;
	assert_true(digest_equal(&d, name));
	assert_true(m->count < LISTS_MAX);
	m->names[m->count] = *name;
	bytes_clear(&m->packed[m->count]);
	assert_int_equal(extent_list_decode(text, &m->packed[m->count], NULL), 0);
	m->count++;
	return 0;
}

static void release(struct made *m)
{
	for (unsigned i = 0; i < LISTS_MAX; i++)
		bytes_release(&m->packed[i]);
}

static void find(const struct made *m, const struct digest *name, struct extent_list *out)
{
	unsigned i = 0;

	while (i < m->count && !digest_equal(&m->names[i], name))
		i++;
	assert_true(i < m->count);
	assert_int_equal(extent_list_view(span_of_bytes(&m->packed[i]), out), 0);
}

static struct extent run_at(uint64_t i)
{
	return (struct extent){.offset = i * 100, .size = 1 + i % 99};
}

/* The runs first..end-1 of run_at(). */
static int build(struct extent_list_builder *b, struct made *m, uint64_t first,
	uint64_t end, struct extents_made *out)
{
	int rc = 0;

	m->count = 0;
	extent_list_builder_reset(b, keep, m);
	for (uint64_t i = first; !rc && i < end; i++)
		rc = extent_list_builder_add(b, run_at(i));
	return rc ? rc : extent_list_builder_finish(b, out);
}

/* All runs below `l` are run_at() from *next on. */
static void check_below(
	const struct made *m, const struct extent_list *l, uint64_t *next, uint64_t *bytes)
{
	uint64_t before = *bytes;

	for (uint32_t i = 0; i < l->count; i++) {
		struct extent_part part;
		struct extent_list below;

		if (l->level == 0) {
			struct extent want = run_at(*next), got = extent_at(l->rows, i);

			assert_true(want.offset == got.offset && want.size == got.size);
			++*next;
			*bytes += got.size;
			continue;
		}
		assert_int_equal(extent_list_part(l, i, &part), 0);
		find(m, &part.digest, &below);
		assert_true(extent_list_is_part(l, &part, &below));
		assert_int_equal(*bytes, before + part.before);
		check_below(m, &below, next, bytes);
	}
}

static void test_few_are_records(void **state)
{
	struct extent_list_builder *b = extent_list_builder_new();
	struct extents_made out;
	struct made m = {.count = 0};

	(void)state;
	assert_int_equal(build(b, &m, 0, 0, &out), 0);
	assert_true(out.size == 0 && out.count == 0 && out.list.count == 0);
	assert_int_equal(build(b, &m, 0, EXTENT_COUNT_MAX, &out), 0);
	assert_int_equal(out.count, EXTENT_COUNT_MAX);
	assert_int_equal(out.list.count, 0);
	assert_int_equal(m.count, 0);
	assert_int_equal(extent_at(out.extents, 7).offset, 700);
	assert_int_equal(out.size, extents_size(out.extents, out.count));
	extent_list_builder_free(b);
	release(&m);
}

static void test_touching_are_one(void **state)
{
	struct extent_list_builder *b = extent_list_builder_new();
	struct extents_made out;

	(void)state;
	extent_list_builder_reset(b, keep, NULL);
	assert_int_equal(extent_list_builder_add(b, (struct extent){0, 10}), 0);
	assert_int_equal(extent_list_builder_add(b, (struct extent){10, 5}), 0);
	assert_int_equal(extent_list_builder_add(b, (struct extent){16, 5}), 0);
	assert_int_equal(extent_list_builder_finish(b, &out), 0);
	assert_true(out.count == 2 && out.size == 20);
	assert_int_equal(extent_at(out.extents, 0).size, 15);
	extent_list_builder_free(b);
}

static void test_many_are_lists(void **state)
{
	const uint64_t counts[] = {EXTENT_COUNT_MAX + 1, 20000, 100000};
	struct extent_list_builder *b = extent_list_builder_new();
	struct made m = {.count = 0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct extents_made out;
		struct extent_list root;
		uint64_t next = 0, bytes = 0;

		assert_int_equal(build(b, &m, 0, counts[i], &out), 0);
		assert_int_equal(out.count, 0);
		assert_int_equal(out.list.count, counts[i]);
		assert_int_equal(out.list.size, out.size);
		find(&m, &out.list.digest, &root);
		assert_int_equal(root.level, 1);
		assert_true(extent_list_is_root(&root, &out.list, counts[i] * 100));
		check_below(&m, &root, &next, &bytes);
		assert_int_equal(next, counts[i]);
		assert_int_equal(bytes, out.size);
	}
	extent_list_builder_free(b);
	release(&m);
}

/* Lists but the last are between their minimum and maximum, and not all of one size. */
static void test_cut_by_content(void **state)
{
	struct extent_list_builder *b = extent_list_builder_new();
	struct made m = {.count = 0}, later = {.count = 0};
	struct extents_made out;
	unsigned same = 0;

	(void)state;
	assert_int_equal(build(b, &m, 0, 100000, &out), 0);
	for (unsigned i = 0; i + 2 < m.count; i++) {
		struct extent_list l;

		find(&m, &m.names[i], &l);
		assert_in_range(l.count, EXTENT_LIST_MIN, EXTENT_LIST_ROWS);
	}
	/* without the first ten runs, it is the same list but at its beginning */
	assert_int_equal(build(b, &later, 10, 100000, &out), 0);
	for (unsigned i = 0; i < later.count; i++)
		for (unsigned k = 0; k < m.count; k++)
			same += digest_equal(&later.names[i], &m.names[k]);
	assert_true(same > m.count / 2);
	extent_list_builder_free(b);
	release(&m);
	release(&later);
}

static void test_the_same_again(void **state)
{
	struct extent_list_builder *a = extent_list_builder_new();
	struct extent_list_builder *b = extent_list_builder_new();
	struct made m = {.count = 0};
	struct extents_made one, two;

	(void)state;
	assert_int_equal(build(a, &m, 0, 9000, &one), 0);
	assert_int_equal(build(b, &m, 0, 50000, &two), 0); /* used before */
	assert_int_equal(build(b, &m, 0, 9000, &two), 0);
	assert_true(digest_equal(&one.list.digest, &two.list.digest));
	extent_list_builder_free(a);
	extent_list_builder_free(b);
	release(&m);
}

static void test_refused(void **state)
{
	struct extent_list_builder *b = extent_list_builder_new();
	struct made m = {.fails_at = 2};
	struct extents_made out;

	(void)state;
	extent_list_builder_reset(b, keep, &m);
	assert_int_equal(extent_list_builder_add(b, (struct extent){5, 10}), 0);
	assert_int_equal(extent_list_builder_add(b, (struct extent){20, 0}), ERR_INVALID);
	assert_int_equal(extent_list_builder_add(b, (struct extent){14, 5}), ERR_INVALID);
	assert_int_equal(extent_list_builder_add(b, (struct extent){0, 1}), ERR_INVALID);
	assert_int_equal(
		extent_list_builder_add(b, (struct extent){1u << 20, ENTRY_SIZE_MAX}),
		ERR_INVALID);
	assert_int_equal(
		extent_list_builder_add(b, (struct extent){UINT64_MAX, 1}), ERR_INVALID);
	assert_int_equal(build(b, &m, 0, 9000, &out), ERR_NO_SPACE); /* what emit said */
	extent_list_builder_free(b);
	release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_are_records),
		cmocka_unit_test(test_touching_are_one),
		cmocka_unit_test(test_many_are_lists),
		cmocka_unit_test(test_cut_by_content),
		cmocka_unit_test(test_the_same_again),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
