/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "dataset/site_check.h"
#include "format/blob.h"
#include "format/manifest.h"
#include "format/tag.h"
#include "net/mirrors.h"
#include "net/redirect.h"
#include "util/clock.h"

#define TIMEOUT_DEFAULT (60 * NS_PER_SECOND)
#define EXPIRES_SOON (INT64_C(2) * 24 * 60 * 60)
#define RANGE_BYTES 10u
#define RANGE_TEXT "0-9"
#define SITE_URL_SIZE (URL_SIZE_MAX + 256)

struct site {
	const struct site_options *o;
	char base[URL_SIZE_MAX]; /* where redirects of the manifest led to */
	bool redirected;
	struct manifest *manifest;
	int64_t now; /* seconds since 1970 */
};

/* What is asked of one file beside its name. */
struct look {
	const char *query; /* or NULL */
	const char *range, *etag;
	bool past_caches;
	uint64_t size_max;
};

static int site_ask(const struct site *s, const char *path, const struct look *look,
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
		.redirected = s->redirected,
	};

	snprintf(url, sizeof url, "%s/%s%s%s", s->base, path, look->query ? "?" : "",
		look->query ? look->query : "");
	return probe_ask(&q, out);
}

static void say_no_answer(
	const struct site *s, const char *path, const struct probe_answer *a)
{
	site_say(&s->o->findings, FINDING_WRONG, "answer", "%s/%s: %s", s->base, path,
		a->words[0] ? a->words : curl_easy_strerror(a->code));
}

/* True when there is one with that status; else it was said what there is. */
static bool answer_is(
	const struct site *s, const char *path, long status, const struct probe_answer *a)
{
	if (a->code != CURLE_OK)
		say_no_answer(s, path, a);
	else if (a->status != status)
		site_say(&s->o->findings, FINDING_WRONG, "answer",
			"%s/%s: the server answers with status %ld, not %ld", s->base, path,
			a->status, status);
	return a->code == CURLE_OK && a->status == status;
}

/* Goes where the answer leads; false when it leads nowhere. */
static bool site_follow(struct site *s, const struct probe_answer *a, unsigned hop)
{
	struct redirect_target target = {0};
	char from[SITE_URL_SIZE], location[URL_SIZE_MAX];
	static const char name[] = "/manifest.json";
	struct span field;
	size_t length;
	bool good = false;

	if (a->code != CURLE_OK || a->status < 300 || a->status > 399 || a->status == 304 ||
		hop >= REDIRECTS_MAX || !probe_field(a, "Location", &field) ||
		field.size >= sizeof location)
		return false;
	memcpy(location, field.data, field.size);
	location[field.size] = '\0';
	snprintf(from, sizeof from, "%s%s", s->base, name);
	if (redirect_resolve(from, location, &target) != REDIRECT_GOOD)
		return false;
	length = strlen(target.url);
	if (length > sizeof name - 1 && length - (sizeof name - 1) < sizeof s->base &&
		!strcmp(target.url + length - (sizeof name - 1), name)) {
		length -= sizeof name - 1;
		memcpy(s->base, target.url, length);
		s->base[length] = '\0';
		s->redirected = good = true;
		site_say(&s->o->findings, FINDING_ADVICE, "redirect",
			"requests are redirected to %s, each at the cost of a round trip; "
			"give readers that URL",
			s->base);
	}
	redirect_target_release(&target);
	return good;
}

static void judge_signature(const struct site *s, struct span text)
{
	struct public_key key;

	if (!s->o->trust)
		return;
	if (public_key_from_text(span_of_string(s->o->trust), &key))
		site_say(&s->o->findings, FINDING_WRONG, "signature", "%s is no public key",
			s->o->trust);
	else if (manifest_verify(text, &key))
		site_say(&s->o->findings, FINDING_WRONG, "signature",
			"the manifest is not signed by the key that is trusted");
	else
		site_say(&s->o->findings, FINDING_GOOD, "signature",
			"the manifest is signed by the key that is trusted");
}

static void judge_expiry(const struct site *s)
{
	int64_t left = s->manifest->expires - s->now;
	char when[CLOCK_TEXT_SIZE];

	if (s->manifest->expires == 0)
		return;
	clock_format(s->manifest->expires, when);
	if (left < 0)
		site_say(&s->o->findings, FINDING_WRONG, "expiry",
			"the manifest expired on %s, and readers refuse it; publish again",
			when);
	else
		site_say(&s->o->findings,
			left < EXPIRES_SOON ? FINDING_ADVICE : FINDING_GOOD, "expiry",
			"the manifest expires on %s%s", when,
			left < EXPIRES_SOON ? "; publish again before" : "");
}

