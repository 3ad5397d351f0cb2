/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "format/document.h"
#include "format/manifest.h"
#include "format/tag.h"
#include "dataset/manifest_fetch.h"
#include "util/clock.h"

/* How long a store is asked anew when the last accepted manifest could do instead. */
#define RECALL_PATIENCE (3 * NS_PER_SECOND)

void manifest_fetch_release(struct manifest_fetch *m)
{
	bytes_release(&m->text);
	bytes_release(&m->tag_text);
}

/* Is the last accepted manifest what is asked for? */
static bool can_recall(const struct manifest_fetch *m)
{
	if (!m->last || (m->tag && !m->last->tag.size))
		return false;
	return m->revision == 0 || m->revision == m->last->revision;
}

/* One GET. The body is appended to `body` unless the server says that the remembered one
 * still stands: then *unchanged. `etag` in and out, NULL for what never changes. */
static int manifest_get(struct manifest_fetch *m, const char *path, char *etag,
	struct bytes *body, bool *unchanged, struct trouble *t)
{
	/* A server that is only starting, or too busy, is asked again until the deadline;
	 * not for long where there is something to go on with. */
	int64_t patience = can_recall(m) ? clock_monotonic() + RECALL_PATIENCE : 0;
	struct fetch fetch = {
		.mirrors = source_mirrors(m->source),
		.size_max = MANIFEST_SIZE_MAX,
		.cost = MANIFEST_SIZE_MAX,
		.priority = FETCH_DEMAND,
		.deadline = m->deadline,
		.retry_until = patience,
		.vouched = m->vouched,
		.tells = true,
		.revalidate = etag != NULL,
		.avoid = m->avoid,
	};
	int rc;

	snprintf(fetch.path, sizeof fetch.path, "%s", path);
	if (etag)
		snprintf(fetch.etag, sizeof fetch.etag, "%s", etag);
	rc = fetcher_get(engine_fetcher(source_engine(m->source)), &fetch);
	m->mirror = rc ? -1 : fetch.mirror;
	if (rc) {
		trouble_set(t, rc, "%s", fetch.trouble.text);
		goto out;
	}
	*unchanged = fetch.not_modified;
	if (etag)
		snprintf(etag, FETCH_ETAG_MAX, "%s", fetch.etag);
	if (!fetch.not_modified)
		rc = bytes_append(body, fetch.body.data, fetch.body.size);
out:
	bytes_release(&fetch.body);
	return rc;
}

/* Nothing of it is remembered. `moves`: it may have changed, whatever a cache on the way
 * has. */
static int get_whole(struct manifest_fetch *m, const char *path, bool moves,
	struct bytes *body, struct trouble *t)
{
	char etag[FETCH_ETAG_MAX] = "";
	bool unchanged = false;
	int rc = manifest_get(m, path, moves ? etag : NULL, body, &unchanged, t);

	if (!rc && unchanged)
		rc = trouble_set(t, ERR_CORRUPT,
			"%s/%s: the server answered \"not modified\" though nothing was "
			"known",
			m->url, path);
	return rc;
}

/* Servers answer what they like in place of a file: a sign-in page, a listing. */
static int check_document(const struct manifest_fetch *m, const char *path,
	const struct bytes *text, struct trouble *t)
{
	const char *misfit = document_misfit(span_of_bytes(text));

	if (!misfit)
		return 0;
	return trouble_set(t, ERR_CORRUPT,
		"%s answered, but it is not a cairn store (%s is %s)", m->url, path,
		misfit);
}

static int recall(struct manifest_fetch *m)
{
	const struct dataset_record *last = m->last;
	int rc = bytes_append(&m->text, last->manifest.data, last->manifest.size);

	m->from_cache = true;
	snprintf(m->etag, sizeof m->etag, "%s", last->etag);
	if (!rc && m->tag)
		rc = bytes_append(&m->tag_text, last->tag.data, last->tag.size);
	return rc;
}

static int get_newest(struct manifest_fetch *m, struct trouble *t)
{
	bool unchanged = false;
	int rc;

	/* Each mirror has ETags of its own. */
	if (m->last && !m->avoid)
		snprintf(m->etag, sizeof m->etag, "%s", m->last->etag);
	rc = manifest_get(m, "manifest.json", m->etag, &m->text, &unchanged, t);
	if (rc == ERR_ABSENT)
		return trouble_set(t, rc,
			"no store at %s: manifest.json does not exist there", m->url);
	if (rc == ERR_LIMIT)
		return trouble_set(t, ERR_CORRUPT,
			"%s answered, but it is not a cairn store (manifest.json is longer "
			"than "
			"%u bytes)",
			m->url, MANIFEST_SIZE_MAX);
	if (rc)
		return rc;
	if (!unchanged)
		return check_document(m, "manifest.json", &m->text, t);
	if (!m->last)
		return trouble_set(t, ERR_CORRUPT,
			"%s/manifest.json: the server answered \"not modified\" though "
			"nothing "
			"was known",
			m->url);
	rc = recall(m);
	m->from_cache = false;
	return rc;
}

/* The number of the newest revision, or 0. Only for words, so nothing of it is verified. */
static uint64_t newest_number(struct manifest_fetch *m)
{
	uint64_t number = m->last ? m->last->revision : 0;
	struct bytes text = {0};
	struct manifest *newest;

	if (!get_whole(m, "manifest.json", true, &text, NULL) &&
		!manifest_decode(span_of_bytes(&text), &newest, NULL)) {
		number = newest->revision > number ? newest->revision : number;
		manifest_free(newest);
	}
	bytes_release(&text);
	return number;
}

