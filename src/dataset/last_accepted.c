/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/last_accepted.h"
#include "format/tag.h"
#include "util/clock.h"

/* No URL of a store has a fragment. Heap. */
static char *url_of_tag(const char *url, const char *tag)
{
	char *text;

	if (!tag)
		return strdup(url);
	return asprintf(&text, "%s#%s", url, tag) < 0 ? NULL : text;
}

static int record_load(
	struct cache *c, const char *url, const char *tag, struct last_accepted *l)
{
	char *key = url_of_tag(url, tag);
	int rc = key ? cache_dataset_by_url(c, key, &l->id) : ERR_NO_MEMORY;

	free(key);
	return rc ? rc : cache_dataset_load(c, &l->id, &l->record);
}

void last_accepted_load(
	struct cache *c, const char *url, const char *tag, struct last_accepted *out)
{
	struct last_accepted l = {0};
	struct manifest *m;

	*out = l;
	if (record_load(c, url, tag, &l))
		return;
	if (manifest_decode(span_of_bytes(&l.record.manifest), &m, NULL)) {
		dataset_record_release(&l.record);
		return;
	}
	manifest_free(m);
	if (strcmp(l.record.url, url))
		l.record.etag[0] = '\0';
	l.exists = true;
	*out = l;
}

void last_accepted_release(struct last_accepted *l)
{
	if (l->exists)
		dataset_record_release(&l->record);
	l->exists = false;
}

static int highest_in_cache(
	struct cache *c, const struct digest *id, uint64_t *highest, struct trouble *t)
{
	struct dataset_record seen;
	int rc = cache_dataset_load(c, id, &seen);

	if (rc == ERR_ABSENT)
		return 0;
	if (rc)
		return trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc));
	if (seen.highest > *highest)
		*highest = seen.highest;
	dataset_record_release(&seen);
	return 0;
}

int last_accepted_highest(struct cache *c, const char *keys, const struct digest *id,
	uint64_t *highest, struct trouble *t)
{
	struct known_datasets known;
	uint64_t n = 0;
	bool is_kept;
	int rc = known_datasets_load(keys, &known, t);

	if (rc)
		return rc;
	is_kept = known_datasets_is_writable(&known);
	rc = known_datasets_revision(&known, id, &n, t);
	known_datasets_release(&known);
	if (rc == ERR_ABSENT || (!rc && !is_kept))
		rc = highest_in_cache(c, id, &n, t);
	if (!rc)
		*highest = n;
	return rc;
}

int last_accepted_check(
	uint64_t highest, const char *url, const struct manifest *m, struct trouble *t)
{
	if (m->revision >= highest)
		return 0;
	return trouble_set(t, ERR_ROLLBACK,
		"%s offers revision %llu as the newest, but revision %llu was seen before: "
		"the server may be out of date; to use this one, give --revision %llu",
		url, (unsigned long long)m->revision, (unsigned long long)highest,
		(unsigned long long)m->revision);
}

static struct digest id_of_tag(const struct digest *id, const char *tag)
{
	char text[DIGEST_SIZE + TAG_NAME_MAX];
	size_t size = strnlen(tag, TAG_NAME_MAX);

	memcpy(text, id->bytes, DIGEST_SIZE);
	memcpy(text + DIGEST_SIZE, tag, size);
	return digest_of(text, DIGEST_SIZE + size);
}

int last_accepted_save_tag(struct cache *c, const struct digest *id, const char *url,
	const char *tag, const struct bytes *tag_text, const struct manifest *m,
	const struct bytes *text)
{
	struct digest key = id_of_tag(id, tag);
	struct dataset_record record = {
		.name = m->name,
		.url = url_of_tag(url, tag),
		.manifest = *text,
		.tag = *tag_text,
		.revision = m->revision,
		.accepted = clock_realtime() / NS_PER_SECOND,
		.root = m->root,
	};
	int rc = record.url ? cache_dataset_save(c, &key, &record) : ERR_NO_MEMORY;

	free(record.url);
	return rc;
}

int last_accepted_save(struct cache *c, const struct digest *id, const char *url,
	const struct manifest *m, const struct bytes *text, const char *etag)
{
	struct dataset_record record = {
		.name = m->name,
		.url = (char *)url,
		.manifest = *text,
		.revision = m->revision,
		.highest = m->revision,
		.accepted = clock_realtime() / NS_PER_SECOND,
		.root = m->root,
	};

	snprintf(record.etag, sizeof record.etag, "%s", etag);
	return cache_dataset_save(c, id, &record);
}
