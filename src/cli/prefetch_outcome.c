/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/prefetch_outcome.h"

#include <jansson.h>
#include <stdio.h>

#include "cache/file_map.h"
#include "cache/inspect.h"
#include "cli/json_output.h"
#include "cli/size.h"

#define REASON_MAX 256

int prefetch_outcome_look(struct reader *r, const struct entry *e, uint64_t *missing)
{
	uint64_t size = e->type == ENTRY_FILE ? entry_data_size(e) : 0, here = 0;
	uint64_t at = 0;
	struct attempt a;
	int rc = attempt_begin(&a, r->cache, NULL);

	if (rc)
		return rc;
	while (size > 0 && !rc && at < e->size)
		rc = file_map_bring(&a, e, &at, e->size);
	if (!rc)
		rc = attempt_resident(&a, e, &here);
	attempt_end(&a);
	if (rc && rc != ERR_PENDING) /* without the list of its runs nothing is of use */
		return rc;
	*missing = e->has_content && size > here ? size - here : 0;
	return 0;
}

bool prefetch_outcome_is_good(const struct prefetch_outcome *o)
{
	return !o->failures && !o->missing && !o->pages_missing && !o->error;
}

/* Which limit stands against what is missing, and what to do about it. */
static void explain_space(
	const struct prefetch_outcome *o, struct reader *r, char out[REASON_MAX])
{
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
	struct cache_info i;

	if (cache_info(r->cache, &i))
		snprintf(out, REASON_MAX, "there is no room in the cache");
	else if (i.quota && i.disk_free >= i.floor && i.disk_free - i.floor >= o->missing)
		snprintf(out, REASON_MAX,
			"its quota is %s, of which %s are pinned: set a larger one (cairn "
			"cache info --quota), or prefetch less than %s",
			size_text(i.quota, a), size_text(i.pinned, b),
			size_text(o->bytes, c));
	else
		snprintf(out, REASON_MAX,
			"its disk has %s free and is to keep %s free: make room there, or "
			"set another floor (cairn cache info --floor)",
			size_text(i.disk_free, a), size_text(i.floor, b));
}

static void explain(
	const struct prefetch_outcome *o, struct reader *r, char out[REASON_MAX])
{
	switch (o->error) {
	case 0:
		if (o->failures) {
			snprintf(out, REASON_MAX, "what could not be had is named above");
			break;
		}
		/* fall through */
	case ERR_NO_SPACE:
		explain_space(o, r, out);
		break;
	case ERR_TIMEOUT:
		snprintf(out, REASON_MAX,
			"another process that uses the cache is stopped or slow");
		break;
	case ERR_FILE_SIZE:
		snprintf(out, REASON_MAX,
			"a file of the cache would be larger than this process may make "
			"(ulimit -f)");
		break;
	case ERR_BUSY:
		snprintf(out, REASON_MAX,
			"the cache has the same objects in other pieces, of another "
			"dataset: evict them, or use another --cache");
		break;
	default:
		snprintf(out, REASON_MAX, "the cache cannot be written to: %s",
			error_text(o->error));
	}
}

static void outcome_json(const struct prefetch_outcome *o, const char *reason)
{
	json_t *j = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:f}", "entries",
		(json_int_t)o->entries, "bytes", (json_int_t)o->bytes, "present",
		(json_int_t)o->present, "fetched", (json_int_t)o->fetched, "failures",
		(json_int_t)o->failures, "missing", (json_int_t)o->missing, "files_missing",
		(json_int_t)o->lacking, "metadata_missing", o->pages_missing, "seconds",
		o->seconds);

	if (reason && j)
		json_object_set_new(j, "reason", json_output_words(reason));
	json_output(j, JSON_COMPACT | JSON_REAL_PRECISION(9));
}

static void outcome_text(const struct prefetch_outcome *o)
{
	char here[SIZE_TEXT], got[SIZE_TEXT], rate[SIZE_TEXT];
	double seconds = o->seconds > 0 ? o->seconds : 1;

	printf("%llu entries, %s of contents in the cache, %s fetched in %.1f s (%s/s)\n",
		(unsigned long long)o->entries, size_text(o->present, here),
		size_text(o->fetched, got), o->seconds,
		size_text((uint64_t)((double)o->fetched / seconds), rate));
}

static void say_missing(const struct prefetch_outcome *o, const char *reason)
{
	char size[SIZE_TEXT];

	if (o->missing)
		fprintf(stderr,
			"cairn prefetch: %s of %llu file%s %s not in the cache: %s\n",
			size_text(o->missing, size), (unsigned long long)o->lacking,
			o->lacking == 1 ? "" : "s", o->lacking == 1 ? "is" : "are", reason);
	else if (!o->pages_missing && o->error)
		fprintf(stderr,
			"cairn prefetch: not all is sure to stay in the cache: %s\n",
			reason);
	if (o->pages_missing)
		fprintf(stderr,
			"cairn prefetch: not all names and attributes are in the cache: "
			"%s\n",
			reason);
	if (o->failures && !o->missing)
		fprintf(stderr,
			"cairn prefetch: %llu pieces could not be had; run it "
			"again to go on\n",
			(unsigned long long)o->failures);
}

void prefetch_outcome_print(const struct prefetch_outcome *o, struct reader *r, bool json)
{
	bool kept = !o->missing && !o->pages_missing && !o->error;
	char reason[REASON_MAX];

	if (!kept)
		explain(o, r, reason);
	if (json)
		outcome_json(o, kept ? NULL : reason);
	else
		outcome_text(o);
	say_missing(o, reason);
}