/* Numbers rise by one, so an earlier one was there. */
static int fail_no_revision(
	struct manifest_fetch *m, uint64_t revision, const char *path, struct trouble *t)
{
	uint64_t newest = newest_number(m);

	if (newest > revision)
		return trouble_set(t, ERR_ABSENT,
			"%s has no revision %llu any more: it was pruned (cairn gc); the "
			"newest is %llu",
			m->url, (unsigned long long)revision, (unsigned long long)newest);
	return trouble_set(t, ERR_ABSENT,
		"%s has no revision %llu: %s does not exist there", m->url,
		(unsigned long long)revision, path);
}

static int get_revision(struct manifest_fetch *m, uint64_t revision, struct trouble *t)
{
	char path[64];
	int rc;

	snprintf(path, sizeof path, "revisions/%llu.json", (unsigned long long)revision);
	rc = get_whole(m, path, false, &m->text, t);
	if (rc == ERR_ABSENT)
		return fail_no_revision(m, revision, path, t);
	return rc ? rc : check_document(m, path, &m->text, t);
}

/* The tag says which revision, and what its manifest's bytes must be. */
static int get_tagged(struct manifest_fetch *m, const struct tag *tag, struct trouble *t)
{
	struct digest digest;
	int rc;

	m->vouched = true;
	rc = get_revision(m, tag->revision, t);
	if (rc)
		return rc;
	digest = digest_of(m->text.data, m->text.size);
	if (!digest_equal(&digest, &tag->manifest))
		return trouble_set(t, ERR_CORRUPT,
			"%s: revisions/%llu.json is not the one that the tag \"%s\" was "
			"put on",
			m->url, (unsigned long long)tag->revision, tag->tag);
	return 0;
}

static int get_tag(struct manifest_fetch *m, struct trouble *t)
{
	const char *name = m->tag;
	char path[TAG_NAME_MAX + 16];
	struct tag *tag;
	int rc;

	if (tag_name_check(name))
		return trouble_set(t, ERR_INVALID,
			"\"%s\" is no tag: at most %d letters, digits, '.', '_' and '-'",
			name, TAG_NAME_MAX);
	snprintf(path, sizeof path, "tags/%s.json", name);
	rc = get_whole(m, path, true, &m->tag_text, t);
	if (rc == ERR_ABSENT)
		return trouble_set(t, rc, "%s has no tag \"%s\": %s does not exist there",
			m->url, name, path);
	if (!rc)
		rc = check_document(m, path, &m->tag_text, t);
	if (rc)
		return rc;
	rc = tag_decode(span_of_bytes(&m->tag_text), &tag, t);
	if (rc)
		return rc;
	if (strcmp(tag->tag, name))
		rc = trouble_set(
			t, ERR_CORRUPT, "%s/%s is the tag \"%s\"", m->url, path, tag->tag);
	else
		rc = get_tagged(m, tag, t);
	tag_free(tag);
	return rc;
}

static int get_offline(struct manifest_fetch *m, struct trouble *t)
{
	if (can_recall(m))
		return recall(m);
	if (m->tag)
		return trouble_set(t, ERR_ABSENT,
			"of %s, the cache does not know what the tag \"%s\" is on: give "
			"--revision, or let the network be used",
			m->url, m->tag);
	if (m->last)
		return trouble_set(t, ERR_ABSENT,
			"of %s, the cache knows revision %llu only", m->url,
			(unsigned long long)m->last->revision);
	return trouble_set(t, ERR_ABSENT, "%s was never opened with this cache", m->url);
}

static int get_online(struct manifest_fetch *m, struct trouble *t)
{
	if (m->tag)
		return get_tag(m, t);
	if (m->revision)
		return get_revision(m, m->revision, t);
	return get_newest(m, t);
}

static bool is_silence(int rc)
{
	return rc == ERR_UNREACHABLE || rc == ERR_TIMEOUT;
}

/* A network that wants a sign-in first answers in every store's place: with its page, 403
 * or 404. */
static bool is_of_a_stand_in(int rc)
{
	return rc == ERR_CORRUPT || rc == ERR_DENIED || rc == ERR_ABSENT;
}

/* The store answers, and has no such tag any more. */
static bool tag_is_gone(struct manifest_fetch *m)
{
	struct bytes text = {0};
	struct trouble t = {0};
	int rc = get_whole(m, "manifest.json", true, &text, &t);

	if (!rc)
		rc = check_document(m, "manifest.json", &text, &t);
	bytes_release(&text);
	return !rc;
}

int manifest_fetch(struct manifest_fetch *m, struct trouble *t)
{
	int rc;

	m->mirror = -1;
	if (m->offline)
		return get_offline(m, t);
	rc = get_online(m, &m->why);
	m->has_stand_in = is_of_a_stand_in(rc) && can_recall(m) && !m->vouched;
	if (m->has_stand_in && m->tag && rc == ERR_ABSENT)
		m->has_stand_in = !tag_is_gone(m);
	if (m->has_stand_in || (is_silence(rc) && can_recall(m))) {
		m->why.code = rc;
		bytes_clear(&m->text);
		bytes_clear(&m->tag_text);
		return recall(m);
	}
	if (rc)
		trouble_set(t, rc, "%.900s%s",
			m->why.text[0] ? m->why.text : error_text(rc),
			is_silence(rc) ? "; is the URL right, and the server up?" : "");
	return rc;
}
