/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets, one per decoder: fuzz_<noun>.c defines one or several, targets.c has the
 * table. With fuzz.c they are one program, which `make check` runs over the kept corpus
 * (corpus/TARGET/) and a moment over mutations of it; compiled with
 * `clang -fsanitize=fuzzer` and without fuzz.c they are a libFuzzer target, $FUZZ_TARGET
 * says which.
 */
#ifndef CAIRN_TESTS_FUZZ_H
#define CAIRN_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "util/bytes.h"

/* Good inputs, from which the driver makes bad ones. */
typedef void (*fuzz_sample_fn)(void *ctx, struct span sample);

struct fuzz_target {
	const char *name;
	/* Whatever the input: no crash, no wild access, nothing that must() not be. */
	void (*run)(const uint8_t *data, size_t size);
	void (*samples)(fuzz_sample_fn sample, void *ctx);
};

/* Ends with NULL. */
extern const struct fuzz_target *const fuzz_targets[];
/* NULL: there is none of that name. */
const struct fuzz_target *fuzz_find(const char *name);

/* The path of a file with that content, in a directory that goes with the process. Valid
 * until the next call. */
const char *fuzz_file_of(const char *name, const uint8_t *data, size_t size);
/* The path alone. */
const char *fuzz_path_of(const char *name);
/* The next line of an input, as a string of just its size on the heap; "" at the end. */
char *fuzz_take_line(struct span *rest);

#define must(condition)                                                                    \
	((condition) ? (void)0                                                             \
		     : (fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__,        \
				#condition),                                               \
			       abort()))

#endif
