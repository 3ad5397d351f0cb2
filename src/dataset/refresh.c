/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "dataset/refresh.h"

#include <stdlib.h>

#include "dataset/known_keys.h"
#include "dataset/opening.h"

/* Is it of what is open? The last accepted stands in for an answer when a dataset is
 * opened; one that is open has no need of it, unless somebody else has seen a newer one. */
static int check_same(const struct opening *o, const struct dataset *d, uint64_t revision,
	struct trouble *t)
{
	const struct dataset *now = o->dataset;

	if (o->why.text[0] && now->manifest->revision <= revision)
		return trouble_set(
			t, o->why.code ? o->why.code : ERR_UNREACHABLE, "%s", o->why.text);
	if (!digest_equal(&now->id, &d->id))
		return trouble_set(t, ERR_UNTRUSTED, "%s holds another dataset now, %s",
			d->url, now->manifest->name);
	if (opening_wants_newest(o) && now->manifest->revision < revision)
		return trouble_set(t, ERR_ROLLBACK,
			"%s offers revision %llu, older than %llu, which is shown", d->url,
			(unsigned long long)now->manifest->revision,
			(unsigned long long)revision);
	return 0;
}

static int refresh(
	struct opening *o, const struct dataset *d, uint64_t revision, struct trouble *t)
{
	int rc = opening_bring(o, t);

	if (!rc)
		rc = check_same(o, d, revision, t);
	if (rc || o->dataset->manifest->revision == revision)
		return rc;
	opening_add_mirrors(o);
	opening_accept(o);
	return 0;
}

int dataset_refresh(struct dataset *d, const struct dataset_options *options,
	uint64_t revision, struct manifest **out, struct trouble *t)
{
	struct dataset now = {.source = d->source, .url = d->url};
	struct opening o = {
		.engine = source_engine(d->source), .options = options, .dataset = &now};
	char *known_keys = known_keys_file(options->known_keys);
	int rc = ERR_NO_MEMORY;

	*out = NULL;
	trouble_set(t, rc, "%s", error_text(rc));
	o.signer.known_keys = known_keys;
	if (known_keys)
		rc = refresh(&o, d, revision, t);
	if (!rc && now.manifest->revision != revision) {
		*out = now.manifest;
		now.manifest = NULL;
	}
	manifest_free(now.manifest);
	bytes_release(&now.manifest_text);
	opening_release(&o);
	free(known_keys);
	return rc;
}

void dataset_end_waits(struct dataset *d)
{
	source_end_runs(d->source);
	fetcher_end_gets(engine_fetcher(source_engine(d->source)));
}
