/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/meters.h"

static const char *const meter_names[METER_COUNT] = {
	[METER_LOOKUP] = "lookup",
	[METER_GETATTR] = "getattr",
	[METER_READLINK] = "readlink",
	[METER_OPEN] = "open",
	[METER_READ] = "read",
	[METER_LSEEK] = "lseek",
	[METER_READDIR] = "readdir",
	[METER_READDIRPLUS] = "readdirplus",
	[METER_GETXATTR] = "getxattr",
	[METER_LISTXATTR] = "listxattr",
	[METER_STATFS] = "statfs",
};

const char *meter_name(enum meter meter)
{
	return meter_names[meter];
}

static void meter_add(atomic_uint_least64_t *n, uint64_t more)
{
	if (more)
		atomic_fetch_add_explicit(n, more, memory_order_relaxed);
}

static enum meter_bytes bytes_from(const struct meter_sample *sample)
{
	if (sample->meter != METER_READ)
		return METER_PAGES;
	return sample->waited ? METER_WIRE : METER_CACHE;
}

void meters_add(struct meters *m, const struct meter_sample *sample)
{
	struct metered *metered = &m->metered[sample->meter];

	histogram_add(&metered->time, sample->ns);
	meter_add(&metered->waited, sample->waited);
	meter_add(&metered->failed, sample->failed);
	meter_add(&m->bytes[bytes_from(sample)], sample->bytes);
}

void meters_look(const struct meters *m, enum meter meter, struct meter_copy *out)
{
	const struct metered *metered = &m->metered[meter];

	histogram_look(&metered->time, &out->time);
	out->waited = atomic_load_explicit(&metered->waited, memory_order_relaxed);
	out->failed = atomic_load_explicit(&metered->failed, memory_order_relaxed);
}

void meters_sum(const struct meters *m, struct meter_copy *out)
{
	struct meter_copy one;

	*out = (struct meter_copy){0};
	for (unsigned i = 0; i < METER_COUNT; i++) {
		meters_look(m, (enum meter)i, &one);
		out->waited += one.waited;
		out->failed += one.failed;
		out->time.count += one.time.count;
		out->time.sum += one.time.sum;
		for (unsigned step = 0; step < HISTOGRAM_SIZE; step++)
			out->time.counts[step] += one.time.counts[step];
	}
}

uint64_t meters_bytes(const struct meters *m, enum meter_bytes from)
{
	return atomic_load_explicit(&m->bytes[from], memory_order_relaxed);
}
