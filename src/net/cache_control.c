/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "net/cache_control.h"

#define AGE_MAX (UINT64_C(1) << 31) /* RFC 9111, 1.2.2 */

static bool word_is(struct span word, const char *name)
{
	return word.size == strlen(name) &&
	       !strncasecmp((const char *)word.data, name, word.size);
}

/* Digits, perhaps in quotes. */
bool cache_control_seconds(struct span text, uint64_t *out)
{
	uint64_t n = 0;

	if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
		text = (struct span){text.data + 1, text.size - 2};
	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.data[i] - '0');
		if (n > AGE_MAX)
			n = AGE_MAX;
	}
	*out = n;
	return true;
}

static struct span trim(struct span s)
{
	while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = (struct span){s.data + 1, s.size - 1};
	while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* What several directives say together. */
struct directives {
	struct cache_control *control;
	bool shared;	/* s-maxage was one of them */
	uint64_t stale; /* of stale-while-revalidate */
};

static void take_directive(struct span directive, struct directives *d)
{
	struct cache_control *c = d->control;
	const uint8_t *equals = memchr(directive.data, '=', directive.size);
	size_t length = equals ? (size_t)(equals - directive.data) : directive.size;
	struct span name = trim((struct span){directive.data, length}), value = {0};
	bool for_shared = word_is(name, "s-maxage");

	if (equals)
		value = trim((struct span){equals + 1, directive.size - length - 1});
	if (word_is(name, "no-store"))
		c->no_store = true;
	else if (word_is(name, "no-cache") || word_is(name, "private"))
		c->no_cache = true;
	else if (word_is(name, "immutable"))
		c->immutable = true;
	else if (word_is(name, "stale-while-revalidate"))
		cache_control_seconds(value, &d->stale);
	if ((for_shared || (word_is(name, "max-age") && !d->shared)) &&
		cache_control_seconds(value, &c->fresh)) {
		c->has_age = true;
		d->shared = for_shared;
	}
}

static void take_directives(struct span field, struct directives *d)
{
	while (field.size > 0) {
		const uint8_t *comma = memchr(field.data, ',', field.size);
		size_t length = comma ? (size_t)(comma - field.data) : field.size;

		if (length > 0)
			take_directive((struct span){field.data, length}, d);
		length += comma != NULL;
		field = (struct span){field.data + length, field.size - length};
	}
}

/* -1: it is none. */
static int64_t field_date(const struct probe_answer *answer, const char *name)
{
	struct span field;
	char text[64];

	if (!probe_field(answer, name, &field) || field.size >= sizeof text)
		return -1;
	memcpy(text, field.data, field.size);
	text[field.size] = '\0';
	return (int64_t)curl_getdate(text, NULL);
}

/* RFC 9111, 5.3: what is no date is in the past. */
static void take_expires(const struct probe_answer *answer, struct cache_control *c)
{
	int64_t expires = field_date(answer, "Expires"), date = field_date(answer, "Date");
	struct span field;

	if (!probe_field(answer, "Expires", &field) || (expires > 0 && date < 0))
		return;
	c->has_age = true;
	if (expires > date)
		c->fresh = (uint64_t)(expires - date);
}

void cache_control_of(const struct probe_answer *answer, struct cache_control *out)
{
	struct directives d = {.control = out};
	const char *at = NULL;
	struct span field;

	*out = (struct cache_control){0};
	while (probe_next_field(answer, "Cache-Control", &at, &field)) {
		out->said = true;
		take_directives(field, &d);
	}
	if (!out->has_age)
		take_expires(answer, out);
	if (out->has_age)
		out->fresh += d.stale;
}
