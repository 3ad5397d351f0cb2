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

static bool judge_missing_status(const struct findings *f, long status)
{
	if (status == 404 || status == 410)
		site_say(f, FINDING_GOOD, "missing", "what is not there is said to be so");
	else if (status == 403)
		site_say(f, FINDING_ADVICE, "missing",
			"of what is not there the server says 403, forbidden, as buckets "
			"do "
			"whose contents may not be listed: readers cannot tell the two");
	else
		site_say(f, FINDING_WRONG, "missing",
			"of what is not there the server says %ld, not 404", status);
	return status == 404 || status == 410 || status == 403;
}

bool site_judge_missing(const struct findings *f, const struct probe_answer *a)
{
	struct cache_control c;

	if (!judge_missing_status(f, a->status))
		return false;
	cache_control_of(a, &c);
	if (c.no_store || c.no_cache || !c.has_age || c.fresh <= FRESH_GOOD)
		return true;
	site_say(f, FINDING_WRONG, "missing-cache",
		"caches may remember for %" PRIu64
		" s that a blob is not there, and hide it from readers when it comes; have "
		"the server send that Cache-Control with what is there, not with errors",
		c.fresh);
	return false;
}

/* A node that hands out an older one than was seen before. */
static bool is_set_back(const struct site_view *views, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		for (unsigned k = 0; k < i; k++)
			if (views[i].revision < views[k].revision)
				return true;
	return false;
}

/* "W/" says of a file's bytes nothing that matters here (RFC 9110, 8.8.1). */
static const char *strong_part(const char *etag)
{
	return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

static bool etags_differ(const struct site_view *views, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (views[i].revision == views[0].revision && views[0].etag[0] &&
			views[i].etag[0] &&
			strcmp(strong_part(views[i].etag), strong_part(views[0].etag)) != 0)
			return true;
	return false;
}

void site_judge_views(
	const struct findings *f, const struct site_view *views, unsigned count)
{
	uint64_t least = views[0].revision, most = least;

	for (unsigned i = 1; i < count; i++) {
		least = views[i].revision < least ? views[i].revision : least;
		most = views[i].revision > most ? views[i].revision : most;
	}
	if (is_set_back(views, count))
		site_say(f, FINDING_WRONG, "nodes",
			"the site hands out revisions %" PRIu64 " and %" PRIu64
			" in turn: its nodes are not equal; copy a revision to all of "
			"them, manifest.json and tags/ last, and keep a reader at one node",
			least, most);
	else if (most > views[0].revision)
		site_say(f, FINDING_WRONG, "manifest-stale",
			"a cache on the way, or a node that lags, hands out revision "
			"%" PRIu64 ", and the server has %" PRIu64,
			views[0].revision, most);
	else if (etags_differ(views, count))
		site_say(f, FINDING_ADVICE, "nodes",
			"the same manifest.json comes with one ETag and another, so it is "
			"sent whole to who has it already; copy the store to all nodes "
			"with its times (rsync -a)");
}
