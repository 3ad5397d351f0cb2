/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "publish/store_revisions.h"
#include "util/array.h"

/* Is there one of that number? What is wrong with it is for later. */
static int ask_for(struct store *s, uint64_t number, bool *found, struct trouble *t)
{
	struct bytes text = {0};
	struct manifest *m = NULL;
	int rc = store_read_revision(s, number, &text, &m, t);

	manifest_free(m);
	bytes_release(&text);
	*found = rc != ERR_ABSENT;
	return rc == ERR_ABSENT || rc == ERR_CORRUPT || rc == ERR_LIMIT ||
			       rc == ERR_UNSUPPORTED
		       ? 0
		       : rc;
}

static int ask_downwards(struct store *s, uint64_t newest, uint64_t oldest,
	struct store_revisions *out, struct trouble *t)
{
	unsigned gap = 0;

	for (uint64_t n = newest; n >= oldest && n > 0 && gap < STORE_REVISIONS_GAP_MAX;
		n--) {
		bool found = n == newest; /* which is manifest.json */
		int rc = found ? 0 : ask_for(s, n, &found, t);

		gap = found ? 0 : gap + 1;
		if (!rc && found)
			rc = array_grow(&out->numbers, &out->capacity, out->count,
				sizeof *out->numbers);
		if (rc)
			return rc;
		if (found)
			out->numbers[out->count++] = n;
	}
	return 0;
}

/* The newest first: those before `oldest` stand at the end. */
static void cut_before(struct store_revisions *r, uint64_t oldest)
{
	while (r->count && r->numbers[r->count - 1] < oldest)
		r->count--;
}

int store_revisions_find(struct store *s, uint64_t newest, uint64_t oldest,
	struct store_revisions *out, bool *asked, struct trouble *t)
{
	struct store_revisions found = {0};
	int rc = store_revisions_list(s, newest, &found, t);

	*asked = rc == ERR_UNSUPPORTED;
	if (*asked)
		rc = ask_downwards(s, newest, oldest, &found, t);
	if (!rc)
		cut_before(&found, oldest);
	if (rc)
		store_revisions_release(&found);
	else
		*out = found;
	return rc;
}
