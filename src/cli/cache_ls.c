/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/cache_ls.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/inspect.h"
#include "cli/entry_text.h"
#include "cli/held.h"
#include "cli/json_output.h"
#include "cli/size.h"
#include "format/json.h"
#include "format/json_byte_string.h"

struct held {
	const struct cache_command *command;
	const char *under; /* only this path and what is below; "" all */
	struct held_gaps gaps;
	uint64_t files, bytes, resident;
};

static bool is_under(const struct entry *e, const char *under)
{
	size_t n = strlen(under);
	char *path;
	bool yes;

	if (!n)
		return true;
	path = entry_path_text(e);
	yes = path && strncmp(path, under, n) == 0 && (path[n] == '\0' || path[n] == '/');
	free(path);
	return yes;
}

static int held_json(const struct entry *e, uint64_t resident, const struct cache_object *o)
{
	json_t *json = entry_json(e);

	json_object_set_new(json, "resident", json_integer((json_int_t)resident));
	json_object_set_new(json, "last_use", json_integer((json_int_t)o->last_use));
	json_object_set_new(json, "pinned", json_boolean(o->pinned));
	return json_output(json, JSON_COMPACT);
}

static void held_text(
	const struct entry *e, uint64_t resident, const struct cache_object *o)
{
	uint64_t size = entry_data_size(e);
	char a[SIZE_TEXT], b[SIZE_TEXT], when[TIME_TEXT];

	time_text(o->last_use, 0, when);
	printf("%3d%% %10s of %10s  %.16s %c ",
		size ? (int)((double)resident * 100 / (double)size) : 100,
		size_text(resident, a), size_text(size, b),
		o->last_use ? when : "       -        ", o->pinned ? 'P' : ' ');
	if (e->parent.size) {
		put_name(stdout, e->parent);
		putchar('/');
	}
	put_name(stdout, e->name);
	putchar('\n');
}

static int held_entry(void *ctx, struct attempt *a, const struct entry *e)
{
	struct cache_object object;
	struct held *h = ctx;
	uint64_t resident;
	int rc;

	if (e->type != ENTRY_FILE || !e->has_content || !is_under(e, h->under))
		return 0;
	rc = held_look(a, e, &resident, &object);
	if (rc)
		return rc;
	h->files++;
	h->bytes += entry_data_size(e);
	h->resident += resident;
	if (!resident && !h->command->all)
		return 0;
	if (h->command->json)
		return held_json(e, resident, &object);
	held_text(e, resident, &object);
	return 0;
}

static void say_dataset(const struct manifest *m, const char *url)
{
	put_name(stdout, span_of_string(m->name));
	printf(", revision %llu, ", (unsigned long long)m->revision);
	put_name(stdout, span_of_string(url));
	putchar('\n');
}

/* Which dataset the lines before are of, and what they leave out. */
static int total_json(const struct held *h, const struct dataset *d)
{
	return json_output(
		json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:I}", "dataset", d->manifest->name,
			"url", json_byte_string(span_of_string(d->url)), "revision",
			(json_int_t)d->manifest->revision, "files", (json_int_t)h->files,
			"bytes", (json_int_t)h->bytes, "resident", (json_int_t)h->resident,
			"unlisted", (json_int_t)h->gaps.entries),
		JSON_COMPACT);
}

static void total_text(const struct held *h)
{
	char a[SIZE_TEXT], b[SIZE_TEXT];

	printf("%s of %s in %llu files; %llu entries not listed yet\n",
		size_text(h->resident, a), size_text(h->bytes, b),
		(unsigned long long)h->files, (unsigned long long)h->gaps.entries);
}

static int list_below(void *ctx, struct reader *r, const char *under, struct trouble *t)
{
	const struct cache_command *c = ctx;
	const struct manifest *m = r->dataset->manifest;
	struct held h = {.command = c, .under = under};
	int rc;

	if (!c->json)
		say_dataset(m, r->dataset->url);
	rc = held_each(r, held_entry, &h, &h.gaps);
	if (!rc && c->json)
		rc = total_json(&h, r->dataset);
	else if (!rc)
		total_text(&h);
	if (rc)
		return trouble_set(t, rc, "cannot list what is held of %s: %s",
			r->dataset->url, error_text(rc));
	return 0;
}

struct urls {
	char **list;
	size_t count;
};

static int collect_url(void *ctx, const struct cache_dataset *d)
{
	struct urls *u = ctx;
	char **grown = realloc(u->list, (u->count + 1) * sizeof *grown);

	if (!grown)
		return ERR_NO_MEMORY;
	u->list = grown;
	u->list[u->count] = strdup(d->url);
	return u->list[u->count] ? (u->count++, 0) : ERR_NO_MEMORY;
}

static int list_all(struct cache_command *c, struct trouble *t)
{
	struct reader r = {.log = log_new_stderr(LOG_LEVEL_WARNING)};
	struct urls u = {0};
	struct trouble one = {0};
	int rc = reader_open_cache(&r, &c->reader, t);

	if (!rc)
		rc = cache_each_dataset(r.cache, collect_url, &u);
	reader_close(&r);
	for (size_t i = 0; i < u.count; i++) {
		c->argc = 1;
		c->argv = &u.list[i];
		/* One that cannot be listed keeps none of the others from it. */
		if (cache_command_each_path(c, true, list_below, c, &one) == 0)
			continue;
		if (rc)
			command_fail("cache", t);
		*t = one;
		rc = one.code;
	}
	for (size_t i = 0; i < u.count; i++)
		free(u.list[i]);
	free(u.list);
	return rc;
}

int cache_ls(struct cache_command *c, struct trouble *t)
{
	if (!c->argc)
		return list_all(c, t);
	return cache_command_each_path(c, true, list_below, c, t);
}
