/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/copy_run.h"

/* A tag, as it is or is to be written. */
struct copied_tag {
	struct bytes text;
	struct tag *tag;
	struct store_version seen;
};

static void copied_tag_release(struct copied_tag *c)
{
	bytes_release(&c->text);
	tag_free(c->tag);
}

static int read_tag(
	struct store *s, const char *name, struct copied_tag *out, struct trouble *t)
{
	int rc = store_read_tag(s, name, &out->text, &out->seen, t);

	if (!rc)
		rc = tag_decode(span_of_bytes(&out->text), &out->tag, t);
	if (!rc && strcmp(out->tag->tag, name))
		rc = trouble_set(t, ERR_CORRUPT, "tags/%s.json of %s is of the tag %s",
			name, store_name(s), out->tag->tag);
	return rc;
}

int copy_tag_revision(
	struct copy_run *c, const char *name, uint64_t *out, struct trouble *t)
{
	struct copied_tag tag = {.tag = NULL};
	int rc = read_tag(c->o->from, name, &tag, t);

	if (rc == ERR_ABSENT)
		trouble_set(t, rc, "%s has no tag %s", store_name(c->o->from), name);
	if (!rc)
		*out = tag.tag->revision;
	copied_tag_release(&tag);
	return rc;
}

/* Has the destination the revision that it names, and did who signed that, or the newest,
 * sign the tag? */
static int check_named(struct copy_run *c, const struct copied_tag *tag, struct trouble *t)
{
	struct signers signers = {.count = 0};
	struct public_key key;
	struct bytes text = {0};
	struct manifest *m = NULL;
	struct trouble why = {0};
	char what[TAG_NAME_MAX + 16];
	int rc = store_read_revision(c->o->to, tag->tag->revision, &text, &m, &why);

	snprintf(what, sizeof what, "the tag %s", tag->tag->tag);
	if (rc)
		trouble_set(t, rc, "%s is left out: its revision %llu is not in %s", what,
			(unsigned long long)tag->tag->revision, store_name(c->o->to));
	else if (!digest_equal(&m->digest, &tag->tag->manifest))
		rc = trouble_set(t, ERR_CORRUPT,
			"%s is left out: it names another revision %llu than there is",
			what, (unsigned long long)tag->tag->revision);
	if (!rc)
		rc = signers_verify(&c->o->trust, m, span_of_bytes(&text), what, &key, t);
	if (!rc) {
		(void)signers_add(&signers, &key);
		(void)signers_add(&signers, &c->counts->key);
		rc = signers_verify_tag(&signers, span_of_bytes(&tag->text), what, t);
	}
	manifest_free(m);
	bytes_release(&text);
	return rc;
}

/* A tag may be moved to an older revision, by who signs it: what is newer is told by when
 * it was made. */
static bool copied_tag_is_newer(const struct tag *a, const struct tag *b)
{
	return a->created > b->created ||
	       (a->created == b->created && a->revision > b->revision);
}

static int write_tag_there(
	struct copy_run *c, const struct copied_tag *tag, struct trouble *t)
{
	struct copied_tag there = {.tag = NULL};
	int rc = read_tag(c->o->to, tag->tag->tag, &there, NULL);
	bool keep = !rc &&
		    (span_equal(span_of_bytes(&there.text), span_of_bytes(&tag->text)) ||
			    (!c->o->replace && copied_tag_is_newer(there.tag, tag->tag)));

	if (keep || (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT && rc != ERR_LIMIT &&
			    rc != ERR_UNSUPPORTED)) {
		copied_tag_release(&there);
		return keep ? 0
			    : trouble_set(t, rc, "cannot read the tag %s of %s: %s",
				      tag->tag->tag, store_name(c->o->to), error_text(rc));
	}
	rc = store_write_tag(
		c->o->to, tag->tag->tag, span_of_bytes(&tag->text), &there.seen, t);
	c->counts->tags += !rc;
	copied_tag_release(&there);
	return rc;
}

/* `asked`: by name, so that it has to be there. */
static int copy_tag(struct copy_run *c, const char *name, bool asked, struct trouble *t)
{
	struct copied_tag tag = {.tag = NULL};
	struct trouble why = {0};
	int rc = read_tag(c->o->from, name, &tag, &why);
	bool gone = rc == ERR_ABSENT && !asked;

	if (!rc)
		rc = check_named(c, &tag, &why);
	if (rc == ERR_ABSENT || rc == ERR_CORRUPT || rc == ERR_LIMIT ||
		rc == ERR_UNSUPPORTED || rc == ERR_UNTRUSTED) {
		if (!gone)
			copy_leave_out(c, &why);
		rc = 0;
	} else if (rc) {
		if (t)
			*t = why;
	} else {
		rc = write_tag_there(c, &tag, t);
	}
	copied_tag_release(&tag);
	return rc;
}

/* A server does not tell its tags: those that the destination has are followed. */
static int copy_listed_tags(struct copy_run *c, struct trouble *t)
{
	struct store_tags tags = {0};
	int rc = store_tags_list(c->o->from, &tags, t);

	if (rc == ERR_UNSUPPORTED)
		rc = store_tags_list(c->o->to, &tags, t);
	for (size_t i = 0; !rc && i < tags.count; i++)
		rc = copy_tag(c, tags.names[i], false, t);
	store_tags_release(&tags);
	return rc;
}

int copy_tags(struct copy_run *c, struct trouble *t)
{
	int rc = 0;

	if (!c->o->revision_count && !c->o->tag_count)
		return copy_listed_tags(c, t);
	for (size_t i = 0; !rc && i < c->o->tag_count; i++)
		rc = copy_tag(c, c->o->tags[i], true, t);
	return rc;
}
