/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/meta/dataset_record.h"
#include "cache/meta/table.h"
#include "format/manifest.h"

/* As stored; the strings follow, each without a NUL, and a tag's text to the end. */
struct dataset_head {
	uint64_t revision, highest;
	int64_t accepted;
	struct digest root;
	uint32_t name, url, etag, manifest; /* bytes */
};

static size_t dataset_parts_size(const struct dataset_head *h)
{
	return (size_t)h->name + h->url + h->etag + h->manifest;
}

static bool dataset_head_is_sane(const struct dataset_head *h, size_t rest)
{
	return h->name <= MANIFEST_NAME_MAX && h->url <= MANIFEST_URL_MAX &&
	       h->etag < sizeof(((struct dataset_record *)0)->etag) &&
	       h->manifest <= MANIFEST_SIZE_MAX && h->revision <= REVISION_MAX &&
	       h->highest <= REVISION_MAX && rest >= dataset_parts_size(h) &&
	       rest - dataset_parts_size(h) <= MANIFEST_SIZE_MAX;
}

/* The next `size` bytes as a string; a NUL within it is not one of ours. */
static int take_string(struct span *rest, size_t size, char **out)
{
	struct span s = span_of(rest->data, size);

	if (size && memchr(s.data, 0, size))
		return ERR_CORRUPT;
	*out = span_to_string(s);
	if (!*out)
		return ERR_NO_MEMORY;
	*rest = span_of(rest->data + size, rest->size - size);
	return 0;
}

int dataset_record_decode(struct span value, struct dataset_record *out)
{
	struct dataset_record s = {0};
	struct dataset_head h;
	struct span rest;
	int rc;

	if (value.size < sizeof h)
		return ERR_CORRUPT;
	memcpy(&h, value.data, sizeof h);
	rest = span_of(value.data + sizeof h, value.size - sizeof h);
	if (!dataset_head_is_sane(&h, rest.size))
		return ERR_CORRUPT;
	s.revision = h.revision;
	s.highest = h.highest;
	s.accepted = h.accepted;
	s.root = h.root;
	rc = take_string(&rest, h.name, &s.name);
	if (!rc)
		rc = take_string(&rest, h.url, &s.url);
	if (!rc && h.etag && memchr(rest.data, 0, h.etag))
		rc = ERR_CORRUPT;
	if (!rc) {
		memcpy(s.etag, rest.data, h.etag);
		rest = span_of(rest.data + h.etag, rest.size - h.etag);
		rc = bytes_append(&s.manifest, rest.data, h.manifest);
	}
	if (!rc)
		rc = bytes_append(&s.tag, rest.data + h.manifest, rest.size - h.manifest);
	if (rc)
		dataset_record_release(&s);
	else
		*out = s;
	return rc;
}

int dataset_record_encode(const struct dataset_record *s, struct bytes *out)
{
	struct dataset_head h = {.revision = 0};
	size_t name = strlen(s->name), url = strlen(s->url);
	size_t etag = strnlen(s->etag, sizeof s->etag);
	const struct span parts[] = {span_of(&h, sizeof h), span_of(s->name, name),
		span_of(s->url, url), span_of(s->etag, etag), span_of_bytes(&s->manifest),
		span_of_bytes(&s->tag)};
	int rc = 0;

	if (name > MANIFEST_NAME_MAX || url > MANIFEST_URL_MAX || etag == sizeof s->etag ||
		s->manifest.size > MANIFEST_SIZE_MAX || s->tag.size > MANIFEST_SIZE_MAX ||
		s->revision > REVISION_MAX || s->highest > REVISION_MAX)
		return ERR_LIMIT;
	memset(&h, 0, sizeof h); /* padding, too */
	h = (struct dataset_head){s->revision, s->highest, s->accepted, s->root,
		(uint32_t)name, (uint32_t)url, (uint32_t)etag, (uint32_t)s->manifest.size};
	for (size_t i = 0; i < sizeof parts / sizeof *parts && !rc; i++)
		rc = bytes_append(out, parts[i].data, parts[i].size);
	return rc;
}

static int dataset_get(struct metadata *m, MDB_txn *txn, const struct digest *id,
	struct dataset_record *out)
{
	struct span value;
	int rc = table_get(m, txn, TABLE_DATASETS, span_of_digest(id), &value);

	return rc ? rc : dataset_record_decode(value, out);
}

int dataset_record_load(
	struct metadata *m, const struct digest *id, struct dataset_record *out)
{
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	rc = dataset_get(m, txn, id, out);
	metadata_read_end(m, txn);
	return rc;
}

int dataset_record_by_url(struct metadata *m, const char *url, struct digest *id)
{
	struct digest key = digest_of(url, strlen(url));
	struct span value;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	rc = table_get(m, txn, TABLE_URLS, span_of_digest(&key), &value);
	if (!rc && value.size != DIGEST_SIZE)
		rc = ERR_CORRUPT;
	if (!rc)
		memcpy(id->bytes, value.data, DIGEST_SIZE);
	metadata_read_end(m, txn);
	return rc == ERR_CORRUPT ? ERR_ABSENT : rc;
}

struct dataset_save {
	struct metadata *m;
	const struct digest *id;
	const struct dataset_record *state;
};

static int dataset_put(MDB_txn *txn, void *arg)
{
	struct dataset_save *s = arg;
	struct metadata *m = s->m;
	struct dataset_record state = *s->state, before;
	struct digest url = digest_of(state.url, strlen(state.url));
	struct bytes value = {0};
	int rc = dataset_get(m, txn, s->id, &before);

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	if (!rc) {
		if (before.highest > state.highest)
			state.highest = before.highest;
		dataset_record_release(&before);
	}
	rc = dataset_record_encode(&state, &value);
	if (!rc)
		rc = table_put(m, txn, TABLE_DATASETS, span_of_digest(s->id),
			span_of_bytes(&value), span_of(NULL, 0));
	if (!rc)
		rc = table_put(m, txn, TABLE_URLS, span_of_digest(&url),
			span_of_digest(s->id), span_of(NULL, 0));
	bytes_release(&value);
	return rc;
}

int dataset_record_save(struct metadata *m, int64_t deadline, const struct digest *id,
	const struct dataset_record *record)
{
	struct dataset_save s = {m, id, record};
	int rc = metadata_write(m, deadline, dataset_put, &s);

	/* The highest revision seen is what a rollback is told by: to the disk with it. */
	return rc ? rc : metadata_sync(m);
}

void dataset_record_release(struct dataset_record *s)
{
	free(s->name);
	free(s->url);
	bytes_release(&s->manifest);
	bytes_release(&s->tag);
	*s = (struct dataset_record){0};
}
