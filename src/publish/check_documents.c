/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/check_run.h"
#include "publish/store_remote.h"
#include "publish/store_revisions.h"
#include "util/array.h"

/* A revision's file, read. */
struct checked_revision {
	uint64_t number;
	char path[STORE_PATH_MAX];
	struct bytes text;
	struct manifest *manifest;
};

static void checked_revision_release(struct checked_revision *r)
{
	manifest_free(r->manifest);
	bytes_release(&r->text);
}

/* Is it signed, and of the same dataset as the newest? */
static int judge_revision(struct check_run *c, const struct checked_revision *r,
	const struct signers *signers, struct trouble *t)
{
	struct public_key key;
	int rc = signers_verify(
		signers, r->manifest, span_of_bytes(&r->text), r->path, &key, t);

	if (!rc && c->newest && strcmp(r->manifest->dataset, c->newest->dataset))
		rc = trouble_set(t, ERR_CORRUPT, "%s is of another dataset", r->path);
	if (!rc && c->newest && r->number == c->newest->revision &&
		!span_equal(span_of_bytes(&r->text), span_of_bytes(&c->newest_text)))
		rc = trouble_set(t, ERR_CORRUPT,
			"%s is another one than manifest.json, of the same number",
			r->path);
	if (!rc)
		(void)signers_add(&c->signers, &key);
	return rc;
}

static int read_revision(struct check_run *c, struct store *s, uint64_t number,
	const struct signers *signers, struct checked_revision *r, struct trouble *t)
{
	int rc;

	checked_revision_release(r);
	*r = (struct checked_revision){.number = number};
	snprintf(
		r->path, sizeof r->path, "revisions/%llu.json", (unsigned long long)number);
	rc = store_read_revision(s, number, &r->text, &r->manifest, t);
	return rc ? rc : judge_revision(c, r, signers, t);
}

/* Of the newest, manifest.json has the text; of others a mirror. Who signed it has to have
 * signed what is good here. */
static int mend_revision(struct check_run *c, uint64_t number, struct checked_revision *r)
{
	bool is_newest = c->newest && number == c->newest->revision;
	const struct signers *signers = c->o->trust.count ? &c->o->trust : &c->signers;
	int rc = ERR_ABSENT;

	if (!c->o->repair)
		return ERR_ABSENT;
	if (is_newest) {
		checked_revision_release(r);
		*r = (struct checked_revision){.number = number};
		rc = bytes_append(&r->text, c->newest_text.data, c->newest_text.size);
		if (!rc)
			rc = manifest_decode(span_of_bytes(&r->text), &r->manifest, NULL);
	} else if (c->from && signers->count) {
		rc = read_revision(c, c->from, number, signers, r, NULL);
	}
	return rc ? rc
		  : store_write_revision(
			    c->o->store, number, span_of_bytes(&r->text), NULL);
}

static int keep_number(struct check_run *c, uint64_t number)
{
	int rc = array_grow(
		&c->all.numbers, &c->all.capacity, c->all.count, sizeof *c->all.numbers);

	if (!rc)
		c->all.numbers[c->all.count++] = number;
	return rc;
}

/* What a revision says of the one before it. */
static void check_chain(struct check_run *c, const struct checked_revision *r,
	const struct checked_revision *later)
{
	struct trouble t = {0};

	if (!later->manifest || later->number != r->number + 1 ||
		(later->manifest->has_previous &&
			digest_equal(&later->manifest->previous, &r->manifest->digest)))
		return;
	trouble_set(&t, ERR_CORRUPT,
		"%s does not follow from %s: one of them was put there by somebody else",
		later->path, r->path);
	check_say_file(c, CHECK_REVISION, later->path, later->number, false, &t);
}

/* *later: that of the turn before, newer by one or more. */
static int check_revision(struct check_run *c, uint64_t number,
	struct checked_revision *later, struct trouble *t)
{
	struct checked_revision r = {.number = number};
	struct trouble why = {0};
	bool mended = false;
	int rc = read_revision(c, c->o->store, number, &c->o->trust, &r, &why);

	c->counts->revisions++;
	if (rc && !check_is_rot(rc)) {
		checked_revision_release(&r);
		if (t)
			*t = why;
		return rc;
	}
	if (rc) {
		char path[STORE_PATH_MAX];

		memcpy(path, r.path, sizeof path);
		mended = mend_revision(c, number, &r) == 0;
		check_say_file(c, CHECK_REVISION, path, number, mended, &why);
		memcpy(r.path, path, sizeof path);
	}
	if (rc && !mended) {
		checked_revision_release(&r);
		/* Its text is manifest.json's as well. */
		return c->newest && number == c->newest->revision ? keep_number(c, number)
								  : 0;
	}
	check_chain(c, &r, later);
	checked_revision_release(later);
	*later = r;
	return keep_number(c, number);
}

/* manifest.json, if it is good. */
static int check_newest(struct check_run *c, struct trouble *t)
{
	struct trouble why = {0};
	struct public_key key;
	int rc = store_read_manifest(c->o->store, &c->newest_text, &c->newest, NULL, &why);

	if (!rc)
		rc = signers_verify(&c->o->trust, c->newest, span_of_bytes(&c->newest_text),
			"manifest.json", &key, &why);
	if (!rc)
		return signers_add(&c->signers, &key);
	manifest_free(c->newest);
	c->newest = NULL;
	if (!check_is_rot(rc)) {
		if (t)
			*t = why;
		return rc;
	}
	if (why.text[0] == '\0')
		trouble_set(&why, rc, "manifest.json is not there");
	check_say_file(c, CHECK_MANIFEST, "manifest.json", 0, false, &why);
	return 0;
}

