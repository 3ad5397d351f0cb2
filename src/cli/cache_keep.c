/* SPDX-License-Identifier: MIT */
/* What is to be kept and what is to go: pin, unpin, evict. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/inspect.h"
#include "cli/cache_commands.h"
#include "cli/selection.h"
#include "cli/size.h"

struct keep {
	struct reader *reader;
	const char *pin; /* pin under this name, or NULL: evict */
	bool even_pinned;
	struct digest last; /* files of a bundle come one after another */
	uint64_t objects, freed, busy;
};

static int each_entry(void *ctx, const struct entry *e, uint64_t rank, struct trouble *t)
{
	struct keep *k = ctx;
	uint64_t freed = 0;
	int rc;

	(void)rank;
	if (e->type != ENTRY_FILE || !e->has_content ||
		digest_equal(&k->last, &e->object.digest))
		return 0;
	k->last = e->object.digest;
	if (k->pin)
		rc = cache_pin(k->reader->cache, k->pin, &e->object.digest);
	else
		rc = cache_evict_object(
			k->reader->cache, &e->object.digest, k->even_pinned, &freed);
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

static int each_selected(void *ctx, const char *path, const struct entry *e, uint64_t rank,
	struct trouble *t)
{
	struct keep *k = ctx;
	uint64_t first, end;
	int rc = each_entry(k, e, rank, t);

	if (rc || e->type != ENTRY_DIRECTORY)
		return rc;
	rc = reader_subtree(k->reader, path, &first, &end, t);
	return rc ? rc : reader_walk(k->reader, first, end, each_entry, k, t);
}

/* The name of a pin: dataset and path, so that the same words unpin. */
static char *pin_name(const struct reader *r, const char *path)
{
	char *name = NULL;

	return asprintf(&name, "%s /%s", r->dataset->url, path) < 0 ? NULL : name;
}

static int pin_or_unpin(struct keep *k, const char *path, bool unpin, struct trouble *t)
{
	char *name = pin_name(k->reader, path);
	uint64_t objects = 0;
	int rc;

	if (!name)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	k->pin = name;
	if (unpin) {
		rc = cache_unpin(k->reader->cache, name, &objects);
		k->objects += objects;
		if (rc == ERR_ABSENT)
			trouble_set(
				t, rc, "/%s is not pinned (see `cairn cache info`)", path);
	} else {
		rc = selection_each(k->reader, path, each_selected, k, t);
	}
	k->pin = NULL;
	free(name);
	return rc;
}

enum keep_verb { KEEP_PIN, KEEP_UNPIN, KEEP_EVICT };

static int keep_paths(
	struct cache_command *c, enum keep_verb verb, struct keep *k, struct trouble *t)
{
	struct reader r = {0};
	char *below = NULL;
	int rc = cache_command_open(c, verb != KEEP_PIN, &r, &below, t);

	k->reader = &r;
	for (int i = 0; !rc && i < (c->argc > 1 ? c->argc - 1 : 1); i++) {
		char *joined = NULL, *path = NULL;

		if (asprintf(&joined, "%s/%s", below ? below : "",
			    c->argc > 1 ? c->argv[i + 1] : "") < 0)
			joined = NULL;
		path = joined ? reader_path(joined, t) : NULL;
		if (!path)
			rc = ERR_INVALID;
		else if (verb == KEEP_EVICT)
			rc = selection_each(&r, path, each_selected, k, t);
		else
			rc = pin_or_unpin(k, path, verb == KEEP_UNPIN, t);
		free(path);
		free(joined);
	}
	free(below);
	if (r.cache)
		reader_close(&r);
	return rc;
}

static int pin(struct cache_command *c, bool unpin, struct trouble *t)
{
	struct keep k = {0};
	int rc;

	if (c->argc < 1)
		return command_use("cache", "URL or mount point, and paths, are needed");
	rc = keep_paths(c, unpin ? KEEP_UNPIN : KEEP_PIN, &k, t);
	if (!rc && c->json)
		printf("{\"objects\":%llu}\n", (unsigned long long)k.objects);
	else if (!rc)
		printf("%llu objects %s\n", (unsigned long long)k.objects,
			unpin ? "unpinned"
			      : "pinned; `cairn prefetch` brings what is not here");
	return rc;
}

int cache_command_pin(struct cache_command *c, struct trouble *t)
{
	return pin(c, false, t);
}

int cache_command_unpin(struct cache_command *c, struct trouble *t)
{
	return pin(c, true, t);
}

static int evict_whole(struct cache_command *c, struct keep *k, struct trouble *t)
{
	struct reader r = {.log = log_new_stderr(LOG_LEVEL_WARNING)};
	int rc = reader_open_cache(&r, &c->reader, t);

	if (!rc)
		rc = c->all ? cache_clear(r.cache, &k->freed)
			    : cache_evict_to(r.cache, c->target, &k->freed);
	if (rc && !t->text[0])
		trouble_set(t, rc, "cannot evict: %s", error_text(rc));
	reader_close(&r);
	return rc;
}

int cache_command_evict(struct cache_command *c, struct trouble *t)
{
	struct keep k = {0};
	char size[SIZE_TEXT];
	int rc;

	if ((c->argc > 0) + c->all + c->has_target != 1)
		return command_use(
			"cache", "evict takes one of --all, --to SIZE, or URL and paths");
	rc = c->argc ? keep_paths(c, KEEP_EVICT, &k, t) : evict_whole(c, &k, t);
	if (rc)
		return rc;
	if (c->json)
		printf("{\"freed\":%llu,\"kept\":%llu}\n", (unsigned long long)k.freed,
			(unsigned long long)k.busy);
	else
		printf("%s freed%s\n", size_text(k.freed, size),
			k.busy ? "; objects that are pinned (cairn cache unpin) or open in "
				 "a "
				 "mount were left"
			       : "");
	return 0;
}
