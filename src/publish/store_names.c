/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/store_names.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"

static int compare_revisions(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static int compare_tags(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int store_names_limit(const struct store *s, const char *what, struct trouble *t)
{
	return trouble_set(
		t, ERR_LIMIT, "the store %s has too many %s", store_name(s), what);
}

static int store_revisions_add(struct store_revisions *r, uint64_t number)
{
	int rc = array_grow(&r->numbers, &r->capacity, r->count, sizeof *r->numbers);

	if (!rc)
		r->numbers[r->count++] = number;
	return rc;
}

static int store_revisions_fill(struct store *s, struct store_listing *l, uint64_t newest,
	struct store_revisions *out, struct trouble *t)
{
	struct store_item item;
	uint64_t number;
	int rc;

	while (!(rc = store_listing_next(l, &item, t))) {
		if (!store_path_is_revision(item.path, &number) || number > newest)
			continue;
		if (out->count == STORE_REVISIONS_MAX)
			return store_names_limit(s, "revisions", t);
		rc = store_revisions_add(out, number);
		if (rc)
			return rc;
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

int store_revisions_list(
	struct store *s, uint64_t newest, struct store_revisions *out, struct trouble *t)
{
	struct store_revisions found = {0};
	struct store_listing *l;
	int rc = store_list(s, "revisions/", &l, t);

	if (rc)
		return rc;
	rc = store_revisions_fill(s, l, newest, &found, t);
	store_listing_close(l);
	if (rc) {
		store_revisions_release(&found);
		return rc;
	}
	if (found.count > 0)
		qsort(found.numbers, found.count, sizeof *found.numbers, compare_revisions);
	*out = found;
	return 0;
}

void store_revisions_release(struct store_revisions *r)
{
	free(r->numbers);
	*r = (struct store_revisions){0};
}

static int store_tags_fill(
	struct store *s, struct store_listing *l, struct store_tags *out, struct trouble *t)
{
	char name[TAG_NAME_MAX + 1];
	struct store_item item;
	int rc;

	while (!(rc = store_listing_next(l, &item, t))) {
		if (!store_path_is_tag(item.path, name))
			continue;
		if (out->count == STORE_TAGS_MAX)
			return store_names_limit(s, "tags", t);
		rc = array_grow(
			&out->names, &out->capacity, out->count, sizeof *out->names);
		if (rc)
			return rc;
		memcpy(out->names[out->count++], name, sizeof name);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}

int store_tags_list(struct store *s, struct store_tags *out, struct trouble *t)
{
	struct store_tags found = {0};
	struct store_listing *l;
	int rc = store_list(s, "tags/", &l, t);

	if (rc)
		return rc;
	rc = store_tags_fill(s, l, &found, t);
	store_listing_close(l);
	if (rc) {
		store_tags_release(&found);
		return rc;
	}
	if (found.count > 0)
		qsort(found.names, found.count, sizeof *found.names, compare_tags);
	*out = found;
	return 0;
}

void store_tags_release(struct store_tags *l)
{
	free(l->names);
	*l = (struct store_tags){0};
}
