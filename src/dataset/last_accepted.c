/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "dataset/last_accepted.h"
#include "util/clock.h"

void last_accepted_load(struct cache *c, const char *url, struct last_accepted *out)
{
	struct last_accepted l = {0};
	struct manifest *m;

	*out = l;
	if (cache_dataset_by_url(c, url, &l.id) || cache_dataset_load(c, &l.id, &l.record))
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

int last_accepted_check(struct cache *c, const struct digest *id, const char *url,
	const struct manifest *m, struct trouble *t)
{
	struct dataset_record seen;
	int rc = cache_dataset_load(c, id, &seen);

	if (rc == ERR_ABSENT)
		return 0;
	if (rc)
		return trouble_set(t, rc, "the cache cannot be read: %s", error_text(rc));
	if (m->revision < seen.highest)
		rc = trouble_set(t, ERR_ROLLBACK,
			"%s offers revision %llu as the newest, but revision %llu was seen "
			"before: the server may be out of date; to use this one, give "
			"--revision %llu",
			url, (unsigned long long)m->revision,
			(unsigned long long)seen.highest, (unsigned long long)m->revision);
	dataset_record_release(&seen);
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
