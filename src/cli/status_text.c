/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/status_text.h"

#include <inttypes.h>

#include "cli/duration.h"
#include "cli/size.h"
#include "cli/status_reply.h"
#include "util/clock.h"
#include "util/printable.h"

#define OPERATION_TEXT 13 /* its column, and a NUL */

const char *status_share(uint64_t count, uint64_t waited, char text[STATUS_SHARE_TEXT])
{
	uint64_t at_once = waited < count ? count - waited : 0;

	if (count)
		snprintf(text, STATUS_SHARE_TEXT, "%.1f%%",
			100.0 * (double)at_once / (double)count);
	else
		snprintf(text, STATUS_SHARE_TEXT, "-");
	return text;
}

static void print_labelled(FILE *out, const char *label, const json_t *reply,
	const char *name, const char *key)
{
	fprintf(out, "%-10s ", label);
	reply_print(out, reply, name, key);
	putc('\n', out);
}

static void print_revision(FILE *out, const json_t *r)
{
	uint64_t revision = reply_number(r, "revision", NULL);
	uint64_t newest = reply_number(r, "newest_known", NULL);
	char age[DURATION_TEXT];

	fprintf(out, "%-10s %" PRIu64 ", published %s ago (", "revision", revision,
		duration_seconds_text(reply_number(r, "age_seconds", NULL), age));
	reply_print(out, r, "created", NULL);
	fputs(")\n", out);
	if (json_is_string(json_object_get(r, "tag")))
		print_labelled(out, "tag", r, "tag", NULL);
	if (newest > revision)
		fprintf(out, "%-10s %" PRIu64 " is known, and not shown\n", "newest",
			newest);
	else
		fprintf(out, "%-10s it is the newest that is known\n", "newest");
}

static void print_follow(FILE *out, const json_t *r)
{
	const json_t *follow = json_object_get(r, "follow");
	uint64_t every = reply_number(follow, "every_seconds", NULL);

	fprintf(out, "%-10s ", "follows");
	if (!json_is_true(json_object_get(follow, "follows"))) {
		fputs("no: it was made with --revision or --offline\n", out);
		return;
	}
	if (every)
		fprintf(out, "every %" PRIu64 " s", every);
	else
		fputs("when it is told to", out);
	if (json_is_string(json_object_get(follow, "looked"))) {
		fputs(", last on ", out);
		reply_print(out, follow, "looked", NULL);
	}
	putc('\n', out);
	if (json_is_string(json_object_get(follow, "trouble")))
		print_labelled(out, "", follow, "trouble", NULL);
}

static void print_choice(FILE *out, const json_t *r, const char *name)
{
	if (!json_is_object(json_object_get(r, name)))
		return;
	fprintf(out, "%-10s ", name);
	reply_print(out, r, name, "mode");
	fputs(": ", out);
	reply_print(out, r, name, "reason");
	putc('\n', out);
}

static void print_mirror(FILE *out, const char *label, const json_t *m)
{
	uint64_t spared = reply_number(m, "spared_ns", NULL);
	uint64_t usual = reply_number(m, "usual_ns", NULL);
	char text[DURATION_TEXT];

	fprintf(out, "%-10s ", label);
	reply_print(out, m, "url", NULL);
	fputs(": ", out);
	reply_print(out, m, "health", NULL);
	if (spared)
		fprintf(out, ", spared for another %s", duration_text(spared, text));
	if (usual)
		fprintf(out, ", a small blob takes %s", duration_text(usual, text));
	putc('\n', out);
}

static void print_mirrors(FILE *out, const json_t *r)
{
	const json_t *list = json_object_get(r, "mirrors"), *m;
	size_t i;

	json_array_foreach(list, i, m) print_mirror(out, i ? "" : "mirrors", m);
}

static void print_traffic(FILE *out, const json_t *r)
{
	uint64_t count = reply_number(r, "requests", "count");
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], share[STATUS_SHARE_TEXT];

	fprintf(out,
		"%-10s %" PRIu64 ", %s answered at once; %" PRIu64 " failed; %" PRIu64
		" wait now\n",
		"requests", count,
		status_share(count, reply_number(r, "requests", "waited"), share),
		reply_number(r, "requests", "failed"),
		reply_number(r, "requests", "parked"));
	fprintf(out, "%-10s %s from pages, %s from the cache, %s from the wire\n",
		"answered", size_text(reply_number(r, "answered_bytes", "pages"), a),
		size_text(reply_number(r, "answered_bytes", "cache"), b),
		size_text(reply_number(r, "answered_bytes", "wire"), c));
	fprintf(out,
		"%-10s %s in %" PRIu64 " requests: %" PRIu64 " retries, %" PRIu64
		" failures, %" PRIu64 " doubled; %" PRIu64 " under way, %" PRIu64
		" queued\n",
		"wire", size_text(reply_number(r, "wire", "bytes"), a),
		reply_number(r, "wire", "requests"), reply_number(r, "wire", "retries"),
		reply_number(r, "wire", "failures"), reply_number(r, "wire", "doubled"),
		reply_number(r, "wire", "active"), reply_number(r, "wire", "queued"));
}

