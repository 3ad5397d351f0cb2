/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/request_end.h"

#include "fs/filesystem.h"
#include "util/clock.h"

void request_end(const struct request *r, int error, const struct answer *answer)
{
	const struct meter_sample sample = {
		.meter = r->kind->meter,
		.ns = clock_monotonic() - r->began,
		.waited = r->waited,
		.failed = error && error != ERR_INTERRUPTED,
		.bytes = answer && answer->kind == ANSWER_BYTES ? answer->size : 0,
	};

	meters_add(&r->fs->meters, &sample);
}
