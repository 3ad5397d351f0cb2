/* SPDX-License-Identifier: MIT */
/*
 * For tests of what other threads do: how they wait for it, and how they fail.
 */
#ifndef CAIRN_TESTS_AWAIT_H
#define CAIRN_TESTS_AWAIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"

/* Nothing takes that long on a busy machine; what has not happened by then never will. */
#define AWAIT_MOST (120 * NS_PER_SECOND)

/* Until the condition holds, looking at it a thousand times a second. */
#define AWAIT(condition)                                                                   \
	do {                                                                               \
		int64_t await_until = clock_monotonic() + AWAIT_MOST;                      \
                                                                                           \
		while (!(condition)) {                                                     \
			if (clock_monotonic() > await_until)                               \
				fail_msg("never: %s", #condition);                         \
			usleep(1000);                                                      \
		}                                                                          \
	} while (0)

/* From now on an assertion that fails ends the process: it may be one of another thread,
 * and who has failed leaves threads behind that use what was on his stack. */
static inline void end_at_failure(void)
{
	setenv("CMOCKA_TEST_ABORT", "1", 1);
}

#endif
