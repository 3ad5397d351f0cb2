/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/cache_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mounts.h"

int cache_command_open(struct cache_command *c, bool offline, struct reader *r,
	char **below, struct trouble *t)
{
	struct mount_record m = {0};
	int rc;

	*below = NULL;
	if (!strstr(c->argv[0], "://") && mounts_find(c->argv[0], &m, below) == 0)
		mounts_options(&m, &c->reader);
	else if (reader_is_url(c->argv[0]))
		c->reader.dataset.url = c->argv[0];
	else
		return trouble_set(t, ERR_ABSENT,
			"%s is neither a store's URL nor in a running cairn mount",
			c->argv[0]);
	c->reader.dataset.offline |= offline;
	rc = reader_open(r, &c->reader, NULL, t);
	mount_record_release(&m);
	return rc;
}

/* Operand `i`, or all, below the mount point: heap, or NULL with a sentence. */
static char *operand_path(
	const struct cache_command *c, int i, const char *below, struct trouble *t)
{
	char *joined = NULL, *path;

	if (asprintf(&joined, "%s/%s", below ? below : "", i < c->argc ? c->argv[i] : "") <
		0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory"), NULL;
	path = reader_path(joined, t);
	free(joined);
	return path;
}

int cache_command_each_path(struct cache_command *c, bool offline,
	cache_command_path_fn each, void *ctx, struct trouble *t)
{
	struct reader r = {0};
	char *below = NULL, *path;
	int rc = cache_command_open(c, offline, &r, &below, t);

	for (int i = 1; !rc && (i == 1 || i < c->argc); i++) {
		path = operand_path(c, i, below, t);
		rc = path ? each(ctx, &r, path, t) : t->code;
		free(path);
	}
	free(below);
	if (r.cache)
		reader_close(&r);
	return rc;
}
