/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "dataset/refresh.h"

#include <stdlib.h>

#include "dataset/known_keys.h"
#include "dataset/opening.h"

static int check_id(const struct dataset *now, const struct dataset *d, struct trouble *t)
{
	if (digest_equal(&now->id, &d->id))
		return 0;
	return trouble_set(t, ERR_UNTRUSTED, "%s holds another dataset now, %s", d->url,
		now->manifest->name);
}

/* Is it of what is open? The last accepted stands in for an answer when a dataset is
 * opened; one that is open has no need of it, unless somebody else has seen a newer one. */
static int check_same(const struct opening *o, const struct dataset *d, uint64_t revision,
	struct trouble *t)
{
	const struct dataset *now = o->dataset;
	int rc;

	if (o->why.text[0] && now->manifest->revision <= revision)
		return trouble_set(
			t, o->why.code ? o->why.code : ERR_UNREACHABLE, "%s", o->why.text);
	rc = check_id(now, d, t);
	if (rc)
		return rc;
	if (opening_wants_newest(o) && now->manifest->revision < revision)
		return trouble_set(t, ERR_ROLLBACK,
			"%s offers revision %llu, older than %llu, which is shown", d->url,
			(unsigned long long)now->manifest->revision,
			(unsigned long long)revision);
	return 0;
}

/* Asks for what the options say, of the dataset `d`. */
struct asking {
	struct opening opening;
	struct dataset now; /* what came */
	char *known_keys;
};

static int asking_init(struct asking *a, const struct dataset *d,
	const struct dataset_options *options, struct trouble *t)
{
	*a = (struct asking){
		.opening = {.engine = source_engine(d->source), .options = options},
		.now = {.source = d->source, .url = d->url},
		.known_keys = known_keys_file(options->known_keys),
	};
	a->opening.dataset = &a->now;
	a->opening.signer.known_keys = a->known_keys;
	return a->known_keys ? 0 : trouble_set(t, ERR_NO_MEMORY, "out of memory");
}

/* With what came, if it is wanted. */
static void asking_end(struct asking *a, struct manifest **out)
{
	if (out) {
		*out = a->now.manifest;
		a->now.manifest = NULL;
	}
	manifest_free(a->now.manifest);
	bytes_release(&a->now.manifest_text);
	opening_release(&a->opening);
	free(a->known_keys);
}

static int refresh(
	struct opening *o, const struct dataset *d, uint64_t revision, struct trouble *t)
{
	int rc = opening_bring(o, t);

	if (!rc)
		rc = check_same(o, d, revision, t);
	/* A tag may be anew on what it was on: its time counts. */
	if (rc || (o->dataset->manifest->revision == revision && !o->options->tag))
		return rc;
	opening_add_mirrors(o);
	opening_accept(o);
	return 0;
}

int dataset_refresh(struct dataset *d, const struct dataset_options *options,
	uint64_t revision, struct manifest **out, struct trouble *t)
{
	struct asking a;
	int rc = asking_init(&a, d, options, t);

	*out = NULL;
	if (!rc)
		rc = refresh(&a.opening, d, revision, t);
	asking_end(&a, !rc && a.now.manifest->revision != revision ? out : NULL);
	return rc;
}

static int bring_other(struct opening *o, const struct dataset *d, struct trouble *t)
{
	int rc = opening_bring(o, t);

	if (!rc)
		rc = check_id(o->dataset, d, t);
	if (rc)
		return rc;
	opening_add_mirrors(o);
	if (!o->options->revision)
		opening_accept(o);
	return 0;
}

int dataset_bring(struct dataset *d, const struct dataset_options *options,
	struct manifest **out, struct trouble *t)
{
	struct asking a;
	int rc = asking_init(&a, d, options, t);

	if (!rc)
		rc = bring_other(&a.opening, d, t);
	asking_end(&a, rc ? NULL : out);
	return rc;
}

void dataset_end_waits(struct dataset *d)
{
	source_end_runs(d->source);
	fetcher_end_gets(engine_fetcher(source_engine(d->source)));
}
