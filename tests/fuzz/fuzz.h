/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets, one per decoder: fuzz_<noun>.c gives both functions below. With driver.c
 * it is a program of its own, which `make check` runs for a second; compiled with
 * `clang -fsanitize=fuzzer` and without driver.c it is a libFuzzer target, for which
 * `fuzz_<noun> -c DIRECTORY` writes the samples as a corpus.
 */
#ifndef CAIRN_TESTS_FUZZ_H
#define CAIRN_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "util/bytes.h"

/* Whatever the input: no crash, no wild access, nothing that must() not be. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Good inputs, from which the driver makes bad ones. */
typedef void (*fuzz_sample_fn)(void *ctx, struct span sample);
void fuzz_samples(fuzz_sample_fn sample, void *ctx);

#define must(condition)                                                                    \
	((condition) ? (void)0                                                             \
		     : (fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__,        \
				#condition),                                               \
			       abort()))

#endif
