/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/cache_keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/inspect.h"
#include "cli/selection.h"
#include "cli/size.h"

enum keep_verb { KEEP_PIN, KEEP_UNPIN, KEEP_EVICT };

struct keep {
	enum keep_verb verb;
	struct reader *reader;
	const char *pin;       /* pin under this name, or NULL: evict */
	struct object_id last; /* files of a bundle come one after another */
	uint64_t objects, freed, busy;
	uint64_t datasets; /* whose manifest and root page were left */
};

static int keep_entry(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	const struct object_id id = object_id_of(&e->object);
	struct keep *k = ctx;
	uint64_t freed = 0;
	int rc;

	(void)rank;
	if (e->type != ENTRY_FILE || !e->has_content || object_id_equal(&k->last, &id))
		return 0;
	k->last = id;
	if (k->pin)
		rc = cache_pin(k->reader->cache, k->pin, &id);
	else
		rc = cache_evict_object(k->reader->cache, &id, false, &freed);
	if (rc == ERR_BUSY) {
		k->busy++;
		return 0;
	}
	if (rc == ERR_ABSENT)
		return 0;
	k->freed += freed;
	k->objects += rc == 0;
	return rc ? trouble_set(t, rc, "the cache says: %s", error_text(rc)) : 0;
}

static int keep_selected(void *ctx, const char *path, const struct entry *e, uint64_t rank,
	struct trouble *t)
{
	struct keep *k = ctx;
	uint64_t first, end;
	int rc = keep_entry(k, e, rank, t);

	if (rc || e->type != ENTRY_DIRECTORY)
		return rc;
	rc = reader_subtree(k->reader, path, &first, &end, t);
	return rc ? rc : reader_walk(k->reader, first, end, keep_entry, k, t);
}

/* The name of a pin: dataset and path, so that the same words unpin. */
static char *pin_name(const struct reader *r, const char *path)
{
	char *name = NULL;

	return asprintf(&name, "%s /%s", r->dataset->url, path) < 0 ? NULL : name;
}

static int keep_pinned(struct keep *k, const char *path, struct trouble *t)
{
	char *name = pin_name(k->reader, path);
	uint64_t objects = 0;
	int rc;

	if (!name)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	k->pin = name;
	if (k->verb == KEEP_PIN) {
		rc = selection_each(k->reader, path, keep_selected, k, t);
	} else {
		rc = cache_unpin(k->reader->cache, name, &objects);
		k->objects += objects;
		if (rc == ERR_ABSENT)
			trouble_set(
				t, rc, "/%s is not pinned (see `cairn cache info`)", path);
	}
	k->pin = NULL;
	free(name);
	return rc;
}

static int keep_path(void *ctx, struct reader *r, const char *path, struct trouble *t)
{
	struct keep *k = ctx;

	k->reader = r;
	if (k->verb != KEEP_EVICT)
		return keep_pinned(k, path, t);
	return selection_each(r, path, keep_selected, k, t);
}

static int pin_paths(struct cache_command *c, enum keep_verb verb, struct trouble *t)
{
	struct keep k = {.verb = verb};
	int rc;

	if (c->argc < 1)
		return command_use("cache", "URL or mount point, and paths, are needed");
	rc = cache_command_each_path(c, verb == KEEP_UNPIN, keep_path, &k, t);
	if (!rc && c->json)
		printf("{\"objects\":%llu}\n", (unsigned long long)k.objects);
	else if (!rc)
		printf("%llu objects %s\n", (unsigned long long)k.objects,
			verb == KEEP_UNPIN
				? "unpinned"
				: "pinned; `cairn prefetch` brings what is not here");
	return rc;
}

int cache_keep_pin(struct cache_command *c, struct trouble *t)
{
	return pin_paths(c, KEEP_PIN, t);
}

int cache_keep_unpin(struct cache_command *c, struct trouble *t)
{
	return pin_paths(c, KEEP_UNPIN, t);
}

static int count_dataset(void *ctx, const struct cache_dataset *d)
{
	(void)d;
	++*(uint64_t *)ctx;
	return 0;
}

static int evict_whole(struct cache_command *c, struct keep *k, struct trouble *t)
{
	struct reader r = {.log = log_new_stderr(LOG_LEVEL_WARNING)};
	int rc = reader_open_cache(&r, &c->reader, t);

	if (!rc)
		rc = c->all ? cache_clear(r.cache, &k->freed)
			    : cache_evict_to(r.cache, c->target, &k->freed);
	if (!rc && c->all)
		rc = cache_each_dataset(r.cache, count_dataset, &k->datasets);
	if (rc && !t->text[0])
		trouble_set(t, rc, "cannot evict: %s", error_text(rc));
	reader_close(&r);
	return rc;
}

static void print_evicted(const struct cache_command *c, const struct keep *k)
{
	char size[SIZE_TEXT];

	if (c->json) {
		printf("{\"freed\":%llu,\"kept\":%llu", (unsigned long long)k->freed,
			(unsigned long long)k->busy);
		if (c->all)
			printf(",\"datasets\":%llu", (unsigned long long)k->datasets);
		printf("}\n");
		return;
	}
	printf("%s freed%s\n", size_text(k->freed, size),
		k->busy ? "; objects that are pinned (cairn cache unpin) or open in a "
			  "mount "
			  "were left"
			: "");
	if (k->datasets)
		printf("what %llu datasets need to mount --offline, the manifest and the "
		       "root page of each, was left\n",
			(unsigned long long)k->datasets);
}

int cache_keep_evict(struct cache_command *c, struct trouble *t)
{
	struct keep k = {.verb = KEEP_EVICT};
	int rc;

	if ((c->argc > 0) + c->all + c->has_target != 1)
		return command_use(
			"cache", "evict takes one of --all, --to SIZE, or URL and paths");
	rc = c->argc ? cache_command_each_path(c, true, keep_path, &k, t)
		     : evict_whole(c, &k, t);
	if (rc)
		return rc;
	print_evicted(c, &k);
	return 0;
}
