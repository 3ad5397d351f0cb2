/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mount_state.h"
#include "util/clock.h"
#include "util/printable.h"

/* Of a histogram's upper bounds: powers of four from 4 us to 69 s. */
#define BOUND_FIRST 12 /* log2 ns */
#define BOUND_LAST 36
#define BOUND_STEP 2

struct metrics {
	FILE *out;
	const char *mount; /* `mountpoint="..."` */
	const struct running_mount *running;
	struct mount_state state;
};

/* What a label may hold; what is no UTF-8 or may not be shown becomes '?'. Heap or NULL. */
static char *label_value(const char *text)
{
	char *clean = strdup(text), *out = NULL;
	size_t size;
	FILE *f = clean ? open_memstream(&out, &size) : NULL;

	if (f) {
		printable_clean(clean);
		for (const char *c = clean; *c; c++)
			fprintf(f, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
		if (fclose(f)) {
			free(out);
			out = NULL;
		}
	}
	free(clean);
	return out;
}

static void print_head(
	const struct metrics *m, const char *name, const char *type, const char *help)
{
	fprintf(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_sample(const struct metrics *m, const char *name, const char *label,
	const char *value, uint64_t n)
{
	fprintf(m->out, "%s{%s", name, m->mount);
	if (label)
		fprintf(m->out, ",%s=\"%s\"", label, value);
	fprintf(m->out, "} %" PRIu64 "\n", n);
}

static void print_counter(
	const struct metrics *m, const char *name, const char *help, uint64_t n)
{
	print_head(m, name, "counter", help);
	print_sample(m, name, NULL, NULL, n);
}

static void print_gauge(
	const struct metrics *m, const char *name, const char *help, uint64_t n)
{
	print_head(m, name, "gauge", help);
	print_sample(m, name, NULL, NULL, n);
}

static void print_info(const struct metrics *m)
{
	const struct dataset *d = m->running->reader->dataset;
	char *url = label_value(d->url), *name = label_value(d->manifest->name);

	print_head(m, "cairn_mount_info", "gauge", "What is mounted, and how.");
	if (url && name)
		fprintf(m->out,
			"cairn_mount_info{%s,url=\"%s\",dataset=\"%s\",version=\"%s\","
			"open=\"%s\"} 1\n",
			m->mount, url, name, PACKAGE_VERSION,
			m->state.session.introduced
				? open_mode_name(m->state.session.open.mode)
				: "");
	free(url);
	free(name);
}

static void print_revisions(const struct metrics *m)
{
	const struct follow_state *f = &m->state.follow;

	print_gauge(m, "cairn_start_time_seconds", "When the mount began, since 1970.",
		(uint64_t)(m->state.now - m->state.uptime));
	print_gauge(m, "cairn_revision", "The revision that is shown.", f->revision);
	print_gauge(m, "cairn_revision_newest",
		"The newest revision that is known of, shown or not.", m->state.newest);
	print_gauge(m, "cairn_revision_created_timestamp_seconds",
		"When the revision that is shown was published.",
		f->created > 0 ? (uint64_t)f->created : 0);
	print_gauge(m, "cairn_follow_last_success_timestamp_seconds",
		"When the server last told what is newest; 0: not yet.",
		(uint64_t)f->looked);
	print_gauge(m, "cairn_follow_failing",
		"1 when the last look for a newer revision failed.", f->trouble.code != 0);
}

static void print_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64, ns / (uint64_t)NS_PER_SECOND,
		ns % (uint64_t)NS_PER_SECOND);
}

static void print_duration(
	const struct metrics *m, const char *operation, const struct histogram_copy *h)
{
	static const char name[] = "cairn_request_duration_seconds";

	for (unsigned log2 = BOUND_FIRST; log2 <= BOUND_LAST; log2 += BOUND_STEP) {
		fprintf(m->out, "%s_bucket{%s,operation=\"%s\",le=\"", name, m->mount,
			operation);
		print_seconds(m->out, UINT64_C(1) << log2);
		fprintf(m->out, "\"} %" PRIu64 "\n", histogram_below(h, log2));
	}
	fprintf(m->out, "%s_bucket{%s,operation=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name,
		m->mount, operation, h->count);
	fprintf(m->out, "%s_sum{%s,operation=\"%s\"} ", name, m->mount, operation);
	print_seconds(m->out, h->sum);
	fprintf(m->out, "\n%s_count{%s,operation=\"%s\"} %" PRIu64 "\n", name, m->mount,
		operation, h->count);
}

static void print_durations(const struct metrics *m, const struct meters *meters)
{
	struct meter_copy copy;

	print_head(m, "cairn_request_duration_seconds", "histogram",
		"From a request of the kernel until its answer was known.");
	for (unsigned i = 0; i < METER_COUNT; i++) {
		meters_look(meters, (enum meter)i, &copy);
		print_duration(m, meter_name((enum meter)i), &copy.time);
	}
}

static void print_waits(const struct metrics *m, const struct meters *meters)
{
	static const char waited[] = "cairn_requests_waited_total",
			  failed[] = "cairn_requests_failed_total";
	struct meter_copy copy;

	print_head(m, waited, "counter", "Requests of the kernel for what was not here.");
	for (unsigned i = 0; i < METER_COUNT; i++) {
		meters_look(meters, (enum meter)i, &copy);
		print_sample(
			m, waited, "operation", meter_name((enum meter)i), copy.waited);
	}
	print_head(m, failed, "counter",
		"Requests of the kernel that were answered with an error.");
	for (unsigned i = 0; i < METER_COUNT; i++) {
		meters_look(meters, (enum meter)i, &copy);
		print_sample(
			m, failed, "operation", meter_name((enum meter)i), copy.failed);
	}
	print_gauge(m, "cairn_requests_parked",
		"Requests of the kernel that wait at this moment.",
		m->state.session.parked);
}

static void print_answered(const struct metrics *m, const struct meters *meters)
{
	static const char name[] = "cairn_answered_bytes_total";

	print_head(m, name, "counter",
		"Bytes of answers: of pages, of contents that were in the cache, and of "
		"those that had to be brought from the wire first.");
	print_sample(m, name, "from", "pages", meters_bytes(meters, METER_PAGES));
	print_sample(m, name, "from", "cache", meters_bytes(meters, METER_CACHE));
	print_sample(m, name, "from", "wire", meters_bytes(meters, METER_WIRE));
}

static void print_wire(const struct metrics *m)
{
	const struct fetcher_counters *c = &m->state.wire;

	print_counter(m, "cairn_wire_received_bytes_total",
		"Bytes that came from servers, as they are stored.", c->bytes);
	print_counter(m, "cairn_wire_requests_total", "Requests to servers.", c->requests);
	print_counter(m, "cairn_wire_retries_total", "Further tries of such requests.",
		c->retries);
	print_counter(
		m, "cairn_wire_failures_total", "Fetches that ended in vain.", c->failures);
	print_counter(m, "cairn_wire_doubled_total",
		"Second tries at another mirror, for the first was slow.", c->doubled);
	print_gauge(m, "cairn_wire_active", "Requests to servers that are under way.",
		c->active);
	print_gauge(m, "cairn_wire_queued", "Fetches that wait for their turn.", c->queued);
}

static void print_mirrors_up(const struct metrics *m)
{
	print_head(m, "cairn_mirror_up", "gauge",
		"1 for a mirror that is well, 0 for one that is spared.");
	for (unsigned i = 0; i < m->state.mirror_count; i++) {
		char *url = label_value(m->state.mirrors[i].url);

		if (url)
			print_sample(m, "cairn_mirror_up", "mirror", url,
				m->state.mirrors[i].health.word == HEALTH_WELL);
		free(url);
	}
}

static void print_cache_bytes(const struct metrics *m)
{
	const struct cache_usage *c = &m->state.cache;

	if (!m->state.has_cache)
		return;
	print_gauge(m, "cairn_cache_contents_bytes",
		"Contents in the cache, of all its users.", c->resident);
	print_gauge(m, "cairn_cache_metadata_bytes", "Metadata of the cache.", c->metadata);
	print_gauge(m, "cairn_cache_quota_bytes",
		"What the cache may hold; 0: no limit but the floor.", c->quota);
	print_gauge(m, "cairn_cache_disk_free_bytes", "Free bytes on the cache's disk.",
		c->disk_free);
	print_gauge(m, "cairn_cache_disk_floor_bytes",
		"Free bytes on the cache's disk that are never used.", c->floor);
}

static void print_metrics(const struct metrics *m)
{
	const struct meters *meters = session_meters(m->running->session);

	print_info(m);
	print_revisions(m);
	print_durations(m, meters);
	print_waits(m, meters);
	print_answered(m, meters);
	print_wire(m);
	print_mirrors_up(m);
	print_cache_bytes(m);
}

int metrics_text(const struct running_mount *m, char **text, size_t *size)
{
	struct metrics metrics = {.running = m};
	char *point = label_value(m->request->session.mountpoint), *label = NULL;

	*text = NULL;
	if (point && asprintf(&label, "mountpoint=\"%s\"", point) < 0)
		label = NULL;
	if (label)
		metrics.out = open_memstream(text, size);
	if (metrics.out) {
		metrics.mount = label;
		mount_state_look(m, &metrics.state);
		print_metrics(&metrics);
		if (fclose(metrics.out)) {
			free(*text);
			*text = NULL;
		}
	}
	free(label);
	free(point);
	return *text ? 0 : ERR_NO_MEMORY;
}
