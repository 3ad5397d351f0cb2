/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/site.h"
#include "dataset/site_caches.h"
#include "dataset/site_check.h"
#include "dataset/site_missing.h"
#include "format/blob.h"
#include "format/document.h"
#include "format/manifest.h"
#include "format/tag.h"
#include "net/answer_head.h"
#include "net/base_url.h"
#include "net/cache_control.h"
#include "net/status_words.h"
#include "util/clock.h"

#define EXPIRES_SOON (INT64_C(2) * 24 * 60 * 60)
#define RANGE_BYTES 10u
#define RANGE_TEXT "0-9"
#define SAID_SIZE 256 /* of an error page: how it begins */

static void explain_status(const struct probe_answer *a, struct trouble *t)
{
	char said[SAID_SIZE] = "";
	size_t size = a->body.size < sizeof said - 1 ? a->body.size : sizeof said - 1;

	if (size)
		memcpy(said, a->body.data, size);
	status_explain(a->status, said, a->strayed, t);
}

/* True when there is one with the file; else it was said what there is. */
static bool answer_is_good(
	const struct site *s, const char *path, const struct probe_answer *a)
{
	struct trouble t = a->trouble;

	if (!t.code && a->status == 200)
		return true;
	if (!t.code)
		explain_status(a, &t);
	site_say_trouble(s, "answer", path, a, &t);
	return false;
}

/* Readers ask the URL that they were given each time. */
static void judge_redirect(struct site *s, const struct probe_answer *a)
{
	static const char name[] = "/manifest.json";
	char shown[TROUBLE_MAX];
	size_t length;

	s->redirected = a->hop.url != NULL;
	if (!s->redirected)
		return;
	redirect_name(a->hop.url, NULL, shown);
	length = strlen(shown);
	if (length > sizeof name - 1 && !strcmp(shown + length - (sizeof name - 1), name) &&
		!strchr(a->hop.url, '?'))
		site_say(&s->o->findings, FINDING_ADVICE, "redirect",
			"requests are redirected to %.*s, each at the cost of a round "
			"trip; give readers that URL",
			(int)(length - (sizeof name - 1)), shown);
	else
		site_say(&s->o->findings, FINDING_ADVICE, "redirect",
			"manifest.json is redirected to %s, at the cost of a round trip "
			"each time",
			shown);
}

static void judge_signature(const struct site *s, struct span text)
{
	if (!s->o->trust)
		return;
	if (manifest_verify(text, &s->key))
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
	struct span text = span_of_bytes(&a->body);
	const char *misfit = a->too_long ? "too long" : document_misfit(text);
	struct trouble t = {0};

	if (!misfit && !manifest_decode(text, &s->manifest, &t)) {
		site_say(&s->o->findings, FINDING_GOOD, "manifest",
			"revision %" PRIu64 " of \"%s\"", s->manifest->revision,
			s->manifest->name);
		return true;
	}
	if (misfit)
		trouble_set(&t, ERR_CORRUPT, "it is %s", misfit);
	site_say(&s->o->findings, FINDING_WRONG, "manifest",
		"%s/manifest.json is not a manifest: %s", s->base, t.text);
	return false;
}

static void judge_manifest(const struct site *s, const struct probe_answer *a)
{
	const struct findings *f = &s->o->findings;
	const char *from = a->hop.url ? a->hop.url : s->base;

	judge_signature(s, span_of_bytes(&a->body));
	judge_expiry(s);
	site_judge_clock(f, a, s->now);
	site_judge_certificate(f, !strncmp(from, "https:", 6), a, s->now);
	site_judge_document(f, "manifest-cache", "manifest.json", a);
	site_look_at_caches(s, a);
	site_look_at_revalidation(s, a);
}

static int look_at_manifest(struct site *s)
{
	const struct look look = {.size_max = MANIFEST_SIZE_MAX};
	struct probe_answer a = {0};
	int rc = site_ask(s, "manifest.json", &look, &a);

	if (!rc && answer_is_good(s, "manifest.json", &a)) {
		judge_redirect(s, &a);
		site_judge_encoding(&s->o->findings, "manifest.json", &a);
		if (take_manifest(s, &a))
			judge_manifest(s, &a);
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

	if (whole->size <= RANGE_BYTES || site_ask(s, path, &look, &a) || a.trouble.code) {
		if (a.trouble.code)
			site_say_trouble(s, "ranges", path, &a, &a.trouble);
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
	if (!rc && answer_is_good(s, path, &a)) {
		if (a.hop.url && !s->redirected)
			site_say(&s->o->findings, FINDING_ADVICE, "redirect",
				"blobs are redirected, each at the cost of a round trip");
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

static int look_at_tag(const struct site *s)
{
	const struct look look = {.size_max = DOCUMENT_SIZE_MAX};
	struct probe_answer a = {0};
	char path[TAG_NAME_MAX + 16];
	int rc;

	snprintf(path, sizeof path, "tags/%s.json", s->o->tag);
	rc = site_ask(s, path, &look, &a);
	if (!rc && answer_is_good(s, path, &a))
		site_judge_document(&s->o->findings, "tag-cache", path, &a);
	probe_release(&a);
	return rc;
}

static int site_init(struct site *s, const struct site_options *o, struct trouble *t)
{
	*s = (struct site){.o = o, .now = clock_realtime() / NS_PER_SECOND};
	if (o->tag && tag_name_check(o->tag))
		return trouble_set(t, ERR_INVALID, "\"%s\" is no tag", o->tag);
	if (o->trust && public_key_from_text(span_of_string(o->trust), &s->key))
		return trouble_set(t, ERR_INVALID, "%s is no public key", o->trust);
	return base_url_parse(o->url, &s->base, &s->origin, t);
}

int site_check(const struct site_options *o, struct trouble *t)
{
	struct site s;
	int rc = site_init(&s, o, t);

	if (rc)
		return rc;
	rc = look_at_manifest(&s);
	if (!rc && s.manifest)
		rc = look_at_blob(&s);
	if (!rc && s.manifest)
		rc = site_look_at_missing(&s);
	if (!rc && s.manifest && o->tag)
		rc = look_at_tag(&s);
	if (rc)
		trouble_set(t, rc, "%s cannot be asked: %s", s.base, error_text(rc));
	manifest_free(s.manifest);
	free(s.base);
	free(s.origin);
	return rc;
}