static void print_cache(FILE *out, const json_t *r)
{
	uint64_t quota = reply_number(r, "cache", "quota");
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT], e[SIZE_TEXT];

	if (!json_object_size(json_object_get(r, "cache"))) {
		fprintf(out, "%-10s its books cannot be read now\n", "cache");
		return;
	}
	fprintf(out,
		"%-10s %s of contents, %s of metadata; quota %s; disk %s free, never below "
		"%s\n",
		"cache", size_text(reply_number(r, "cache", "resident"), a),
		size_text(reply_number(r, "cache", "metadata"), b),
		quota ? size_text(quota, c) : "none",
		size_text(reply_number(r, "cache", "disk_free"), d),
		size_text(reply_number(r, "cache", "floor"), e));
}

static void print_operation(FILE *out, const char *name, const json_t *o)
{
	uint64_t count = reply_number(o, "count", NULL);
	char share[STATUS_SHARE_TEXT], a[DURATION_TEXT], b[DURATION_TEXT], c[DURATION_TEXT],
		d[DURATION_TEXT], label[OPERATION_TEXT];

	snprintf(label, sizeof label, "%.*s", OPERATION_TEXT - 1, name);
	printable_clean(label);
	fprintf(out, "%-12s %9" PRIu64 " %8s %7" PRIu64 " %8s %8s %8s %8s\n", label, count,
		status_share(count, reply_number(o, "waited", NULL), share),
		reply_number(o, "failed", NULL),
		duration_text(reply_number(o, "p50_ns", NULL), a),
		duration_text(reply_number(o, "p90_ns", NULL), b),
		duration_text(reply_number(o, "p99_ns", NULL), c),
		duration_text(reply_number(o, "max_ns", NULL), d));
}

static void print_operations(FILE *out, const json_t *r)
{
	json_t *operations = json_object_get(r, "operations"), *o;
	const char *name;

	if (!json_object_size(operations))
		return;
	fprintf(out, "\n%-12s %9s %8s %7s %8s %8s %8s %8s\n", "operation", "count",
		"at once", "failed", "50%", "90%", "99%", "all");
	json_object_foreach(operations, name, o) print_operation(out, name, o);
}

/* How much more a second. */
static double rate(const json_t *r, const json_t *before, int64_t elapsed, const char *name,
	const char *key)
{
	uint64_t now = reply_number(r, name, key), then = reply_number(before, name, key);

	return now > then ? (double)(now - then) * 1e9 / (double)elapsed : 0;
}

static void print_rates(FILE *out, const json_t *r, const json_t *before, int64_t elapsed)
{
	double answered = rate(r, before, elapsed, "answered_bytes", "pages") +
			  rate(r, before, elapsed, "answered_bytes", "cache") +
			  rate(r, before, elapsed, "answered_bytes", "wire");
	char a[SIZE_TEXT], b[SIZE_TEXT];

	fprintf(out, "%-10s %.0f requests/s, %s/s answered, %s/s from the wire\n", "now",
		rate(r, before, elapsed, "requests", "count"),
		size_text((uint64_t)answered, a),
		size_text((uint64_t)rate(r, before, elapsed, "wire", "bytes"), b));
}

static void print_process(FILE *out, const json_t *r)
{
	char up[DURATION_TEXT];

	fprintf(out, "%-10s ", "dataset");
	reply_print(out, r, "dataset", NULL);
	fprintf(out, "\n%-10s %s, process %" PRIu64 ", cairn ", "up",
		duration_seconds_text(reply_number(r, "uptime_seconds", NULL), up),
		reply_number(r, "pid", NULL));
	reply_print(out, r, "version", NULL);
	putc('\n', out);
}

void status_text(FILE *out, const json_t *reply, const json_t *before, int64_t elapsed)
{
	print_labelled(out, "mount", reply, "mountpoint", NULL);
	print_labelled(out, "url", reply, "url", NULL);
	print_process(out, reply);
	print_labelled(out, "key", reply, "key", NULL);
	print_revision(out, reply);
	print_follow(out, reply);
	print_choice(out, reply, "engine");
	print_choice(out, reply, "open");
	print_mirrors(out, reply);
	print_traffic(out, reply);
	if (before && elapsed > 0)
		print_rates(out, reply, before, elapsed);
	print_cache(out, reply);
	print_operations(out, reply);
}
