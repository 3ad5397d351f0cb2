/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "publish/gc_sweep.h"
#include "util/array.h"
#include "util/clock.h"

static bool is_marker(const char *path)
{
	return strncmp(path, TOMBSTONES_DELETING, strlen(TOMBSTONES_DELETING)) == 0;
}

static int sweep_note_list(
	struct gc_sweep *s, const struct store_item *item, struct trouble *t)
{
	struct gc_list list = {.due = is_marker(item->path)};
	int rc;

	if (s->count == TOMBSTONES_LISTS_MAX)
		return trouble_set(t, ERR_LIMIT,
			"the store %s has more than %d lists in tombstones/",
			store_name(s->o->store), TOMBSTONES_LISTS_MAX);
	rc = array_grow(&s->lists, &s->capacity, s->count, sizeof *s->lists);
	if (rc)
		return rc;
	snprintf(list.path, sizeof list.path, "%s", item->path);
	if (!list.due && item->mtime && item->mtime <= s->now - s->o->grace) {
		list.due = true;
		if (!s->any_due || item->mtime < s->oldest_due)
			s->oldest_due = item->mtime;
		s->any_due = true;
	}
	s->lists[s->count++] = list;
	return 0;
}

static int sweep_list_lists(struct gc_sweep *s, struct trouble *t)
{
	struct store_listing *listing;
	struct store_item item;
	int rc = store_list(s->o->store, "tombstones/", &listing, t);

	if (rc)
		return rc;
	while (!(rc = store_listing_next(listing, &item, t)))
		if (strcmp(item.path, s->marker) && (rc = sweep_note_list(s, &item, t)))
			break;
	store_listing_close(listing);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* The time that the store gives to what is written now. */
static int sweep_read_clock(struct gc_sweep *s, struct trouble *t)
{
	struct store_listing *listing;
	struct store_item item;
	int rc = store_list(s->o->store, s->marker, &listing, t);

	if (rc)
		return rc;
	while (!(rc = store_listing_next(listing, &item, t)))
		if (strcmp(item.path, s->marker) == 0)
			s->now = item.mtime;
	store_listing_close(listing);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int sweep_make_marker(struct gc_sweep *s, struct trouble *t)
{
	int rc;

	snprintf(s->marker, sizeof s->marker, TOMBSTONES_DELETING "%s.txt", s->prefix);
	rc = store_write_tombstones(
		s->o->store, s->marker, span_of_string(TOMBSTONES_HEAD), t);
	return rc ? rc : sweep_read_clock(s, t);
}

static int sweep_remove(struct gc_sweep *s, const char *path, struct trouble *t)
{
	int rc = store_remove_tombstones(s->o->store, path, t);

	return rc == ERR_ABSENT ? 0 : rc;
}

int gc_sweep_begin(struct gc_sweep *s, const struct gc_options *o, struct gc_result *result,
	struct trouble *t)
{
	uint32_t random = 0;
	int rc = 0;

	*s = (struct gc_sweep){.o = o, .result = result, .now = clock_realtime()};
	RAND_bytes((unsigned char *)&random, sizeof random);
	snprintf(s->prefix, sizeof s->prefix, "%" PRId64 "-%08" PRIx32,
		s->now / NS_PER_SECOND, random);
	if (!o->dry_run)
		rc = sweep_make_marker(s, t);
	if (!rc)
		rc = sweep_list_lists(s, t);
	if (!rc && !o->dry_run && !s->any_due && o->grace > 0) {
		rc = sweep_remove(s, s->marker, t); /* nothing will be deleted */
		s->marker[0] = '\0';
	}
	return rc;
}

struct sweep_flagging {
	struct digest_flags *flags;
	unsigned flag;
};

static int sweep_flag(void *ctx, const struct digest *blob, struct trouble *t)
{
	const struct sweep_flagging *f = ctx;
	unsigned before;

	(void)t;
	return digest_flags_add(f->flags, blob, f->flag, &before);
}

static int sweep_flag_list(struct gc_sweep *s, const struct gc_list *list,
	struct digest_flags *flags, struct trouble *t)
{
	struct sweep_flagging flagging = {flags, list->due ? GC_DUE : GC_WAITING};
	struct bytes text = {0};
	int rc = store_read_tombstones(s->o->store, list->path, &text, t);

	if (!rc)
		rc = tombstones_decode(span_of_bytes(&text), sweep_flag, &flagging, t);
	bytes_release(&text);
	if (rc == ERR_ABSENT)
		return 0;
	if (rc == ERR_CORRUPT) /* what it named is listed again */
		log_warning(s->o->log, "%s in the store %s is damaged, and is %s",
			list->path, store_name(s->o->store),
			list->due ? "removed" : "passed over");
	return rc == ERR_CORRUPT ? 0 : rc;
}

int gc_sweep_flag(struct gc_sweep *s, struct gc_marks *m, struct trouble *t)
{
	int rc = 0;

	for (size_t i = 0; i < s->count && !rc; i++)
		if (!is_marker(s->lists[i].path))
			rc = sweep_flag_list(s, &s->lists[i], m->flags, t);
	return rc;
}

static void sweep_count(struct gc_count *c, uint64_t bytes)
{
	c->blobs++;
	c->bytes += bytes;
}

static int sweep_write_list(struct gc_sweep *s, struct trouble *t)
{
	char path[STORE_PATH_MAX];
	int rc = 0;

	snprintf(path, sizeof path, "tombstones/%s-%06u.txt", s->prefix, s->serial++);
	if (s->list.rows)
		rc = store_write_tombstones(
			s->o->store, path, span_of_bytes(&s->list.text), t);
	bytes_clear(&s->list.text);
	s->list.rows = 0;
	return rc;
}

static int sweep_put_on_list(struct gc_sweep *s, const struct digest *blob,
	const struct store_item *item, struct trouble *t)
{
	int rc;

	sweep_count(&s->result->listed, item->size);
	if (s->o->dry_run)
		return 0;
	rc = tombstone_list_add(&s->list, blob);
	if (!rc && s->list.rows == TOMBSTONES_ROWS_MAX)
		rc = sweep_write_list(s, t);
	return rc;
}

/* Right before: a publisher may have put it again since it was listed. */
static int sweep_delete(struct gc_sweep *s, const struct digest *blob,
	const struct store_item *item, struct trouble *t)
{
	struct stored stored = {.mtime = item->mtime};
	int rc = 0;

	if (!s->o->dry_run && s->o->grace > 0)
		rc = store_find_blob(s->o->store, blob, &stored, NULL);
	if (rc == ERR_CORRUPT) /* whoever needs it writes it anew */
		rc = 0;
	if (!rc && s->o->grace > 0 && (!stored.mtime || stored.mtime >= s->oldest_due)) {
		sweep_count(&s->result->young, item->size);
		return 0;
	}
	if (!rc && !s->o->dry_run)
		rc = store_remove_blob(s->o->store, blob, t);
	if (!rc)
		sweep_count(&s->result->deleted, item->size);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int sweep_blob(struct gc_sweep *s, struct gc_marks *m, const struct store_item *item,
	const struct digest *blob, struct trouble *t)
{
	unsigned flags = digest_flags_of(m->flags, blob);

	if (flags & GC_NEEDED) {
		sweep_count(&s->result->needed, item->size);
		return 0;
	}
	if (s->o->grace == 0 || (flags & GC_DUE))
		return sweep_delete(s, blob, item, t);
	if (flags & GC_WAITING) {
		sweep_count(&s->result->waiting, item->size);
		return 0;
	}
	if (!item->mtime || item->mtime > s->now - s->o->grace) {
		sweep_count(&s->result->young, item->size);
		return 0;
	}
	return sweep_put_on_list(s, blob, item, t);
}

/* Those of which the first byte is so. */
static int sweep_directory(
	struct gc_sweep *s, struct gc_marks *m, unsigned byte, struct trouble *t)
{
	struct gc_progress p = {GC_SWEEPING, m->pass, (uint64_t)byte << 8, 1 << 16};
	struct store_listing *listing;
	struct store_item item;
	struct digest blob;
	char prefix[16];
	int rc;

	if (s->o->progress)
		s->o->progress(s->o->ctx, &p);
	snprintf(prefix, sizeof prefix, "blobs/%02x", byte);
	rc = store_list(s->o->store, prefix, &listing, t);
	if (rc)
		return rc;
	while (!(rc = store_listing_next(listing, &item, t))) {
		if (!store_path_is_blob(item.path, &blob) ||
			!digest_flags_covers(m->flags, &blob))
			continue;
		rc = sweep_blob(s, m, &item, &blob, t);
		if (rc)
			break;
	}
	store_listing_close(listing);
	return rc == ERR_ABSENT ? 0 : rc;
}

int gc_sweep_range(
	struct gc_sweep *s, struct gc_marks *m, uint64_t first, struct trouble *t)
{
	unsigned last = (unsigned)(digest_flags_last(m->flags) >> 56);
	int rc = 0;

	for (unsigned byte = (unsigned)(first >> 56); byte <= last && !rc; byte++)
		rc = sweep_directory(s, m, byte, t);
	return rc;
}

/* The marker last: as long as it is there, publishers take nothing for safe. */
int gc_sweep_finish(struct gc_sweep *s, struct trouble *t)
{
	int rc = 0;

	if (s->o->dry_run)
		return 0;
	rc = sweep_write_list(s, t);
	for (int markers = 0; markers < 2; markers++)
		for (size_t i = 0; i < s->count && !rc; i++)
			if (is_marker(s->lists[i].path) == markers &&
				(s->lists[i].due || s->o->grace == 0))
				rc = sweep_remove(s, s->lists[i].path, t);
	return rc;
}

void gc_sweep_end(struct gc_sweep *s)
{
	if (s->marker[0])
		sweep_remove(s, s->marker, NULL);
	tombstone_list_release(&s->list);
	free(s->lists);
}