/* The highest good revision is what manifest.json was. */
static int mend_manifest(struct check_run *c, struct trouble *t)
{
	struct checked_revision r = {.number = 0};
	int rc;

	if (c->newest || !c->o->repair || !c->all.count)
		return 0;
	rc = read_revision(c, c->o->store, c->all.numbers[0], &c->o->trust, &r, t);
	if (!rc)
		rc = store_write_manifest(
			c->o->store, r.number, span_of_bytes(&r.text), NULL, t);
	if (!rc)
		c->counts->mended++;
	checked_revision_release(&r);
	return rc;
}

/* Mirrors are known when the manifest is. */
static int open_mirrors(struct check_run *c)
{
	if (!c->newest)
		return 0;
	store_remote_add_mirrors(c->o->store, c->newest);
	if (c->from || !c->o->repair || !c->o->mirrors)
		return 0;
	c->own_from = c->o->mirrors(c->o->ctx, c->newest, &c->from) == 0;
	return 0;
}

static int check_revisions(struct check_run *c, struct trouble *t)
{
	uint64_t newest = c->newest ? c->newest->revision : REVISION_MAX;
	struct checked_revision later = {.number = 0};
	struct store_revisions found = {0};
	bool asked;
	int rc = 0;

	if (!c->newest && !c->o->store->methods->list)
		return 0;
	rc = store_revisions_find(c->o->store, newest, 1, &found, &asked, t);
	/* The newest is in any case, if only by manifest.json. */
	if (!rc && c->newest && (!found.count || found.numbers[0] != newest))
		rc = check_revision(c, newest, &later, t);
	for (size_t i = 0; !rc && i < found.count; i++)
		rc = check_revision(c, found.numbers[i], &later, t);
	checked_revision_release(&later);
	store_revisions_release(&found);
	return rc;
}

static int judge_tag(struct check_run *c, const char *name, struct trouble *t)
{
	char path[STORE_PATH_MAX];
	struct bytes text = {0}, manifest_text = {0};
	struct manifest *m = NULL;
	struct tag *tag = NULL;
	int rc = store_read_tag(c->o->store, name, &text, NULL, t);

	snprintf(path, sizeof path, "tags/%s.json", name);
	if (!rc)
		rc = tag_decode(span_of_bytes(&text), &tag, t);
	if (!rc && strcmp(tag->tag, name))
		rc = trouble_set(t, ERR_CORRUPT, "%s is of the tag %s", path, tag->tag);
	if (!rc)
		rc = signers_verify_tag(c->o->trust.count ? &c->o->trust : &c->signers,
			span_of_bytes(&text), path, t);
	if (!rc)
		rc = store_read_revision(c->o->store, tag->revision, &manifest_text, &m, t);
	if (!rc && !digest_equal(&m->digest, &tag->manifest))
		rc = trouble_set(t, ERR_CORRUPT,
			"%s names another revision %llu than there is", path,
			(unsigned long long)tag->revision);
	tag_free(tag);
	manifest_free(m);
	bytes_release(&text);
	bytes_release(&manifest_text);
	return rc;
}

/* From a mirror, if what it has is good here. */
static bool mend_tag(struct check_run *c, const char *name)
{
	struct bytes text = {0};
	struct trouble t;
	bool mended = c->o->repair && c->from &&
		      store_read_tag(c->from, name, &text, NULL, NULL) == 0 &&
		      signers_verify_tag(c->o->trust.count ? &c->o->trust : &c->signers,
			      span_of_bytes(&text), name, NULL) == 0 &&
		      store_write_tag(
			      c->o->store, name, span_of_bytes(&text), NULL, NULL) == 0 &&
		      judge_tag(c, name, &t) == 0;

	bytes_release(&text);
	return mended;
}

static int check_tags(struct check_run *c, struct trouble *t)
{
	struct store_tags tags = {0};
	int rc = store_tags_list(c->o->store, &tags, t);

	if (rc == ERR_UNSUPPORTED)
		return 0;
	for (size_t i = 0; !rc && i < tags.count; i++) {
		char path[STORE_PATH_MAX];
		struct trouble why = {0};

		c->counts->tags++;
		rc = judge_tag(c, tags.names[i], &why);
		if (rc && !check_is_rot(rc)) {
			if (t)
				*t = why;
			break;
		}
		snprintf(path, sizeof path, "tags/%s.json", tags.names[i]);
		if (rc)
			check_say_file(
				c, CHECK_TAG, path, 0, mend_tag(c, tags.names[i]), &why);
		rc = 0;
	}
	store_tags_release(&tags);
	return rc;
}

int check_documents(struct check_run *c, struct trouble *t)
{
	int rc = check_newest(c, t);

	if (!rc)
		rc = open_mirrors(c);
	if (!rc)
		rc = check_revisions(c, t);
	if (!rc)
		rc = mend_manifest(c, t);
	if (!rc)
		rc = check_tags(c, t);
	if (c->newest)
		c->counts->total_bytes = c->newest->totals.stored;
	return rc;
}
