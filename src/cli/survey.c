/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/survey.h"

#include <stdlib.h>
#include <string.h>

#include "cli/entry_text.h"
#include "cli/progress.h"

#define NODES_MOST 1500 /* of one tree */

struct survey_walk {
	struct survey *survey;
	size_t dataset;
	size_t nodes; /* that its tree may have */
	struct progress *progress;
	uint64_t seen; /* bytes of files */
};

typedef bool (*file_before_fn)(const struct survey_file *a, const struct survey_file *b);

static bool is_larger(const struct survey_file *a, const struct survey_file *b)
{
	return a->resident > b->resident;
}

static bool is_older(const struct survey_file *a, const struct survey_file *b)
{
	return a->last_use < b->last_use;
}

/* Into its place, if it has one. */
static int files_add(struct survey_files *list, const struct survey_file *file,
	const struct entry *e, file_before_fn before)
{
	struct survey_file own = *file;
	size_t at = list->count;

	while (at > 0 && before(file, &list->files[at - 1]))
		at--;
	if (at == SURVEY_FILES)
		return 0;
	own.path = entry_path_text(e);
	if (!own.path)
		return ERR_NO_MEMORY;
	if (list->count == SURVEY_FILES)
		free(list->files[--list->count].path);
	memmove(&list->files[at + 1], &list->files[at],
		(list->count - at) * sizeof *list->files);
	list->files[at] = own;
	list->count++;
	return 0;
}

static int survey_file(void *ctx, struct attempt *a, const struct entry *e)
{
	struct survey_walk *w = ctx;
	struct survey *s = w->survey;
	struct survey_dataset *d = &s->datasets[w->dataset];
	struct survey_file file = {.dataset = w->dataset, .size = e->size};
	struct cache_object object = {0};
	struct size_sums sums = {.files = 1};
	int rc = 0;

	if (e->type != ENTRY_FILE)
		return 0;
	w->seen = page_bytes_add(w->seen, e->size);
	progress_set(w->progress, w->seen);
	if (e->has_content)
		rc = held_look(a, e, &file.resident, &object);
	if (rc)
		return rc;
	/* Holes are neither here nor elsewhere. */
	sums.bytes = entry_data_size(e);
	sums.resident = file.resident < sums.bytes ? file.resident : sums.bytes;
	sums.last_use = file.last_use = file.resident ? object.last_use : 0;
	file.pinned = object.pinned;
	rc = size_tree_add(d->tree, e->parent, e->name, &sums);
	if (!rc && file.resident)
		rc = files_add(&s->largest, &file, e, is_larger);
	if (!rc && file.resident && !file.pinned)
		rc = files_add(&s->oldest, &file, e, is_older);
	return rc;
}

static int survey_dataset(void *ctx, struct reader *r, const char *path, struct trouble *t)
{
	struct survey_walk *w = ctx;
	struct survey_dataset *d = &w->survey->datasets[w->dataset];
	int rc;

	(void)path; /* "": all of it */
	d->tree = size_tree_new();
	rc = d->tree ? held_each(r, survey_file, w, &d->gaps) : ERR_NO_MEMORY;
	if (!rc)
		rc = size_tree_finish(d->tree, w->nodes, &d->root);
	if (!rc)
		d->sums = d->root->sums;
	return rc ? trouble_set(t, rc, "it cannot be listed: %s", error_text(rc)) : 0;
}

static int note_dataset(void *ctx, const struct cache_dataset *c)
{
	struct survey *s = ctx;
	struct survey_dataset *d;

	if (s->dataset_count == SURVEY_DATASETS) {
		s->datasets_left_out++;
		return 0;
	}
	if (!s->datasets)
		s->datasets = calloc(SURVEY_DATASETS, sizeof *s->datasets);
	if (!s->datasets)
		return ERR_NO_MEMORY;
	d = &s->datasets[s->dataset_count++];
	d->name = strdup(c->name);
	d->url = strdup(c->url);
	d->revision = c->revision;
	d->accepted = c->accepted;
	return d->name && d->url ? 0 : ERR_NO_MEMORY;
}

static int note_pin(void *ctx, const char *pin, uint64_t objects)
{
	struct survey *s = ctx;

	if (s->pin_count == SURVEY_PINS) {
		s->pins_left_out++;
		return 0;
	}
	s->pins[s->pin_count].objects = objects;
	s->pins[s->pin_count].name = strdup(pin);
	return s->pins[s->pin_count++].name ? 0 : ERR_NO_MEMORY;
}

/* What the books say, without a look into any dataset. */
static int survey_books(struct cache_command *c, struct survey *s, struct trouble *t)
{
	struct reader r = {.log = log_new_stderr(LOG_LEVEL_WARNING)};
	int rc = reader_open_cache(&r, &c->reader, t);

	if (rc) {
		reader_close(&r);
		return rc;
	}
	rc = cache_info(r.cache, &s->info);
	if (!rc)
		rc = cache_each_dataset(r.cache, note_dataset, s);
	if (!rc)
		rc = cache_each_pin(r.cache, note_pin, s);
	reader_close(&r);
	return rc ? trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc)) : 0;
}

/* A few: each goes before those that have less. */
static void survey_order(struct survey *s)
{
	for (size_t i = 0; i < s->dataset_count; i++) {
		uint64_t here = s->datasets[i].sums.resident;
		size_t at = i;

		for (; at > 0 && s->datasets[s->order[at - 1]].sums.resident < here; at--)
			s->order[at] = s->order[at - 1];
		s->order[at] = i;
	}
}

int survey_take(struct cache_command *c, struct survey *out, struct trouble *t)
{
	struct survey_walk w = {.survey = out};
	int rc = survey_books(c, out, t);

	if (rc)
		return rc;
	w.progress = progress_new("report");
	w.nodes = out->dataset_count ? SURVEY_NODES / out->dataset_count : 0;
	w.nodes = w.nodes < NODES_MOST ? w.nodes : NODES_MOST;
	for (; w.dataset < out->dataset_count; w.dataset++) {
		struct survey_dataset *d = &out->datasets[w.dataset];
		struct trouble one = {0};

		c->argc = 1;
		c->argv = &d->url;
		/* One that cannot be listed keeps none of the others from it. */
		if (cache_command_each_path(c, true, survey_dataset, &w, &one)) {
			d->root = NULL;
			d->trouble = strdup(one.text);
		}
	}
	progress_end(w.progress);
	survey_order(out);
	return 0;
}

static void files_release(struct survey_files *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->files[i].path);
}

void survey_release(struct survey *s)
{
	for (size_t i = 0; i < s->dataset_count; i++) {
		free(s->datasets[i].name);
		free(s->datasets[i].url);
		free(s->datasets[i].trouble);
		size_tree_free(s->datasets[i].tree);
	}
	for (size_t i = 0; i < s->pin_count; i++)
		free(s->pins[i].name);
	files_release(&s->largest);
	files_release(&s->oldest);
	free(s->datasets);
	memset(s, 0, sizeof *s);
}
