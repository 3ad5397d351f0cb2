/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <time.h>

#include <openssl/rand.h>

#include "dataset/site_missing.h"
#include "format/blob.h"
#include "net/cache_control.h"
#include "util/clock.h"

#define AGEING (1200 * NS_PER_MS) /* `Age` is in whole seconds */
#define ERROR_PAGE_MAX (1u << 16) /* bytes */

/* Then another answer, a little later, tells whether it is the same one. */
static bool came_by_a_cache(const struct probe_answer *a)
{
	struct span field;

	return probe_field(a, "Age", &field) || probe_field(a, "Via", &field) ||
	       probe_field(a, "X-Cache", &field) || probe_field(a, "Cache-Status", &field);
}

static void look_for_memory(const struct site *s, const char *path)
{
	const struct look look = {.size_max = ERROR_PAGE_MAX};
	const struct timespec pause = {AGEING / NS_PER_SECOND, AGEING % NS_PER_SECOND};
	struct probe_answer a = {0};
	struct span field;
	uint64_t age = 0;

	nanosleep(&pause, NULL);
	if (!site_ask(s, path, &look, &a) && !a.trouble.code &&
		probe_field(&a, "Age", &field) && cache_control_seconds(field, &age) &&
		age > 0)
		site_say(&s->o->findings, FINDING_ADVICE, "missing-cache",
			"a cache on the way remembers that a blob is not there, and hides "
			"it from readers when it comes; have it keep no errors");
	probe_release(&a);
}

int site_look_at_missing(const struct site *s)
{
	const struct look look = {.size_max = ERROR_PAGE_MAX};
	struct digest nothing = {{0}};
	struct probe_answer a = {0};
	char path[BLOB_PATH_SIZE];
	int rc;

	/* No cache has seen that one; and if there is no chance, all zeros will do. */
	RAND_bytes(nothing.bytes, sizeof nothing.bytes);
	blob_path(&nothing, path);
	rc = site_ask(s, path, &look, &a);
	if (!rc && a.trouble.code)
		site_say_trouble(s, "missing", path, &a, &a.trouble);
	else if (!rc && site_judge_missing(&s->o->findings, &a) && came_by_a_cache(&a))
		look_for_memory(s, path);
	probe_release(&a);
	return rc;
}
