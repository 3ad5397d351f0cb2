/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/site_judge.h"
#include "net/cache_control.h"
#include "util/printable.h"

#define SENTENCE_MAX 1024
#define DAY (INT64_C(24) * 60 * 60)
#define FRESH_GOOD 60	    /* seconds: readers look as often by themselves */
#define BLOB_FRESH DAY	    /* less is hardly worth a cache */
#define CLOCK_GOOD 30	    /* seconds */
#define CLOCK_WRONG 300	    /* seconds: expiry and certificates are judged by it */
#define CERTIFICATE_SOON 14 /* days */

void site_say(const struct findings *f, enum finding_weight weight, const char *about,
	const char *fmt, ...)
{
	char text[SENTENCE_MAX];
	struct finding finding = {weight, about, text};
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	printable_clean(text); /* servers' words are in it */
	f->found(f->arg, &finding);
}

void site_judge_document(const struct findings *f, const char *about, const char *name,
	const struct probe_answer *a)
{
	struct cache_control c;

	cache_control_of(a, &c);
	if (c.no_store || c.no_cache || (c.has_age && c.fresh == 0))
		site_say(f, FINDING_GOOD, about, "caches ask the server for %s each time",
			name);
	else if (c.has_age && c.fresh <= FRESH_GOOD)
		site_say(f, FINDING_GOOD, about,
			"caches hand out %s for at most %" PRIu64 " s", name, c.fresh);
	else if (c.has_age)
		site_say(f, FINDING_WRONG, about,
			"caches may hand out an old %s for %" PRIu64 " s; have the server "
			"send \"Cache-Control: no-cache\" with it",
			name, c.fresh);
	else
		site_say(f, FINDING_WRONG, about,
			"%s comes %s, so caches guess how long they may hand out an old "
			"one (a tenth of its age is usual); have the server send "
			"\"Cache-Control: no-cache\" with it",
			name,
			c.said ? "with a Cache-Control that sets no time"
			       : "without Cache-Control");
}

void site_judge_blob(const struct findings *f, const struct probe_answer *a)
{
	struct cache_control c;

	cache_control_of(a, &c);
	if (!c.no_store && !c.no_cache &&
		(c.immutable || (c.has_age && c.fresh >= BLOB_FRESH)))
		site_say(f, FINDING_GOOD, "blob-cache", "caches may keep blobs");
	else
		site_say(f, FINDING_ADVICE, "blob-cache",
			"caches on the way %s, though they never change; have the server "
			"send \"Cache-Control: public, max-age=31536000, immutable\" with "
			"what is below blobs/ and revisions/",
			c.no_store || c.no_cache ? "are told not to keep blobs"
						 : "are not told that they may keep blobs");
}

void site_judge_encoding(
	const struct findings *f, const char *name, const struct probe_answer *a)
{
	struct span encoding;

	if (!probe_field(a, "Content-Encoding", &encoding) ||
		(encoding.size == 8 &&
			!strncmp((const char *)encoding.data, "identity", 8)))
		site_say(f, FINDING_GOOD, "encoding", "%s is sent as it lies there", name);
	else
		site_say(f, FINDING_WRONG, "encoding",
			"%s comes in an encoding that nobody asked for (%.*s), and readers "
			"refuse it; switch compression off for the store, whose files are "
			"compressed already",
			name, (int)encoding.size, (const char *)encoding.data);
}

void site_judge_clock(const struct findings *f, const struct probe_answer *a, int64_t now)
{
	char date[64];
	struct span field;
	int64_t there, apart;

	if (!probe_field(a, "Date", &field) || field.size >= sizeof date)
		return;
	memcpy(date, field.data, field.size);
	date[field.size] = '\0';
	there = (int64_t)curl_getdate(date, NULL);
	if (there < 0)
		return;
	/* What lies in a cache has the date of when it came there. */
	if (probe_field(a, "Age", &field))
		return;
	apart = there > now ? there - now : now - there;
	if (apart <= CLOCK_GOOD)
		site_say(f, FINDING_GOOD, "clock", "the server's clock is as this one");
	else
		site_say(f, apart > CLOCK_WRONG ? FINDING_WRONG : FINDING_ADVICE, "clock",
			"the server's clock is %" PRId64
			" s %s this machine's; one of them "
			"is wrong, and expiry dates and certificates are judged by them",
			apart, there > now ? "ahead of" : "behind");
}

void site_judge_certificate(
	const struct findings *f, bool https, const struct probe_answer *a, int64_t now)
{
	int64_t days;

	if (!https) {
		site_say(f, FINDING_ADVICE, "certificate",
			"plain http: what is read is verified, but others see it, and can "
			"keep it away");
		return;
	}
	if (a->certificate_ends == 0)
		return;
	days = (a->certificate_ends - now) / DAY;
	site_say(f, days < CERTIFICATE_SOON ? FINDING_ADVICE : FINDING_GOOD, "certificate",
		"the server's certificate ends in %" PRId64 " days%s", days,
		days < CERTIFICATE_SOON ? "; renew it" : "");
}
