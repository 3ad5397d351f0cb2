/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "dataset/site_caches.h"
#include "net/answer_head.h"
#include "net/cache_control.h"

/* True when the answer has an ETag that can be sent back; *out of FETCH_ETAG_MAX. */
static bool etag_of(const struct probe_answer *a, char *out)
{
	struct span field;

	if (!probe_field(a, "ETag", &field) ||
		!answer_head_etag_is_clean((const char *)field.data, field.size))
		return false;
	memcpy(out, field.data, field.size);
	out[field.size] = '\0';
	return true;
}

static void take_view(
	struct site_view *view, const struct manifest *m, const struct probe_answer *a)
{
	*view = (struct site_view){.revision = m->revision};
	etag_of(a, view->etag);
}

/* One more look at the manifest, past caches; false when it shows none. */
static bool look_again(const struct site *s, const char *query, struct site_view *out)
{
	const struct look look = {
		.query = query, .past_caches = true, .size_max = MANIFEST_SIZE_MAX};
	struct probe_answer a = {0};
	struct manifest *fresh = NULL;
	struct trouble t = {0};
	bool good = !site_ask(s, "manifest.json", &look, &a) && !a.trouble.code &&
		    a.status == 200 && !manifest_decode(span_of_bytes(&a.body), &fresh, &t);

	if (good)
		take_view(out, fresh, &a);
	manifest_free(fresh);
	probe_release(&a);
	return good;
}

/* Two ways past a cache: by asking, and by a name that it has not seen. */
static void judge_agreement(const struct site *s, const struct probe_answer *first)
{
	unsigned char random[8];
	char query[32];
	struct site_view views[3];
	unsigned count = 1;

	take_view(&views[0], s->manifest, first);
	count += look_again(s, NULL, &views[count]);
	if (RAND_bytes(random, sizeof random) == 1) {
		snprintf(query, sizeof query,
			"cairn-check=%02x%02x%02x%02x%02x%02x%02x%02x", random[0],
			random[1], random[2], random[3], random[4], random[5], random[6],
			random[7]);
		count += look_again(s, query, &views[count]);
	}
	site_judge_views(&s->o->findings, views, count);
}

void site_look_at_caches(const struct site *s, const struct probe_answer *first)
{
	struct span field;
	uint64_t age;

	if (probe_field(first, "Age", &field) && cache_control_seconds(field, &age) && age)
		site_say(&s->o->findings, FINDING_ADVICE, "manifest-age",
			"a cache on the way had manifest.json for %" PRIu64 " s", age);
	judge_agreement(s, first);
}

/* Readers ask with the tag of what they have: that should cost no body. */
static void judge_unchanged(const struct site *s, const char *etag)
{
	const struct look look = {.etag = etag, .size_max = MANIFEST_SIZE_MAX};
	struct probe_answer a = {0};

	if (site_ask(s, "manifest.json", &look, &a))
		;
	else if (!a.trouble.code && a.status == 304)
		site_say(&s->o->findings, FINDING_GOOD, "revalidation",
			"an unchanged manifest.json costs no body");
	else if (!a.trouble.code && a.status == 200)
		site_say(&s->o->findings, FINDING_ADVICE, "revalidation",
			"manifest.json has an ETag, but is sent whole to who has it "
			"already");
	else
		site_say(&s->o->findings, FINDING_WRONG, "revalidation",
			"who has manifest.json already, and asks for another one only "
			"(If-None-Match), gets none: %s",
			a.trouble.code ? a.trouble.text
				       : "the status is neither 304 nor 200");
	probe_release(&a);
}

void site_look_at_revalidation(const struct site *s, const struct probe_answer *first)
{
	char etag[FETCH_ETAG_MAX];

	if (etag_of(first, etag))
		judge_unchanged(s, etag);
	else
		site_say(&s->o->findings, FINDING_ADVICE, "revalidation",
			"manifest.json has no ETag, so it is sent whole each time that a "
			"reader looks");
}
