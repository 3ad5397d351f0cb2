/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>

#include "fs/dot_cairn_bring.h"

#include "fs/filesystem.h"
#include "util/clock.h"

/* The manifest of a revision, of a tag, or the newest. */
static int dot_bring(struct filesystem *fs, uint64_t revision, const char *tag,
	int64_t until, struct manifest **out, struct trouble *t)
{
	const struct revision_source *s = fs->dot_cairn->source;
	int64_t left = until - clock_monotonic();

	if (left <= 0)
		return trouble_set(t, ERR_TIMEOUT, "%s", error_text(ERR_TIMEOUT));
	return s->bring(s->ctx, revision, tag, left, out, t);
}

/* The kernel must not have been told that there are no extended attributes, nor be told so
 * from now on. */
static int dot_retain(struct filesystem *fs, const struct manifest *m, struct trouble *t)
{
	const struct retained *r;
	int rc;

	assert(m);
	if (m->totals.xattrs > 0)
		atomic_store(&fs->shows_xattrs, true);
	rc = filesystem_check_attributes(fs, m, t);
	if (rc)
		return rc;
	rc = retained_add(fs->retained, m, &r);
	return rc ? trouble_set(t, rc, "%s", error_text(rc)) : 0;
}

int dot_cairn_bring_revision(
	struct filesystem *fs, uint64_t revision, int64_t until, struct trouble *t)
{
	struct manifest *m = NULL;
	int rc;

	if (retained_find(fs->retained, revision))
		return 0;
	rc = dot_bring(fs, revision, NULL, until, &m, t);
	if (!rc)
		rc = dot_retain(fs, m, t);
	manifest_free(m);
	return rc;
}

int dot_cairn_bring_tag(
	struct filesystem *fs, const char *tag, int64_t until, struct trouble *t)
{
	struct revision_names *names = &fs->dot_cairn->names;
	struct manifest *m = NULL;
	int rc = dot_bring(fs, 0, tag, until, &m, t);

	if (!rc)
		rc = dot_retain(fs, m, t);
	if (!rc)
		rc = revision_names_set_tag(names, tag, m->revision, clock_monotonic());
	else if (rc == ERR_ABSENT)
		(void)revision_names_set_tag(names, tag, 0, 0); /* takes no memory */
	else
		revision_names_keep_tag(names, tag, clock_monotonic());
	manifest_free(m);
	return rc;
}

/* Does the store have that revision? ERR_ABSENT: no. */
static int dot_probe(
	struct filesystem *fs, uint64_t revision, int64_t until, struct trouble *t)
{
	struct manifest *m = NULL;
	int rc = dot_bring(fs, revision, NULL, until, &m, t);

	manifest_free(m);
	return rc;
}

/* Stores cannot be listed. They give up revisions from the oldest on, so the oldest that is
 * left is found by halving: in one question where it is the one that it was, or the first.
 * It ends with r->oldest at one that is there, whatever goes wrong. */
static int dot_find_oldest(
	struct filesystem *fs, struct revision_range *r, int64_t until, struct trouble *t)
{
	uint64_t gone = 0, guess = r->oldest && r->oldest < r->newest ? r->oldest : 1;
	int rc;

	r->oldest = r->newest;
	while (gone + 1 < r->oldest) {
		rc = dot_probe(fs, guess, until, t);
		if (rc && rc != ERR_ABSENT)
			return rc;
		if (!rc) {
			r->oldest = guess;
			/* The first guess is that of who knows. */
			if (!gone)
				return 0;
		} else {
			gone = guess;
		}
		guess = gone + (r->oldest - gone) / 2;
	}
	return 0;
}

static uint64_t revision_shown(struct filesystem *fs)
{
	unsigned side;
	uint64_t revision = views_enter(&fs->views, &side)->revision;

	views_leave(&fs->views, side);
	return revision;
}

int dot_cairn_bring_range(struct filesystem *fs, int64_t until, struct trouble *t)
{
	struct revision_range r = revision_names_range(&fs->dot_cairn->names);
	uint64_t shown = revision_shown(fs), before = r.newest;
	struct manifest *m = NULL;
	int rc = dot_bring(fs, 0, NULL, until, &m, t);

	if (m)
		r.newest = m->revision;
	if (r.newest < shown)
		r.newest = shown;
	manifest_free(m);
	if (!rc)
		rc = dot_find_oldest(fs, &r, until, t);
	else if (!before)
		r.oldest = r.newest;
	r.asked = clock_monotonic();
	revision_names_set_range(&fs->dot_cairn->names, &r);
	return rc;
}
