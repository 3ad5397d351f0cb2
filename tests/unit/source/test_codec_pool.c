/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/codec_pool.h"
#include "unit/await.h"

#define CAPACITY 3

/* Codecs are used again, at most `capacity` are kept. */
static void codecs_are_pooled(void **state)
{
	struct blob_codec *codecs[8];
	struct codec_pool p;

	(void)state;
	assert_int_equal(codec_pool_init(&p, CAPACITY), 0);
	codecs[0] = codec_pool_get(&p);
	assert_non_null(codecs[0]);
	codec_pool_put(&p, codecs[0]);
	assert_ptr_equal(codec_pool_get(&p), codecs[0]);
	for (unsigned i = 1; i < 8; i++) {
		codecs[i] = codec_pool_get(&p);
		assert_non_null(codecs[i]);
		assert_ptr_not_equal(codecs[i], codecs[i - 1]);
	}
	for (unsigned i = 0; i < 8; i++)
		codec_pool_put(&p, codecs[i]);
	assert_int_equal(p.idle, CAPACITY);
	codec_pool_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codecs_are_pooled),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
