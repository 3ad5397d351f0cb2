/* SPDX-License-Identifier: MIT */
/*
 * One line for each cause and minute: of lines that differ in no more than digests and
 * large numbers, the first is written, and the others are counted. The table is bounded:
 * whoever names things so that no two lines are alike gains nothing by it, and when it is
 * full, the oldest cause is told of and forgotten. Any thread; causes_mtx is a leaf.
 */
#ifndef CAIRN_UTIL_LOG_CAUSES_H
#define CAIRN_UTIL_LOG_CAUSES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/clock.h"

#define LOG_CAUSES_MAX 64
#define LOG_CAUSES_FOR (60 * NS_PER_SECOND)

struct log_cause {
	char *first; /* the line that was written; NULL: the slot is free */
	uint64_t key;
	int level;
	int64_t since; /* CLOCK_MONOTONIC, ns */
	uint64_t more; /* lines like it since then */
};

struct log_causes {
	pthread_mutex_t causes_mtx; /* over all below */
	struct log_cause list[LOG_CAUSES_MAX];
};

void log_causes_init(struct log_causes *c);
void log_causes_release(struct log_causes *c);

/* Is this line to be written? *over is a cause whose minute is over, to be told of first
 * (heap `first`), or has none. */
bool log_causes_note(struct log_causes *c, int level, const char *line, int64_t now,
	struct log_cause *over);
/* The next cause whose minute is over by `now` and that had more than one line. False:
 * there is none. *over is as above. */
bool log_causes_next_over(struct log_causes *c, int64_t now, struct log_cause *over);

#endif
