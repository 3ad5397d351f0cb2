/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/store_copy.h"

#include <stdlib.h>
#include <string.h>

#include "publish/copy_run.h"
#include "publish/revision_copy.h"
#include "publish/store_recovery.h"
#include "publish/store_remote.h"
#include "publish/store_revisions.h"

static void copy_say(struct copy_run *c, const struct trouble *t)
{
	if (c->o->say)
		c->o->say(c->o->ctx, t);
}

void copy_leave_out(struct copy_run *c, const struct trouble *t)
{
	c->counts->left_out++;
	copy_say(c, t);
}

static int copy_read_source(struct copy_run *c, struct trouble *t)
{
	struct store *from = c->o->from;
	int rc = store_read_manifest(from, &c->from_text, &c->from, NULL, t);

	if (rc == ERR_ABSENT)
		return trouble_set(t, rc,
			"%s has no manifest.json: there is no store, or "
			"nothing was published to it yet",
			store_name(from));
	if (!rc)
		rc = signers_verify(&c->o->trust, c->from, span_of_bytes(&c->from_text),
			store_name(from), &c->counts->key, t);
	if (!rc)
		c->counts->newest_from = c->from->revision;
	if (!rc)
		store_remote_add_mirrors(from, c->from);
	return rc;
}

/* May what is there be followed by what comes? */
static int copy_check_dataset(struct copy_run *c, struct trouble *t)
{
	const struct manifest *from = c->from, *to = c->to;

	if (strcmp(from->dataset, to->dataset) == 0 && strcmp(from->name, to->name) == 0)
		return 0;
	return trouble_set(t, ERR_INVALID,
		"%s holds another dataset, '%s', than %s, '%s': copy to another store, or "
		"replace what it holds (--replace)",
		store_name(c->o->to), to->name, store_name(c->o->from), from->name);
}

static int copy_check_key(struct copy_run *c, struct trouble *t)
{
	char text[PUBLIC_KEY_TEXT_SIZE];
	struct signers known = {.count = 0};
	struct public_key key;

	for (size_t i = 0; i < c->to->signature_count; i++)
		(void)signers_add(&known, &c->to->signatures[i].key);
	if (c->o->trust.count || known.count == 0 ||
		!signers_verify(
			&known, c->from, span_of_bytes(&c->from_text), "", &key, NULL))
		return 0;
	public_key_to_text(&c->counts->key, text);
	return trouble_set(t, ERR_UNTRUSTED,
		"%s is signed by the key %s, which is not that of %s: if it is the "
		"publisher's, give --trust %s",
		store_name(c->o->from), text, store_name(c->o->to), text);
}

static int copy_read_destination(struct copy_run *c, struct trouble *t)
{
	int rc = store_read_manifest(c->o->to, &c->to_text, &c->to, &c->seen, t);

	if (rc == ERR_ABSENT)
		return 0;
	if (rc)
		return rc;
	c->counts->newest_to = c->to->revision;
	if (c->o->replace)
		return 0;
	rc = copy_check_dataset(c, t);
	return rc ? rc : copy_check_key(c, t);
}

