/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/blob.h"
#include "publish/memory_plan.h"
#include "publish/scratch.h"

#define MIB ((uint64_t)1 << 20)

static uint64_t taken(const struct memory_plan *plan)
{
	return plan->jobs * (uint64_t)SCRATCH_SIZE +
	       plan->buffers * (uint64_t)CHUNK_SIZE_MAX + plan->items + plan->hardlinks;
}

static void test_default(void **state)
{
	struct memory_plan plan = memory_plan_of(2, 0, UINT64_MAX);

	(void)state;
	assert_int_equal(plan.jobs, 2);
	assert_true(taken(&plan) <= 256 * MIB);
	assert_true(taken(&plan) > 256 * MIB - CHUNK_SIZE_MAX);
}

/* Nobody who asks for many jobs gets few because he did not ask for memory. */
static void test_many_jobs(void **state)
{
	(void)state;
	assert_int_equal(memory_plan_of(64, 0, UINT64_MAX).jobs, 64);
	assert_int_equal(memory_plan_of(100000, 0, UINT64_MAX).jobs,
		memory_plan_of(256, 0, UINT64_MAX).jobs);
	assert_int_equal(memory_plan_of(256, 0, UINT64_MAX).jobs, 256);
}

/* In a container the default follows; what was asked for does not. */
static void test_limited(void **state)
{
	struct memory_plan plan = memory_plan_of(64, 0, 256 * MIB);

	(void)state;
	assert_true(taken(&plan) <= 128 * MIB);
	assert_int_equal(memory_plan_of(2, 0, 1024 * MIB).buffers,
		memory_plan_of(2, 0, UINT64_MAX).buffers);
	assert_int_equal(memory_plan_of(64, 512 * MIB, 32 * MIB).jobs,
		memory_plan_of(64, 512 * MIB, UINT64_MAX).jobs);
	assert_int_equal(memory_plan_of(64, 0, 1).jobs, memory_plan_of(64, 1, 1).jobs);
}

static void test_little_memory(void **state)
{
	struct memory_plan plan = memory_plan_of(64, 1, UINT64_MAX);

	(void)state;
	assert_int_equal(plan.jobs, 1);
	assert_true(plan.buffers >= 2);
	assert_true(taken(&plan) <= 64 * MIB);
	plan = memory_plan_of(64, 512 * MIB, UINT64_MAX);
	assert_in_range(plan.jobs, 2, 63);
	assert_true(plan.buffers >= 2 * plan.jobs);
	assert_true(taken(&plan) <= 512 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_many_jobs),
		cmocka_unit_test(test_limited),
		cmocka_unit_test(test_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
