/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/gc_marks.h"

/* Parts of the memory: what a thread decodes at a time, then of the rest. */
#define THREAD_MEMORY (UINT64_C(12) << 20)
#define SEEN_PART 8
#define BASES_PART 16

int gc_marks_init(
	struct gc_marks *m, const struct gc_options *o, const struct gc_history *history)
{
	uint64_t memory = o->memory ? o->memory : GC_MEMORY_DEFAULT;
	uint64_t threads = (o->jobs ? o->jobs : 1) * THREAD_MEMORY;

	/* With little memory the table has half of it, and there are more passes. */
	memory = memory > 2 * threads ? memory - threads : memory / 2;
	*m = (struct gc_marks){.o = o, .history = history, .all_bases = true};
	m->seen = seen_digests_new(memory / SEEN_PART);
	m->bases = digest_flags_new(memory / BASES_PART);
	m->flags = digest_flags_new(memory - memory / SEEN_PART - memory / BASES_PART);
	return m->seen && m->bases && m->flags ? 0 : ERR_NO_MEMORY;
}

void gc_marks_release(struct gc_marks *m)
{
	seen_digests_free(m->seen);
	digest_flags_free(m->bases);
	digest_flags_free(m->flags);
}

void gc_marks_begin(struct gc_marks *m, uint64_t first, uint64_t last)
{
	digest_flags_begin(m->flags, first, last);
	seen_digests_clear(m->seen);
	m->pass++;
}

/* A base's digest may be in another range than that of the delta, so all chunks of a
 * revision that has deltas are looked at: in the first pass, and again only when the bases
 * were too many to keep. */
static int gc_mark_base(struct gc_marks *m, const struct digest *chunk, struct trouble *t)
{
	struct stored stored;
	unsigned before;
	int rc = store_find_blob(m->o->store, chunk, &stored, t);

	if (rc == ERR_ABSENT || rc == ERR_CORRUPT) {
		atomic_fetch_add(&m->unusable, 1);
		return 0;
	}
	if (rc || !stored.has_base)
		return rc;
	if (m->pass == 1)
		rc = digest_flags_add(m->bases, &stored.base, GC_NEEDED, &before);
	return rc ? rc : digest_flags_add(m->flags, &stored.base, GC_NEEDED, &before);
}

struct gc_walk {
	struct gc_marks *marks;
	bool has_deltas;
};

static int gc_mark(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct gc_walk *w = ctx;
	struct gc_marks *m = w->marks;
	unsigned before;
	int rc = digest_flags_add(m->flags, &blob->digest, GC_NEEDED, &before);

	if (rc || !w->has_deltas || blob->kind != BLOB_CHUNK)
		return rc;
	if ((before & GC_NEEDED) || (m->pass > 1 && m->all_bases))
		return 0;
	return gc_mark_base(m, &blob->digest, t);
}

static int gc_mark_manifest(
	struct gc_marks *m, const struct manifest *manifest, struct trouble *t)
{
	struct gc_walk walk = {m, manifest->delta};
	const struct reachable_options options = {.store = m->o->store,
		.jobs = m->o->jobs,
		.seen = m->seen,
		.each = gc_mark,
		.ctx = &walk};
	struct trouble why = {0};
	int rc = reachable_walk(&options, manifest, &why);

	if (!rc)
		return 0;
	return trouble_set(t, rc,
		"revision %llu in the store %s cannot be read, so nothing is deleted: "
		"%.600s; cairn check tells more",
		(unsigned long long)manifest->revision, store_name(m->o->store),
		why.text[0] ? why.text : error_text(rc));
}

/* What a chunk is that one revision has as a blob, another has as one, too: `seen` leaves
 * out pages alone, whose chunks were looked at if their revision had deltas. So those come
 * first that have. */
static int gc_mark_revisions(struct gc_marks *m, bool deltas, struct trouble *t)
{
	const struct gc_history *h = m->history;
	struct bytes text = {0};
	int rc = 0;

	for (size_t i = 0; i < h->count && !rc; i++) {
		struct gc_progress p = {GC_MARKING, m->pass, i, h->count};
		struct manifest *manifest = NULL;

		if (!h->revisions[i].keep)
			continue;
		if (m->o->progress)
			m->o->progress(m->o->ctx, &p);
		bytes_clear(&text);
		rc = store_read_revision(
			m->o->store, h->revisions[i].number, &text, &manifest, t);
		if (rc == ERR_ABSENT) { /* another gc's */
			rc = 0;
			continue;
		}
		if (!rc && manifest->delta == deltas)
			rc = gc_mark_manifest(m, manifest, t);
		manifest_free(manifest);
	}
	bytes_release(&text);
	return rc;
}

/* Its file in revisions/ may be missing. */
static int gc_mark_newest(struct gc_marks *m, struct trouble *t)
{
	struct bytes text = {0};
	struct manifest *manifest;
	int rc = store_read_manifest(m->o->store, &text, &manifest, NULL, t);

	bytes_release(&text);
	if (rc)
		return rc;
	rc = gc_mark_manifest(m, manifest, t);
	manifest_free(manifest);
	return rc;
}

int gc_marks_walk(struct gc_marks *m, struct trouble *t)
{
	int rc = 0;

	if (m->pass > 1 && m->all_bases)
		rc = digest_flags_add_all(m->flags, m->bases, GC_NEEDED);
	if (!rc)
		rc = gc_mark_revisions(m, true, t);
	if (!rc)
		rc = gc_mark_newest(m, t);
	if (!rc)
		rc = gc_mark_revisions(m, false, t);
	if (m->pass == 1)
		m->all_bases = digest_flags_last(m->bases) == UINT64_MAX;
	return rc;
}
