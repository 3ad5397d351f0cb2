/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/base_url.h"
#include "net/redirect.h"

#define SHOWN_MAX 400 /* bytes of a URL */

void redirect_target_release(struct redirect_target *target)
{
	free(target->url);
	free(target->origin);
	*target = (struct redirect_target){0};
}

static enum redirect check_scheme(CURLU *u, const char *from)
{
	char *scheme = NULL;
	enum redirect verdict = REDIRECT_SCHEME;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return REDIRECT_NO_MEMORY;
	if (!strcmp(scheme, "https"))
		verdict = REDIRECT_GOOD;
	else if (!strcmp(scheme, "http"))
		verdict = strncmp(from, "https:", 6) ? REDIRECT_GOOD : REDIRECT_INSECURE;
	curl_free(scheme);
	return verdict;
}

static bool drop_parts(CURLU *u)
{
	static const CURLUPart parts[] = {
		CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (curl_url_set(u, parts[i], NULL, 0))
			return false;
	return true;
}

static enum redirect take_target(CURLU *u, struct redirect_target *out)
{
	struct redirect_target target = {0};
	char *text = NULL;

	if (!drop_parts(u) || curl_url_get(u, CURLUPART_URL, &text, 0))
		return REDIRECT_NO_MEMORY;
	if (strlen(text) >= URL_SIZE_MAX) {
		curl_free(text);
		return REDIRECT_NO_URL;
	}
	target.url = strdup(text);
	target.origin = base_url_origin(u);
	curl_free(text);
	if (!target.url || !target.origin) {
		redirect_target_release(&target);
		return REDIRECT_NO_MEMORY;
	}
	*out = target;
	return REDIRECT_GOOD;
}

enum redirect redirect_resolve(
	const char *from, const char *location, struct redirect_target *out)
{
	const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE |
			       CURLU_ALLOW_SPACE;
	CURLU *u;
	enum redirect verdict = REDIRECT_NO_URL;

	if (!location || !*location)
		return REDIRECT_NOWHERE;
	u = curl_url();
	if (!u || curl_url_set(u, CURLUPART_URL, from, flags)) {
		verdict = REDIRECT_NO_MEMORY;
		goto out;
	}
	if (curl_url_set(u, CURLUPART_URL, location, flags))
		goto out;
	verdict = check_scheme(u, from);
	if (verdict == REDIRECT_GOOD)
		verdict = take_target(u, out);
out:
	curl_url_cleanup(u);
	return verdict;
}

enum redirect redirect_follow(struct redirect_trail *trail, const char *from,
	const char *location, struct redirect_target *out)
{
	struct redirect_target target = {0};
	struct digest digest;
	enum redirect verdict;

	if (trail->count == REDIRECTS_MAX)
		return REDIRECT_TOO_MANY;
	verdict = redirect_resolve(from, location, &target);
	if (verdict != REDIRECT_GOOD)
		return verdict;
	trail->asked[trail->count++] = digest_of(from, strlen(from));
	digest = digest_of(target.url, strlen(target.url));
	for (unsigned i = 0; i < trail->count; i++)
		if (digest_equal(&digest, &trail->asked[i])) {
			redirect_target_release(&target);
			return REDIRECT_CIRCLE;
		}
	*out = target;
	return REDIRECT_GOOD;
}

static int shown_size(const char *url)
{
	size_t size = strcspn(url, "?");

	return size < SHOWN_MAX ? (int)size : SHOWN_MAX;
}

void redirect_explain(enum redirect verdict, const char *location, struct trouble *t)
{
	static const char *const words[] = {
		[REDIRECT_GOOD] = "the server redirects",
		[REDIRECT_NOWHERE] = "the server redirects without saying where to",
		[REDIRECT_NO_URL] =
			"the server redirects to what is no URL, or too long a one",
		[REDIRECT_INSECURE] =
			"the server redirects from https:// to http://, where "
			"cairn does not follow",
		[REDIRECT_SCHEME] =
			"the server redirects to where cairn does not follow (only "
			"https:// and http:// are good)",
		[REDIRECT_CIRCLE] = "the server redirects in a circle",
		[REDIRECT_TOO_MANY] = "the server redirects too often",
		[REDIRECT_NO_MEMORY] = "out of memory",
	};
	int shown = verdict == REDIRECT_NO_MEMORY ? 0 : shown_size(location);

	trouble_set(t, verdict == REDIRECT_NO_MEMORY ? ERR_NO_MEMORY : ERR_UNREACHABLE,
		"%s%s%.*s", words[verdict], shown ? ": " : "", shown, location);
}

void redirect_name(const char *url, const char *hop, char name[TROUBLE_MAX])
{
	if (hop)
		snprintf(name, TROUBLE_MAX, "%.*s (redirected to %.*s)", shown_size(url),
			url, shown_size(hop), hop);
	else
		snprintf(name, TROUBLE_MAX, "%.*s", shown_size(url), url);
}

bool redirect_is_status(long status)
{
	return (status >= 301 && status <= 303) || status == 307 || status == 308;
}