/* Sets s->manifest; false when there is nothing to go on with. */
static bool take_manifest(struct site *s, const struct probe_answer *a)
{
	struct trouble t = {0};

	if (a->too_long || manifest_decode(span_of_bytes(&a->body), &s->manifest, &t)) {
		site_say(&s->o->findings, FINDING_WRONG, "manifest",
			"%s/manifest.json is not a manifest: %s", s->base,
			t.text[0] ? t.text : "it is too long");
		return false;
	}
	site_say(&s->o->findings, FINDING_GOOD, "manifest",
		"revision %" PRIu64 " of \"%s\"", s->manifest->revision, s->manifest->name);
	judge_signature(s, span_of_bytes(&a->body));
	judge_expiry(s);
	return true;
}

/* Two ways past a cache: by asking, and by a name that it has not seen. */
static void judge_staleness(const struct site *s, const char *query)
{
	const struct look look = {
		.query = query, .past_caches = true, .size_max = MANIFEST_SIZE_MAX};
	struct probe_answer a = {0};
	struct manifest *fresh = NULL;
	struct trouble t = {0};

	if (!site_ask(s, "manifest.json", &look, &a) && a.code == CURLE_OK &&
		a.status == 200 && !manifest_decode(span_of_bytes(&a.body), &fresh, &t) &&
		fresh->revision > s->manifest->revision)
		site_say(&s->o->findings, FINDING_WRONG, "manifest-stale",
			"a cache on the way hands out revision %" PRIu64 ", and the server "
			"has %" PRIu64,
			s->manifest->revision, fresh->revision);
	manifest_free(fresh);
	probe_release(&a);
}

static void judge_caches(const struct site *s, const struct probe_answer *first)
{
	unsigned char random[8];
	char query[32];
	struct span age;

	if (probe_field(first, "Age", &age) && !(age.size == 1 && age.data[0] == '0'))
		site_say(&s->o->findings, FINDING_ADVICE, "manifest-age",
			"a cache on the way had manifest.json for %.*s s",
			(int)(age.size < 20 ? age.size : 20), (const char *)age.data);
	judge_staleness(s, NULL);
	if (RAND_bytes(random, sizeof random) != 1)
		return;
	snprintf(query, sizeof query, "cairn-check=%02x%02x%02x%02x%02x%02x%02x%02x",
		random[0], random[1], random[2], random[3], random[4], random[5], random[6],
		random[7]);
	judge_staleness(s, query);
}

/* Readers ask with the tag of what they have: that should cost no body. */
static void judge_revalidation(const struct site *s, const struct probe_answer *first)
{
	struct look look = {.size_max = MANIFEST_SIZE_MAX};
	struct probe_answer a = {0};
	struct span field;
	char etag[256];

	if (!probe_field(first, "ETag", &field) || field.size >= sizeof etag) {
		site_say(&s->o->findings, FINDING_ADVICE, "revalidation",
			"manifest.json has no ETag, so it is sent whole each time that a "
			"reader looks");
		return;
	}
	memcpy(etag, field.data, field.size);
	etag[field.size] = '\0';
	look.etag = etag;
	if (!site_ask(s, "manifest.json", &look, &a) && a.code == CURLE_OK)
		site_say(&s->o->findings, a.status == 304 ? FINDING_GOOD : FINDING_ADVICE,
			"revalidation",
			a.status == 304 ? "an unchanged manifest.json costs no body"
					: "manifest.json has an ETag, but is sent whole to "
					  "who has it already");
	probe_release(&a);
}

static int look_at_manifest(struct site *s, bool *go_on)
{
	const struct look look = {.size_max = MANIFEST_SIZE_MAX};
	struct probe_answer a = {0};
	int rc = site_ask(s, "manifest.json", &look, &a);

	for (unsigned hop = 0; !rc && site_follow(s, &a, hop); hop++) {
		probe_release(&a);
		rc = site_ask(s, "manifest.json", &look, &a);
	}
	if (!rc && answer_is(s, "manifest.json", 200, &a) && take_manifest(s, &a)) {
		*go_on = true;
		site_judge_clock(&s->o->findings, &a, s->now);
		site_judge_certificate(
			&s->o->findings, !strncmp(s->base, "https:", 6), &a, s->now);
		site_judge_document(&s->o->findings, "manifest-cache", "manifest.json", &a);
		site_judge_encoding(&s->o->findings, "manifest.json", &a);
		judge_caches(s, &a);
		judge_revalidation(s, &a);
	}
	probe_release(&a);
	return rc;
}

