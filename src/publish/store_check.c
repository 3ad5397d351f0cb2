/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/store_check.h"

#include <stdlib.h>

#include "publish/check_run.h"
#include "publish/store_recovery.h"
#include "util/clock.h"

#define CHECK_REPORT_EVERY (200 * NS_PER_MS)

bool check_is_rot(int rc)
{
	return rc == ERR_CORRUPT || rc == ERR_ABSENT || rc == ERR_LIMIT ||
	       rc == ERR_UNTRUSTED || rc == ERR_UNSUPPORTED;
}

static bool is_of_store(enum check_about about)
{
	return about != CHECK_FILE && about != CHECK_FILES && about != CHECK_UNREFERENCED;
}

void check_say(struct check_run *c, const struct check_finding *f)
{
	pthread_mutex_lock(&c->check_mtx);
	if (is_of_store(f->about)) {
		c->counts->rotten++;
		c->counts->mended += f->mended;
	} else if (f->about == CHECK_UNREFERENCED) {
		c->counts->unreferenced++;
		c->counts->unreferenced_bytes += f->size;
	} else {
		c->counts->files += f->about == CHECK_FILE ? 1 : f->size;
	}
	c->o->say(c->o->ctx, f);
	pthread_mutex_unlock(&c->check_mtx);
}

void check_say_file(struct check_run *c, enum check_about about, const char *path,
	uint64_t revision, bool mended, const struct trouble *t)
{
	const struct check_finding f = {
		.about = about,
		.code = t->code ? t->code : ERR_CORRUPT,
		.path = path,
		.revision = revision,
		.mended = mended,
		.text = t->text,
	};

	check_say(c, &f);
}

void check_report(struct check_run *c)
{
	struct store_check_counts counts;
	int64_t now = clock_monotonic();

	if (!c->o->progress || now - c->reported < CHECK_REPORT_EVERY)
		return;
	c->reported = now;
	pthread_mutex_lock(&c->check_mtx);
	counts = *c->counts;
	pthread_mutex_unlock(&c->check_mtx);
	c->o->progress(c->o->ctx, &counts);
}

/* What a writer left that was cut off is looked at before its mark may go. */
static int check_recover(struct check_run *c, struct trouble *t)
{
	struct store_recovery r = {
		.store = c->o->store, .jobs = c->o->jobs ? c->o->jobs : 1};

	return c->o->repair ? store_recover(&r, t) : 0;
}

/* Durable, and no mark left of what was put. */
static int check_settle(struct check_run *c, struct trouble *t)
{
	int rc = store_sync(c->o->store, t);

	return rc ? rc : store_settle(c->o->store, t);
}

static int check_all(struct check_run *c, struct trouble *t)
{
	int rc = check_recover(c, t);

	if (!rc)
		rc = check_documents(c, t);
	if (!rc)
		rc = check_blobs(c, t);
	if (!rc && c->rotten_count && c->o->repair && c->o->source >= 0)
		rc = check_rebuild(c, t);
	if (!rc && c->rotten_count)
		rc = check_impact(c, t);
	if (!rc && c->o->repair)
		rc = check_settle(c, t);
	return rc;
}

int store_check(const struct store_check_options *options, struct store_check_counts *out,
	struct trouble *t)
{
	struct check_run c = {.o = options, .counts = out, .from = options->from};
	int rc;

	*out = (struct store_check_counts){0};
	c.bases.memory = (options->memory ? options->memory : (uint64_t)128 << 20) / 4;
	pthread_mutex_init(&c.check_mtx, NULL);
	rc = check_all(&c, t);
	if (c.own_from)
		store_close(c.from);
	manifest_free(c.newest);
	bytes_release(&c.newest_text);
	store_revisions_release(&c.all);
	digest_set_release(&c.bases);
	free(c.rotten);
	pthread_mutex_destroy(&c.check_mtx);
	return rc;
}
