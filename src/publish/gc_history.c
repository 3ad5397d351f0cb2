/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "publish/gc_history.h"
#include "util/array.h"

static int gc_history_compare_revisions(const void *a, const void *b)
{
	const struct gc_revision *x = a, *y = b;

	return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

static int gc_history_compare_tags(const void *a, const void *b)
{
	return strcmp(((const struct gc_tag *)a)->name, ((const struct gc_tag *)b)->name);
}

static int gc_history_add_revision(struct gc_history *h, const struct gc_options *o,
	const char *path, struct trouble *t)
{
	struct gc_revision r = {.number = 0};
	int rc;

	if (!store_path_is_revision(path, &r.number))
		return 0;
	if (h->count == GC_REVISIONS_MAX)
		return trouble_set(t, ERR_LIMIT, "the store %s has more than %u revisions",
			store_name(o->store), GC_REVISIONS_MAX);
	rc = array_grow(&h->revisions, &h->capacity, h->count, sizeof *h->revisions);
	if (!rc)
		h->revisions[h->count++] = r;
	return rc;
}

static int gc_history_add_tag(struct gc_history *h, const struct gc_options *o,
	const char *path, struct trouble *t)
{
	struct gc_tag tag = {.revision = 0};
	int rc;

	if (!store_path_is_tag(path, tag.name))
		return 0;
	if (h->tag_count == GC_TAGS_MAX)
		return trouble_set(t, ERR_LIMIT, "the store %s has more than %u tags",
			store_name(o->store), GC_TAGS_MAX);
	rc = array_grow(&h->tags, &h->tag_capacity, h->tag_count, sizeof *h->tags);
	if (!rc)
		h->tags[h->tag_count++] = tag;
	return rc;
}

static int gc_history_list(struct gc_history *h, const struct gc_options *o,
	const char *prefix,
	int (*add)(struct gc_history *h, const struct gc_options *o, const char *path,
		struct trouble *t),
	struct trouble *t)
{
	struct store_listing *listing;
	struct store_item item;
	int rc = store_list(o->store, prefix, &listing, t);

	if (rc)
		return rc;
	while (!(rc = store_listing_next(listing, &item, t)))
		if ((rc = add(h, o, item.path, t)))
			break;
	store_listing_close(listing);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* When each was made. One that vanishes meanwhile is another gc's. */
static int gc_history_read_times(
	struct gc_history *h, const struct gc_options *o, struct trouble *t)
{
	struct bytes text = {0};
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < h->count && !rc; i++) {
		struct gc_progress p = {GC_READING, 0, i, h->count};
		struct gc_revision r = h->revisions[i];
		struct manifest *m;

		bytes_clear(&text);
		rc = store_read_revision(o->store, r.number, &text, &m, t);
		if (rc == ERR_ABSENT) {
			rc = 0;
			continue;
		}
		if (rc)
			break;
		r.created = m->created;
		manifest_free(m);
		h->revisions[kept++] = r;
		if (o->progress)
			o->progress(o->ctx, &p);
	}
	if (!rc)
		h->count = kept;
	bytes_release(&text);
	return rc;
}

static int gc_history_read_tags(
	struct gc_history *h, const struct gc_options *o, struct trouble *t)
{
	struct bytes text = {0};
	int rc = 0;

	for (size_t i = 0; i < h->tag_count && !rc; i++) {
		struct gc_tag *tag = &h->tags[i];
		struct trouble why = {0};
		struct tag *read;

		bytes_clear(&text);
		rc = store_read_tag(o->store, tag->name, &text, NULL, t);
		if (rc == ERR_ABSENT) { /* removed meanwhile: on no revision */
			rc = 0;
			continue;
		}
		if (rc)
			break;
		rc = tag_decode(span_of_bytes(&text), &read, &why);
		if (rc) {
			trouble_set(t, rc,
				"the tag %s in the store %s cannot be used, so what it "
				"keeps is not known: %.400s; remove it or set it anew",
				tag->name, store_name(o->store),
				why.text[0] ? why.text : error_text(rc));
			break;
		}
		tag->revision = read->revision;
		tag_free(read);
	}
	bytes_release(&text);
	return rc;
}

static struct gc_revision *gc_history_find(const struct gc_history *h, uint64_t number)
{
	const struct gc_revision key = {.number = number};

	return h->count ? bsearch(&key, h->revisions, h->count, sizeof key,
				  gc_history_compare_revisions)
			: NULL;
}

/* Those above the newest are of a publisher that is about to replace the manifest, or was
 * cut off before it did. */
static void gc_history_decide(struct gc_history *h, const struct gc_options *o)
{
	size_t above = 0;

	while (above < h->count && h->revisions[above].number > h->newest)
		h->revisions[above++].keep = true;
	gc_policy_apply(&o->policy, h->revisions + above, h->count - above);
	for (size_t i = 0; o->keep_tags && i < h->tag_count; i++) {
		struct gc_revision *r = gc_history_find(h, h->tags[i].revision);

		if (r)
			r->keep = true;
	}
}

int gc_history_read(struct gc_history *h, const struct gc_options *o, struct trouble *t)
{
	struct bytes text = {0};
	struct manifest *m;
	int rc = store_read_manifest(o->store, &text, &m, NULL, t);

	bytes_release(&text);
	if (rc == ERR_ABSENT)
		return trouble_set(t, rc, "nothing was published to the store %s yet",
			store_name(o->store));
	if (rc)
		return rc;
	h->newest = m->revision;
	manifest_free(m);
	rc = gc_history_list(h, o, "revisions/", gc_history_add_revision, t);
	if (!rc)
		rc = gc_history_list(h, o, "tags/", gc_history_add_tag, t);
	if (h->count)
		qsort(h->revisions, h->count, sizeof *h->revisions,
			gc_history_compare_revisions);
	if (h->tag_count)
		qsort(h->tags, h->tag_count, sizeof *h->tags, gc_history_compare_tags);
	if (!rc)
		rc = gc_history_read_times(h, o, t);
	if (!rc)
		rc = gc_history_read_tags(h, o, t);
	if (!rc)
		gc_history_decide(h, o);
	return rc;
}

void gc_history_release(struct gc_history *h)
{
	free(h->revisions);
	free(h->tags);
	*h = (struct gc_history){0};
}

static int gc_history_remove_tags(const struct gc_history *h, const struct gc_options *o,
	struct gc_result *out, struct trouble *t)
{
	int rc = 0;

	for (size_t i = 0; i < h->tag_count && !rc; i++) {
		const struct gc_revision *r = gc_history_find(h, h->tags[i].revision);

		if (!r || r->keep)
			continue;
		if (o->tag)
			o->tag(o->ctx, h->tags[i].name, r->number);
		out->removed_tags++;
		if (!o->dry_run)
			rc = store_remove_tag(o->store, h->tags[i].name, t);
		if (rc == ERR_ABSENT)
			rc = 0;
	}
	return rc;
}

int gc_history_remove(const struct gc_history *h, const struct gc_options *o,
	struct gc_result *out, struct trouble *t)
{
	int rc;

	for (size_t i = 0; i < h->count && o->revision; i++)
		o->revision(o->ctx, &h->revisions[i]);
	rc = gc_history_remove_tags(h, o, out, t);
	for (size_t i = h->count; i > 0 && !rc; i--) { /* the oldest first */
		const struct gc_revision *r = &h->revisions[i - 1];

		out->kept_revisions += r->keep;
		out->removed_revisions += !r->keep;
		if (!r->keep && !o->dry_run)
			rc = store_remove_revision(o->store, r->number, t);
		if (rc == ERR_ABSENT)
			rc = 0;
	}
	return rc || o->dry_run ? rc : store_sync(o->store, t);
}
