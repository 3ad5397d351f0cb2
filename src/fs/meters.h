/* SPDX-License-Identifier: MIT */
/*
 * What a mount has done since it began, in figures: for each operation how often, how long,
 * how often it had to be waited for. To count costs some relaxed additions; who looks
 * disturbs nobody. Any thread.
 */
#ifndef CAIRN_FS_METERS_H
#define CAIRN_FS_METERS_H

#include <stdbool.h>

#include "util/histogram.h"

/* What the kernel asks for; that a node is forgotten, or a file closed, is no question. */
enum meter {
	METER_LOOKUP,
	METER_GETATTR,
	METER_READLINK,
	METER_OPEN,
	METER_READ,
	METER_LSEEK,
	METER_READDIR,
	METER_READDIRPLUS,
	METER_GETXATTR,
	METER_LISTXATTR,
	METER_STATFS,
	METER_COUNT
};
/* As the kernel's programmers call it: "lookup". */
const char *meter_name(enum meter meter);

/* From what the bytes of an answer were. */
enum meter_bytes {
	METER_PAGES, /* of the tree: listings, targets of links, extended attributes */
	METER_CACHE, /* contents that were here */
	METER_WIRE,  /* contents that had to be brought first */
	METER_BYTES
};

struct metered {
	struct histogram time; /* from the question until the answer is known */
	atomic_uint_least64_t waited, failed;
};
/* Zero-initialised. */
struct meters {
	struct metered metered[METER_COUNT];
	atomic_uint_least64_t bytes[METER_BYTES];
};

/* One that is answered now. */
struct meter_sample {
	enum meter meter;
	int64_t ns;
	bool waited; /* for what was not here */
	bool failed;
	uint64_t bytes; /* of the answer */
};
void meters_add(struct meters *m, const struct meter_sample *sample);

/* Of one operation, or (meters_sum()) of all together. */
struct meter_copy {
	struct histogram_copy time;
	uint64_t waited, failed;
};
void meters_look(const struct meters *m, enum meter meter, struct meter_copy *out);
void meters_sum(const struct meters *m, struct meter_copy *out);
uint64_t meters_bytes(const struct meters *m, enum meter_bytes from);

#endif