static bool blob_is_right(const struct bytes *stored, const struct digest *name)
{
	struct blob_codec *codec = blob_codec_new();
	struct blob_head head;
	uint8_t *content = NULL;
	bool right = false;

	if (codec && !blob_head_decode(span_of_bytes(stored), PAGE_SIZE_MAX, &head) &&
		!head.has_base) {
		content = malloc(head.size ? head.size : 1);
		right = content && !blob_decode(codec, span_of_bytes(stored),
					   (struct span){0}, name, content, head.size);
	}
	free(content);
	blob_codec_free(codec);
	return right;
}

static void judge_ranges(const struct site *s, const char *path, const struct bytes *whole)
{
	const struct look look = {.range = RANGE_TEXT, .size_max = BLOB_SIZE_MAX};
	struct probe_answer a = {0};
	bool part;

	if (whole->size <= RANGE_BYTES || site_ask(s, path, &look, &a) ||
		a.code != CURLE_OK) {
		probe_release(&a);
		return;
	}
	part = a.status == 206 && a.body.size == RANGE_BYTES;
	if (part && memcmp(a.body.data, whole->data, RANGE_BYTES) != 0)
		site_say(&s->o->findings, FINDING_WRONG, "ranges",
			"a part of a file has other bytes than the whole");
	else
		site_say(&s->o->findings, part ? FINDING_GOOD : FINDING_ADVICE, "ranges",
			part ? "parts of files can be asked for"
			     : "parts of files cannot be asked for (Range), so a transfer "
			       "that broke off begins anew");
	probe_release(&a);
}

static int look_at_blob(const struct site *s)
{
	const struct look look = {.size_max = BLOB_SIZE_MAX};
	struct probe_answer a = {0};
	char path[BLOB_PATH_SIZE];
	int rc;

	blob_path(&s->manifest->root, path);
	rc = site_ask(s, path, &look, &a);
	if (!rc && answer_is(s, path, 200, &a)) {
		site_judge_encoding(&s->o->findings, "a blob", &a);
		site_judge_blob(&s->o->findings, &a);
		if (blob_is_right(&a.body, &s->manifest->root))
			site_say(&s->o->findings, FINDING_GOOD, "blob",
				"the root page is right");
		else
			site_say(&s->o->findings, FINDING_WRONG, "blob",
				"%s/%s has other bytes than its name says", s->base, path);
		judge_ranges(s, path, &a.body);
	}
	probe_release(&a);
	return rc;
}

static int look_at_what_is_not_there(const struct site *s)
{
	const struct look look = {.size_max = 1 << 16};
	const struct digest nothing = {{0}};
	struct probe_answer a = {0};
	char path[BLOB_PATH_SIZE];
	int rc;

	blob_path(&nothing, path);
	rc = site_ask(s, path, &look, &a);
	if (rc || a.code != CURLE_OK)
		;
	else if (a.status == 404 || a.status == 410)
		site_say(&s->o->findings, FINDING_GOOD, "missing",
			"what is not there is said to be so");
	else if (a.status == 403)
		site_say(&s->o->findings, FINDING_ADVICE, "missing",
			"of what is not there the server says 403, forbidden, as buckets "
			"do "
			"whose contents may not be listed: readers cannot tell the two");
	else
		site_say(&s->o->findings, FINDING_WRONG, "missing",
			"of what is not there the server says %ld, not 404", a.status);
	probe_release(&a);
	return rc;
}

static int look_at_tag(const struct site *s)
{
	const struct look look = {.size_max = DOCUMENT_SIZE_MAX};
	struct probe_answer a = {0};
	char path[TAG_NAME_MAX + 16];
	int rc;

	snprintf(path, sizeof path, "tags/%s.json", s->o->tag);
	rc = site_ask(s, path, &look, &a);
	if (!rc && answer_is(s, path, 200, &a))
		site_judge_document(&s->o->findings, "tag-cache", path, &a);
	probe_release(&a);
	return rc;
}

int site_check(const struct site_options *o, struct trouble *t)
{
	struct site s = {.o = o, .now = clock_realtime() / NS_PER_SECOND};
	bool go_on = false;
	int rc;

	if (o->tag && tag_name_check(o->tag))
		return trouble_set(t, ERR_INVALID, "\"%s\" is no tag", o->tag);
	if (strlen(o->url) >= sizeof s.base)
		return trouble_set(t, ERR_INVALID, "the URL is longer than %d bytes",
			URL_SIZE_MAX - 1);
	strcpy(s.base, o->url);
	rc = look_at_manifest(&s, &go_on);
	if (!rc && go_on)
		rc = look_at_blob(&s);
	if (!rc && go_on)
		rc = look_at_what_is_not_there(&s);
	if (!rc && go_on && o->tag)
		rc = look_at_tag(&s);
	manifest_free(s.manifest);
	if (rc)
		trouble_set(t, rc, "%s cannot be asked: %s", o->url, error_text(rc));
	return rc;
}
