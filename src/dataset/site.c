/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>

#include "dataset/site.h"
#include "net/base_url.h"
#include "net/redirect.h"
#include "util/clock.h"

#define TIMEOUT_DEFAULT (60 * NS_PER_SECOND)
#define SITE_URL_SIZE (URL_SIZE_MAX + 256)

int site_ask(const struct site *s, const char *path, const struct look *look,
	struct probe_answer *out)
{
	char url[SITE_URL_SIZE];
	struct probe_question q = {
		.url = url,
		.range = look->range,
		.etag = look->etag,
		.past_caches = look->past_caches,
		.size_max = look->size_max,
		.timeout = s->o->timeout ? s->o->timeout : TIMEOUT_DEFAULT,
		.credentials = s->o->credentials,
		.origin = s->origin,
	};

	snprintf(url, sizeof url, "%s/%s%s%s", s->base, path, look->query ? "?" : "",
		look->query ? look->query : "");
	return probe_ask(&q, out);
}

void site_say_trouble(const struct site *s, const char *about, const char *path,
	const struct probe_answer *a, const struct trouble *t)
{
	char url[SITE_URL_SIZE], name[TROUBLE_MAX];

	snprintf(url, sizeof url, "%s/%s", s->base, path);
	redirect_name(url, a->hop.url, name);
	site_say(&s->o->findings, FINDING_WRONG, about, "%s: %s", name, t->text);
}
