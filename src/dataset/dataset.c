/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "dataset/dataset.h"

#include <stdlib.h>

#include "dataset/known_keys.h"
#include "dataset/opening.h"
#include "dataset/url.h"
#include "util/clock.h"

/* Where known_datasets does not say what the URL holds, the cache may; but it is deleted as
 * people like, and refuses nobody. */
static void notice_rename(const struct opening *o)
{
	const struct dataset *d = o->dataset;

	if (o->last.exists && !digest_equal(&o->last.id, &d->id))
		log_warning(engine_log(o->engine),
			"%s holds another dataset now, %s; it held %s before", d->url,
			d->manifest->name, o->last.record.name);
}

/* Their round trip goes on while the rest is done: syncing what is remembered, mounting. */
static void fetch_first(const struct dataset *d)
{
	const struct first_pages *first = &d->manifest->first;
	struct want wants[PAGES_FIRST_MAX + 1];

	for (unsigned i = 0; i <= first->count; i++)
		wants[i] = (struct want){
			.kind = BLOB_PAGE,
			.digest = i == 0 ? d->manifest->root : first->pages[i - 1],
			.size = PAGE_SIZE_MAX,
		};
	source_hint(d->source, wants, first->count + 1, FETCH_DEMAND);
}

static int make_source(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	int rc = url_normalise(o->options->url, &d->url, t);

	if (!rc)
		rc = source_new(o->engine, d->url, &d->source, t);
	if (!rc && o->options->offline)
		source_go_offline(d->source);
	return rc;
}

/* The newest that there is is not what the server says. */
static void say_why(const struct opening *o)
{
	char accepted[CLOCK_TEXT_SIZE];

	if (!o->why.text[0])
		return;
	clock_format(
		o->options->tag ? o->last_tag.record.accepted : o->last.record.accepted,
		accepted);
	log_warning(engine_log(o->engine), "%s; going on with revision %llu, accepted %s",
		o->why.text, (unsigned long long)o->dataset->manifest->revision, accepted);
}

static int open_dataset(struct opening *o, struct trouble *t)
{
	struct dataset *d = o->dataset;
	int rc = make_source(o, t);

	if (!rc)
		rc = opening_bring(o, t);
	if (rc)
		return rc;
	say_why(o);
	opening_add_mirrors(o);
	if (o->options->fetch_first)
		fetch_first(d);
	rc = signer_pin(&o->signer, engine_log(o->engine), t);
	if (rc)
		return rc;
	d->newly_pinned = o->signer.newly_pinned;
	notice_rename(o);
	opening_accept(o);
	return 0;
}

int dataset_open(struct engine *e, const struct dataset_options *options,
	struct dataset **out, struct trouble *t)
{
	struct opening o = {.engine = e, .options = options};
	char *known_keys = known_keys_file(options->known_keys);
	int rc = ERR_NO_MEMORY;

	trouble_set(t, rc, "%s", error_text(rc));
	o.dataset = calloc(1, sizeof *o.dataset);
	o.signer.known_keys = known_keys;
	if (o.dataset && known_keys)
		rc = open_dataset(&o, t);
	if (rc) {
		dataset_close(o.dataset);
	} else {
		*out = o.dataset;
		if (t)
			*t = (struct trouble){0};
	}
	opening_release(&o);
	free(known_keys);
	return rc;
}

void dataset_close(struct dataset *d)
{
	if (!d)
		return;
	source_free(d->source);
	manifest_free(d->manifest);
	bytes_release(&d->manifest_text);
	free(d->url);
	free(d);
}
