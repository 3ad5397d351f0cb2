/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/rollback.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "publish/reachable.h"
#include "publish/store_recovery.h"
#include "util/clock.h"

#define PROGRESS_EVERY 256 /* blobs */
#define MESSAGE_SIZE 64

struct rollback {
	const struct rollback_options *o;
	struct revision revision;
	struct bytes text; /* of the old one */
	struct manifest *old;
	uint64_t blobs;
	char message[MESSAGE_SIZE];
};

/* The digest of the revision before `number`, which has to be the one that is `wanted`. */
static bool chain_step(struct store *s, uint64_t number, struct digest *wanted)
{
	struct bytes text = {0};
	struct manifest *m = NULL;
	bool leads_on = !store_read_revision(s, number, &text, &m, NULL) &&
			digest_equal(&m->digest, wanted) && m->has_previous;

	if (leads_on)
		*wanted = m->previous;
	manifest_free(m);
	bytes_release(&text);
	return leads_on;
}

/* Each manifest names the one before by its digest, so the newest, which the key has
 * signed, vouches for all that lead from it to an old one, whoever signed that. */
static bool is_vouched(const struct rollback *r)
{
	const struct manifest *newest = r->revision.previous;
	struct digest wanted = newest->previous;

	if (!newest->has_previous)
		return false;
	for (uint64_t n = newest->revision - 1; n > r->old->revision; n--)
		if (!chain_step(r->o->store, n, &wanted))
			return false;
	return digest_equal(&wanted, &r->old->digest);
}

static int check_old(const struct rollback *r, struct trouble *t)
{
	const struct manifest *newest = r->revision.previous, *old = r->old;
	struct public_key key = private_key_public(r->o->key);
	unsigned long long number = old->revision;

	if (strcmp(old->name, newest->name) != 0 ||
		strcmp(old->dataset, newest->dataset) != 0)
		return trouble_set(t, ERR_UNTRUSTED,
			"revision %llu in the store %s is of another dataset", number,
			store_name(r->o->store));
	if (!manifest_verify(span_of_bytes(&r->text), &key) || is_vouched(r))
		return 0;
	return trouble_set(t, ERR_UNTRUSTED,
		"revision %llu in the store %s is not signed by the key of the newest, and "
		"the revisions after it do not lead to it: it is not published again",
		number, store_name(r->o->store));
}

static int read_old(struct rollback *r, struct trouble *t)
{
	struct store *s = r->o->store;
	unsigned long long number = r->o->revision;
	int rc;

	if (!r->revision.previous)
		return trouble_set(
			t, ERR_ABSENT, "the store %s has no revision yet", store_name(s));
	if (r->o->revision > r->revision.previous->revision)
		return trouble_set(t, ERR_ABSENT,
			"the store %s has no revision %llu: its newest is %llu",
			store_name(s), number,
			(unsigned long long)r->revision.previous->revision);
	rc = store_read_revision(s, r->o->revision, &r->text, &r->old, t);
	if (rc == ERR_ABSENT)
		return trouble_set(t, rc, "the store %s has no revision %llu any more",
			store_name(s), number);
	return rc ? rc : check_old(r, t);
}

static int refuse_blob(
	const struct rollback *r, const struct digest *name, int rc, struct trouble *t)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(name, hex);
	return trouble_set(t, rc,
		"revision %llu cannot come back: blob %s of it is %s in the store %s",
		(unsigned long long)r->old->revision, hex,
		rc == ERR_ABSENT    ? "gone"
		: rc == ERR_CORRUPT ? "damaged"
				    : error_text(rc),
		store_name(r->o->store));
}

static int check_chunk(
	const struct rollback *r, const struct reached *blob, struct trouble *t)
{
	struct stored stored, base;
	int rc = store_find_blob(r->o->store, &blob->digest, &stored, NULL);

	if (!rc && stored.content != blob->size)
		rc = ERR_CORRUPT;
	if (rc || !stored.has_base)
		return rc ? refuse_blob(r, &blob->digest, rc, t) : 0;
	rc = store_find_blob(r->o->store, &stored.base, &base, NULL);
	if (!rc && base.has_base)
		rc = ERR_CORRUPT;
	return rc ? refuse_blob(r, &stored.base, rc, t) : 0;
}

/* Pages and recipes are read by the walk itself, which says what is wrong with them. */
static int check_blob(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct rollback *r = ctx;
	struct stored stored;
	int rc;

	if (r->o->progress && r->blobs % PROGRESS_EVERY == 0)
		r->o->progress(r->o->ctx, r->blobs);
	r->blobs++;
	if (blob->kind == BLOB_CHUNK)
		return check_chunk(r, blob, t);
	rc = store_find_blob(r->o->store, &blob->digest, &stored, NULL);
	return rc ? refuse_blob(r, &blob->digest, rc, t) : 0;
}

/* What a publisher that was cut off may have left of blobs is not relied upon. */
static int check_content(struct rollback *r, struct trouble *t)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct store_recovery recovery = {
		.store = r->o->store,
		.jobs = processors > 0 ? (unsigned)processors : 1,
	};
	int rc = store_recover(&recovery, t);

	return rc ? rc : reachable_each(r->o->store, r->old, check_blob, r, t);
}

/* Mirrors and expiry are those of the newest: what it says of the store goes on. */
static int keep_expiry(struct rollback *r, struct trouble *t)
{
	int64_t expires = r->revision.previous->expires;

	if (expires && expires <= clock_realtime() / NS_PER_SECOND)
		return trouble_set(t, ERR_EXPIRED,
			"the newest revision of the store %s has expired, and with its "
			"expiry "
			"readers would refuse this one, too: publish with --expires first",
			store_name(r->o->store));
	r->revision.o.expires = expires;
	return 0;
}

static int rollback_write(
	struct rollback *r, struct rollback_result *out, struct trouble *t)
{
	struct revision_content content = revision_content_of(r->old);
	struct revision_result written;
	int rc = 0;

	if (!revision_is_unchanged(&r->revision, &content)) {
		if (!r->o->message)
			r->revision.o.message = r->message;
		rc = check_content(r, t);
	}
	if (!rc)
		rc = revision_write(&r->revision, &content, &written, t);
	if (!rc)
		*out = (struct rollback_result){
			.revision = written.number,
			.unchanged = written.unchanged,
			.blobs = r->blobs,
			.root = content.root,
			.totals = content.totals,
		};
	return rc;
}

static int rollback_run(struct rollback *r, struct rollback_result *out, struct trouble *t)
{
	const struct rollback_options *o = r->o;
	struct revision_options options = {
		.store = store_name(o->store),
		.source = "/",
		.message = o->message,
		.tags = &o->tag,
		.tag_count = o->tag ? 1 : 0,
		.key = o->key,
	};
	int rc = revision_check_options(&options, t);

	if (!rc)
		rc = revision_init(&r->revision, &options, o->store, t);
	if (!rc)
		rc = read_old(r, t);
	if (!rc)
		rc = keep_expiry(r, t);
	return rc ? rc : rollback_write(r, out, t);
}

int rollback(
	const struct rollback_options *o, struct rollback_result *out, struct trouble *t)
{
	struct rollback r = {.o = o};
	int rc;

	snprintf(r.message, sizeof r.message, "Revision %llu again",
		(unsigned long long)o->revision);
	rc = rollback_run(&r, out, t);
	manifest_free(r.old);
	bytes_release(&r.text);
	revision_release(&r.revision);
	return rc;
}
