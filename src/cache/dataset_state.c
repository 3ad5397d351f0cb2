/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/dataset_state.h"
#include "cache/state.h"

int cache_dataset_load(struct cache *c, const struct digest *id, struct dataset_record *out)
{
	int rc = dataset_record_load(c->metadata, id, out);

	if (rc != ERR_CORRUPT)
		return rc;
	log_warning(c->log, "cache: the state kept for a dataset is rotten: forgotten");
	return ERR_ABSENT;
}

int cache_dataset_by_url(struct cache *c, const char *url, struct digest *id)
{
	return dataset_record_by_url(c->metadata, url, id);
}

int cache_dataset_save(
	struct cache *c, const struct digest *id, const struct dataset_record *record)
{
	return dataset_record_save(
		c->metadata, write_context_deadline(&c->write), id, record);
}
