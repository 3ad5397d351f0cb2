/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_profile.h"

#include <stdlib.h>
#include <string.h>

#include "cli/prefetcher.h"
#include "cli/profile_file.h"
#include "cli/profile_run.h"
#include "cli/size.h"
#include "dataset/refresh.h"
#include "util/clock.h"
#include "util/thread.h"

struct mount_profile {
	const char *file; /* NULL: the dataset's own */
	struct reader *reader;
	struct prefetcher *prefetcher;
	pthread_t thread;
	uint64_t failures; /* the thread's */
};

static void mount_profile_failed(
	void *ctx, const char *path, bool unkept, const struct trouble *t)
{
	struct mount_profile *p = ctx;

	p->failures++;
	log_info(p->reader->log, "profile: %s %s: %s", path ? path : "?",
		unkept ? "cannot be kept" : "cannot be had",
		t->text[0] ? t->text : error_text(t->code));
}

/* A file that has been lost takes no other with it. */
static int mount_profile_add(
	void *ctx, const struct entry *e, uint64_t offset, uint64_t size, struct trouble *t)
{
	struct mount_profile *p = ctx;
	int rc = prefetcher_add_part(p->prefetcher, e, offset, size, t);

	if (!rc || rc == ERR_INTERRUPTED || rc == ERR_NO_MEMORY)
		return rc;
	mount_profile_failed(p, NULL, false, t);
	return 0;
}

struct profile_text {
	struct object_ref object;
	uint8_t *text; /* of the object's size */
};

static int profile_text_step(struct attempt *a, void *arg)
{
	struct profile_text *p = arg;

	return attempt_read(a, &p->object, 0, p->text, p->object.size);
}

/* The blob that the manifest names is kept in the cache like a file of one chunk. */
static int dataset_profile_read(struct reader *r, struct profile **out, struct trouble *t)
{
	const struct manifest *m = r->dataset->manifest;
	struct profile_text p = {.object = {.digest = m->profile,
					 .size = m->profile_size,
					 .form = OBJECT_SINGLE},
		.text = malloc(m->profile_size)};
	int rc = p.text ? 0 : trouble_set(t, ERR_NO_MEMORY, "out of memory");

	if (!rc)
		rc = source_run(r->dataset->source, profile_text_step, &p, r->deadline_ns,
			FETCH_PREFETCH, t);
	if (!rc)
		rc = profile_decode(span_of(p.text, p.object.size), out, t);
	free(p.text);
	return rc;
}

static void mount_profile_run(struct mount_profile *p, struct profile *profile)
{
	struct log *log = p->reader->log;
	struct profile_run run = {.reader = p->reader,
		.profile = profile,
		.each = mount_profile_add,
		.ctx = p};
	int64_t began = clock_monotonic();
	uint64_t present, fetched;
	char size[SIZE_TEXT];
	struct trouble t = {0};
	int rc = profile_run(&run, &t);

	prefetcher_finish(p->prefetcher);
	if (rc == ERR_INTERRUPTED)
		return;
	if (rc)
		log_warning(log, "not all of the profile is fetched ahead: %s", t.text);
	prefetcher_count(p->prefetcher, &present, &fetched);
	log_info(log,
		"profile: %zu reads of %zu files, %zu of them not there, %s fetched in "
		"%lld ms, %llu failures",
		profile_reads(profile), profile_files(profile), run.absent,
		size_text(fetched, size),
		(long long)((clock_monotonic() - began) / NS_PER_MS),
		(unsigned long long)p->failures);
}

static void *mount_profile_main(void *arg)
{
	struct mount_profile *p = arg;
	struct trouble t = {0};
	struct profile *profile;
	int rc;

	rc = p->file ? profile_file_read(p->file, &profile, &t)
		     : dataset_profile_read(p->reader, &profile, &t);
	if (!rc) {
		mount_profile_run(p, profile);
		profile_free(profile);
	} else if (rc != ERR_INTERRUPTED) {
		log_warning(p->reader->log, "nothing is fetched ahead: %s%s",
			p->file ? "" : "the dataset's profile: ", t.text);
	}
	return NULL;
}

int mount_profile_start(
	const struct mount_request *m, struct reader *r, struct mount_profile **out)
{
	struct mount_profile *p;
	int rc;

	*out = NULL;
	if (!m->profile)
		return 0;
	if (!m->profile_file && r->dataset->manifest->profile_size == 0) {
		log_info(r->log, "%s has no profile", r->dataset->url);
		return 0;
	}
	p = calloc(1, sizeof *p);
	if (!p)
		return ERR_NO_MEMORY;
	p->file = m->profile_file;
	p->reader = r;
	rc = prefetcher_new(r, mount_profile_failed, p, &p->prefetcher);
	if (!rc)
		rc = thread_start(&p->thread, "cairn-profile", mount_profile_main, p);
	if (rc) {
		prefetcher_free(p->prefetcher);
		free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void mount_profile_stop(struct mount_profile *p)
{
	if (!p)
		return;
	prefetcher_stop(p->prefetcher);
	dataset_end_waits(p->reader->dataset);
	pthread_join(p->thread, NULL);
	prefetcher_free(p->prefetcher);
	free(p);
}
