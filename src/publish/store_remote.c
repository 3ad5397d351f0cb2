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

static int store_remote_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	char path[BLOB_PATH_SIZE];
	struct bytes stored = {0};
	struct blob_head head;
	uint64_t asked = 0;
	int rc;

	blob_path(name, path);
	rc = store_remote_read(s, path, BLOB_SIZE_MAX, &asked, &stored, NULL, t);
	if (!rc && blob_frame_check(span_of_bytes(&stored), PAGE_SIZE_MAX, &head))
		rc = trouble_set(t, ERR_CORRUPT, "%s/%s is damaged", s->name, path);
	if (!rc)
		*out = (struct stored){.size = stored.size,
			.content = head.size,
			.has_base = head.has_base,
			.base = head.base};
	bytes_release(&stored);
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
