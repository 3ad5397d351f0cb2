/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/request_end.h"

#include "fs/filesystem.h"
#include "fs/request_path.h"
#include "util/clock.h"

static void log_request(const struct request *r, int error, const struct meter_sample *s)
{
	struct path path = {0};

	/* Who interrupts holds a lock of libfuse's. */
	if (error != ERR_INTERRUPTED)
		request_path(r, &path);
	log_debug(r->fs->log, "%s of /%.*s: %s, %.3f ms%s", r->kind->name, (int)path.size,
		path.data, error ? error_text(error) : "ok", (double)s->ns / NS_PER_MS,
		s->waited ? ", waited" : "");
}

static void trace_read(const struct request *r, uint64_t bytes)
{
	const struct trace_event read = {
		.at = r->began, .offset = r->offset, .size = bytes, .waited = r->waited};
	struct path path;

	request_path(r, &path);
	trace_note(&r->fs->trace, &read, path_span(&path));
}

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
	if (sample.meter == METER_READ && !error &&
		atomic_load_explicit(&r->fs->trace.heard, memory_order_relaxed))
		trace_read(r, sample.bytes);
	if (log_takes(r->fs->log, LOG_LEVEL_DEBUG))
		log_request(r, error, &sample);
}
