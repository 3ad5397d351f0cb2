/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "cache/meta/settings.h"
#include "cache/objects/meta_directory.h"
#include "cache/write/renewal.h"

#define PAUSE                                                                              \
	NS_PER_SECOND /* after a try in vain, and twice as long after the next ...         \
		       */
#define REOPEN_WAIT (30 * NS_PER_SECOND)
#define PAUSES_MAX 6 /* ... up to a minute */

/* Whoever comes first sets them aside; the others find new ones. */
static int renewal_set_aside(struct write_context *x, struct trouble *t)
{
	if (!meta_directory_is_damaged(x->directory))
		return 0;
	log_warning(x->log,
		"cache: the metadata in %s is damaged: moved to meta.damaged, and "
		"begun anew",
		x->directory->path);
	return meta_directory_set_aside(x->directory, t);
}

/* What the cache was told when it was opened. */
static int renewal_enter(struct write_context *x, struct trouble *t)
{
	struct settings s = {.set_quota = x->has_limits,
		.set_floor = x->has_limits,
		.quota = x->limits.quota,
		.floor = x->limits.floor,
		.epoch.boot = x->boot};
	int rc = settings_enter(x->metadata, write_context_deadline(x), &s);

	return rc ? trouble_set(t, rc, "cannot use the cache %s: %s", x->directory->path,
			    error_text(rc))
		  : 0;
}

static int renewal_try(struct write_context *x, struct trouble *t)
{
	char *path = NULL;
	int rc = metadata_shut(x->metadata);

	if (rc)
		return trouble_set(
			t, rc, "the metadata of %s is in use", x->directory->path);
	rc = renewal_set_aside(x, t);
	if (!rc)
		rc = meta_directory_open(x->directory, &path, t);
	if (!rc)
		rc = metadata_reopen(x->metadata, clock_monotonic() + REOPEN_WAIT, t);
	free(path);
	return rc ? rc : renewal_enter(x, t);
}

static void renewal_failed(
	struct renewal *r, struct write_context *x, const struct trouble *t)
{
	if (r->vain == 0)
		log_warning(x->log, "cache: %s: what is read now is not kept", t->text);
	if (r->vain < PAUSES_MAX)
		r->vain++;
	r->next = clock_monotonic() + (PAUSE << (r->vain - 1));
}

/* Whoever comes next would open others than we have, and neither would know of the other.
 */
static bool books_are_elsewhere(struct write_context *x)
{
	uint64_t transaction;
	int fd;

	return !metadata_file(x->metadata, &fd, &transaction) &&
	       !meta_directory_has(x->directory, fd);
}

static enum metadata_state look_for_books(struct write_context *x)
{
	enum metadata_state found = metadata_look(x->metadata);

	if (found != METADATA_SOUND || !books_are_elsewhere(x))
		return found;
	log_warning(x->log,
		"cache: somebody has removed the metadata in %s, or put another in its "
		"place: begun anew",
		x->directory->path);
	metadata_damaged(x->metadata);
	return METADATA_DAMAGED;
}

bool renewal_run(struct renewal *r, struct write_context *x)
{
	enum metadata_state found = look_for_books(x);
	struct trouble t = {.text = ""};
	int rc;

	if ((found == METADATA_SOUND && !r->vain) || clock_monotonic() < r->next)
		return false;
	rc = meta_directory_hold(x->directory, write_context_deadline(x), &t);
	if (!rc) {
		rc = renewal_try(x, &t);
		meta_directory_release(x->directory);
	}
	if (rc) {
		renewal_failed(r, x, &t);
		return false;
	}
	if (found != METADATA_DAMAGED)
		log_warning(x->log, "cache: the metadata in %s was opened again",
			x->directory->path);
	*r = (struct renewal){0};
	x->has_strays = true;
	write_queue_ask_repair(x->queue);
	return true;
}
