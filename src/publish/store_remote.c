/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/blob_frame.h"
#include "net/fetcher.h"
#include "publish/store_remote.h"
#include "util/clock.h"

#define TIMEOUT_DEFAULT (60 * NS_PER_SECOND)
#define LOOK_COST 4096 /* bytes of memory for the beginning of a blob */

struct store_remote {
	struct store base; /* first */
	struct mirrors *mirrors;
	struct fetcher *fetcher;
	int64_t timeout; /* ns */
};

static struct store_remote *remote_of(struct store *s)
{
	return (struct store_remote *)s;
}

static void store_remote_close(struct store *s)
{
	struct store_remote *r = remote_of(s);

	if (r->fetcher)
		fetcher_free(r->fetcher);
	if (r->mirrors)
		mirrors_free(r->mirrors);
	free(r->base.name);
	free(r);
}

/* All mirrors there are. */
static uint64_t all_mirrors(struct store_remote *r)
{
	unsigned count = mirrors_count(r->mirrors);

	return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

static void remote_prepare(struct store_remote *r, const char *path, size_t max,
	uint64_t avoid, struct fetch *out)
{
	bool is_blob = strncmp(path, "blobs/", 6) == 0;

	*out = (struct fetch){
		.mirrors = r->mirrors,
		.size_max = max,
		.cost = max,
		.priority = FETCH_DEMAND,
		.deadline = clock_monotonic() + r->timeout,
		.patience = r->timeout,
		.resumable = is_blob,
		.tells = true,
		.revalidate = !is_blob,
		.avoid = avoid,
	};
	snprintf(out->path, sizeof out->path, "%s", path);
}

static int store_remote_read(struct store *s, const char *path, size_t max, uint64_t *asked,
	struct bytes *out, struct store_version *version, struct trouble *t)
{
	struct store_remote *r = remote_of(s);
	struct fetch fetch;
	int rc;

	if ((*asked & all_mirrors(r)) == all_mirrors(r))
		return trouble_set(t, ERR_ABSENT, "no mirror of %s is left to ask for %s",
			s->name, path);
	remote_prepare(r, path, max, *asked, &fetch);
	rc = fetcher_get(r->fetcher, &fetch);
	if (rc) {
		trouble_set(t, rc, "%s", fetch.trouble.text);
		goto out;
	}
	if (fetch.mirror >= 0)
		*asked |= (uint64_t)1 << fetch.mirror;
	rc = bytes_append(out, fetch.body.data, fetch.body.size);
	if (!rc && version)
		snprintf(version->text, sizeof version->text, "%s",
			fetch.etag[0] ? fetch.etag : "?");
out:
	bytes_release(&fetch.body);
	return rc;
}

/* How far the blocks can be followed in the beginning of a blob, whose file has `size`
 * bytes: those of small ones to their end. */
static int remote_judge(struct span beginning, uint64_t size, struct stored *out)
{
	struct blob_head head;
	struct blob_frame f;

	if (size > BLOB_SIZE_MAX || blob_frame_begin(beginning, PAGE_SIZE_MAX, &head, &f))
		return ERR_CORRUPT;
	while (!f.ended && f.at + BLOCK_HEADER_SIZE <= beginning.size)
		if (blob_frame_next(&f, beginning.data + f.at))
			return ERR_CORRUPT;
	if (f.ended ? f.at != size : f.at + BLOCK_HEADER_SIZE > size)
		return ERR_CORRUPT;
	*out = (struct stored){.size = size,
		.content = head.size,
		.has_base = head.has_base,
		.base = head.base};
	return 0;
}

/* The beginning of a file, and its size; or all of it, where the server gives no less. */
static int remote_look(struct store_remote *r, const char *path, struct bytes *beginning,
	uint64_t *size, struct trouble *t)
{
	struct fetch fetch;
	int rc;

	remote_prepare(r, path, BLOB_SIZE_MAX, 0, &fetch);
	fetch.resumable = false;
	fetch.beginning = STORE_HEAD_SIZE;
	fetch.cost = LOOK_COST;
	rc = fetcher_get(r->fetcher, &fetch);
	if (rc)
		trouble_set(t, rc, "%s", fetch.trouble.text);
	else
		rc = bytes_append(beginning, fetch.body.data, fetch.body.size);
	if (!rc)
		*size = fetch.whole;
	bytes_release(&fetch.body);
	return rc;
}

static int store_remote_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	char path[BLOB_PATH_SIZE];
	struct bytes beginning = {0};
	uint64_t asked = 0, size = 0;
	int rc;

	blob_path(name, path);
	rc = remote_look(remote_of(s), path, &beginning, &size, t);
	if (!rc && size == UINT64_MAX) { /* the server does not tell: it may be empty */
		bytes_clear(&beginning);
		rc = store_remote_read(s, path, BLOB_SIZE_MAX, &asked, &beginning, NULL, t);
		size = beginning.size;
	}
	if (!rc)
		rc = remote_judge(span_of_bytes(&beginning), size, out);
	if (rc == ERR_CORRUPT)
		trouble_set(t, rc, "%s/%s is damaged", s->name, path);
	bytes_release(&beginning);
	return rc;
}

static const struct store_methods remote_methods = {
	.close = store_remote_close,
	.read = store_remote_read,
	.find_blob = store_remote_find_blob,
};

int store_remote_open(const char *url, const struct store_remote_options *options,
	struct store **out, struct trouble *t)
{
	struct fetcher_options fetching = {
		.log = options->log,
		.credentials = options->credentials,
		.memory = options->memory,
	};
	struct store_remote *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return ERR_NO_MEMORY;
	r->base.methods = &remote_methods;
	r->timeout = options->timeout ? options->timeout : TIMEOUT_DEFAULT;
	rc = mirrors_new(url, &r->mirrors, t);
	if (!rc)
		rc = fetcher_new(&fetching, &r->fetcher, t);
	if (!rc) {
		r->base.name = strdup(mirrors_url(r->mirrors, 0));
		rc = r->base.name ? 0 : ERR_NO_MEMORY;
	}
	if (rc)
		store_remote_close(&r->base);
	else
		*out = &r->base;
	return rc;
}

void store_remote_add_mirrors(struct store *s, const struct manifest *m)
{
	if (s->methods != &remote_methods)
		return;
	for (size_t i = 0; i < m->mirror_count; i++)
		(void)mirrors_add(remote_of(s)->mirrors, m->mirrors[i]);
}