/* Blobs that a copy left which was cut off by a power loss are looked at first. */
static int copy_recover(struct copy_run *c, struct trouble *t)
{
	struct store_recovery r = {.store = c->o->to, .jobs = c->o->jobs ? c->o->jobs : 1};

	return store_recover(&r, t);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* Those that were asked for by number, and those of the tags. */
static int copy_choose(struct copy_run *c, struct trouble *t)
{
	size_t most = c->o->revision_count + c->o->tag_count, count = 0;

	c->revisions.numbers = calloc(most, sizeof *c->revisions.numbers);
	if (!c->revisions.numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < c->o->revision_count; i++)
		c->revisions.numbers[count++] = c->o->revisions[i];
	for (size_t i = 0; i < c->o->tag_count; i++) {
		int rc = copy_tag_revision(
			c, c->o->tags[i], &c->revisions.numbers[count], t);

		if (rc)
			return rc;
		count++;
	}
	qsort(c->revisions.numbers, count, sizeof *c->revisions.numbers, compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (!i || c->revisions.numbers[i] != c->revisions.numbers[i - 1])
			c->revisions.numbers[c->revisions.count++] =
				c->revisions.numbers[i];
	return 0;
}

/* A server is not asked for what is older than the destination's newest: what of it the
 * server has was copied with that. */
static int copy_find_revisions(struct copy_run *c, struct trouble *t)
{
	uint64_t oldest = c->to && !c->o->read_all ? c->to->revision : 1;
	bool listed = c->o->from->methods->list != NULL, asked;

	if (c->o->revision_count || c->o->tag_count)
		return copy_choose(c, t);
	return store_revisions_find(c->o->from, c->from->revision, listed ? 1 : oldest,
		&c->revisions, &asked, t);
}

/* A revision of the source, as it is to be written. */
struct copied_revision {
	struct bytes text;
	struct manifest *manifest;
};

static int read_source_revision(
	struct copy_run *c, uint64_t number, struct copied_revision *r, struct trouble *t)
{
	char what[64];
	struct public_key key;
	int rc;

	if (number == c->from->revision) {
		rc = bytes_append(&r->text, c->from_text.data, c->from_text.size);
		return rc ? rc : manifest_decode(span_of_bytes(&r->text), &r->manifest, t);
	}
	rc = store_read_revision(c->o->from, number, &r->text, &r->manifest, t);
	if (rc)
		return rc;
	snprintf(what, sizeof what, "revision %llu", (unsigned long long)number);
	if (strcmp(r->manifest->dataset, c->from->dataset))
		return trouble_set(t, ERR_CORRUPT, "%s of %s is of another dataset", what,
			store_name(c->o->from));
	return signers_verify(
		&c->o->trust, r->manifest, span_of_bytes(&r->text), what, &key, t);
}

/* Is it in the destination? ERR_ABSENT; ERR_EXISTS: there is another of that number. */
static int find_there(
	struct copy_run *c, uint64_t number, const struct bytes *text, struct trouble *t)
{
	struct bytes there = {0};
	struct manifest *m = NULL;
	int rc = store_read_revision(c->o->to, number, &there, &m, t);
	bool same = !rc && span_equal(span_of_bytes(&there), span_of_bytes(text));

	manifest_free(m);
	bytes_release(&there);
	if (rc == ERR_CORRUPT || rc == ERR_LIMIT || (!rc && !same && c->o->replace))
		return ERR_ABSENT; /* it is written anew */
	if (rc || same)
		return rc;
	return trouble_set(t, ERR_EXISTS,
		"revision %llu of %s is another one than that of %s: one of them was not "
		"made from the other",
		(unsigned long long)number, store_name(c->o->to), store_name(c->o->from));
}

/* Remembers the text of the newest that is whole in the destination. */
static int copy_note_newest(struct copy_run *c, struct copied_revision *r)
{
	if (r->manifest->revision <= c->newest)
		return 0;
	c->newest = r->manifest->revision;
	bytes_clear(&c->newest_text);
	return bytes_append(&c->newest_text, r->text.data, r->text.size);
}

static int copy_blobs(
	struct copy_run *c, struct copied_revision *r, bool is_there, struct trouble *t)
{
	uint64_t number = r->manifest->revision, lacking = 0;
	struct trouble why = {0};
	int rc = revision_copy_run(c->revision, r->manifest, &lacking, t);

	if (!rc && lacking) {
		trouble_set(&why, ERR_CORRUPT,
			"revision %llu is %s: %llu of its blobs cannot be had",
			(unsigned long long)number, is_there ? "not whole" : "left out",
			(unsigned long long)lacking);
		copy_leave_out(c, &why);
		return 0;
	}
	if (!rc)
		rc = store_sync(c->o->to, t);
	if (!rc && !is_there) {
		rc = store_write_revision(c->o->to, number, span_of_bytes(&r->text), t);
		c->counts->revisions += !rc;
	}
	return rc ? rc : copy_note_newest(c, r);
}

/* What concerns one revision alone, the others can do without. */
static bool is_of_one(int rc)
{
	return rc == ERR_ABSENT || rc == ERR_CORRUPT || rc == ERR_LIMIT ||
	       rc == ERR_UNSUPPORTED || rc == ERR_UNTRUSTED || rc == ERR_EXISTS;
}

static int copy_revision(struct copy_run *c, uint64_t number, struct trouble *t)
{
	struct copied_revision r = {.manifest = NULL};
	struct trouble why = {0};
	bool is_there = false;
	int rc = read_source_revision(c, number, &r, &why);

	c->counts->revision = number;
	if (!rc) {
		rc = find_there(c, number, &r.text, &why);
		is_there = !rc;
		rc = rc == ERR_ABSENT ? 0 : rc;
	}
	if (rc && is_of_one(rc))
		copy_leave_out(c, &why);
	else if (rc && t)
		*t = why;
	else if (!rc && is_there && !c->o->read_all)
		rc = copy_note_newest(c, &r);
	else if (!rc)
		rc = copy_blobs(c, &r, is_there, t);
	manifest_free(r.manifest);
	bytes_release(&r.text);
	return is_of_one(rc) ? 0 : rc;
}

/* Never back: neither to an older revision nor to another of the same number. */
static int copy_write_manifest(struct copy_run *c, struct trouble *t)
{
	bool other = c->to && c->newest == c->to->revision && c->o->replace &&
		     !span_equal(
			     span_of_bytes(&c->newest_text), span_of_bytes(&c->to_text));
	int rc;

	if (c->newest == 0 || (c->to && c->newest <= c->to->revision && !other))
		return 0;
	rc = store_write_manifest(
		c->o->to, c->newest, span_of_bytes(&c->newest_text), &c->seen, t);
	if (!rc)
		c->counts->newest_to = c->newest;
	return rc;
}

static int copy_all(struct copy_run *c, struct trouble *t)
{
	int rc = copy_read_source(c, t);

	if (!rc)
		rc = copy_read_destination(c, t);
	if (!rc)
		rc = copy_recover(c, t);
	if (!rc)
		rc = copy_find_revisions(c, t);
	if (!rc)
		rc = revision_copy_new(c->o, c->counts, &c->revision);
	for (size_t i = c->revisions.count; !rc && i > 0; i--)
		rc = copy_revision(c, c->revisions.numbers[i - 1], t);
	if (!rc)
		rc = copy_tags(c, t);
	if (!rc)
		rc = copy_write_manifest(c, t);
	return rc ? rc : store_settle(c->o->to, t);
}

int store_copy(const struct store_copy_options *options, struct store_copy_counts *out,
	struct trouble *t)
{
	struct copy_run c = {.o = options, .counts = out};
	int rc;

	*out = (struct store_copy_counts){0};
	rc = copy_all(&c, t);
	revision_copy_free(c.revision);
	store_revisions_release(&c.revisions);
	manifest_free(c.from);
	manifest_free(c.to);
	bytes_release(&c.from_text);
	bytes_release(&c.to_text);
	bytes_release(&c.newest_text);
	if (!rc && out->left_out)
		return trouble_set(t, ERR_CORRUPT,
			"%s: %llu revisions and tags of it are left out, or not whole",
			store_name(options->from), (unsigned long long)out->left_out);
	return rc;
}
