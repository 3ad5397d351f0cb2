/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "net/bearer.h"
#include "net/probe.h"
#include "net/try_failure.h"
#include "util/clock.h"
#include "util/error.h"

#define HEAD_MAX (64u << 10) /* bytes of header lines */
#define FIELD_MAX 512
#ifndef CURL_WRITEFUNC_ERROR
#define CURL_WRITEFUNC_ERROR 0 /* before libcurl 7.87: any count but the given one */
#endif

/* Of one probe, for libcurl's callbacks. */
struct receiver {
	struct probe_answer *answer;
	uint64_t size_max;
};

static size_t on_probe_head(char *data, size_t one, size_t size, void *arg)
{
	struct receiver *r = arg;
	struct bytes *head = &r->answer->head;

	(void)one;
	if (size >= 5 && !strncmp(data, "HTTP/", 5))
		bytes_clear(head); /* of a 1xx answer, or of a proxy */
	if (size > HEAD_MAX - head->size || bytes_append(head, data, size))
		return CURL_WRITEFUNC_ERROR;
	return size;
}

static size_t on_probe_body(char *data, size_t one, size_t size, void *arg)
{
	struct receiver *r = arg;
	struct bytes *body = &r->answer->body;

	(void)one;
	r->answer->too_long = size > r->size_max - body->size;
	if (r->answer->too_long || bytes_append(body, data, size))
		return CURL_WRITEFUNC_ERROR;
	return size;
}

static int add_field(struct curl_slist **list, const char *name, const char *value)
{
	char line[FIELD_MAX];
	struct curl_slist *longer;

	snprintf(line, sizeof line, "%s: %s", name, value);
	longer = curl_slist_append(*list, line);
	if (!longer)
		return ERR_NO_MEMORY;
	*list = longer;
	return 0;
}

static int question_fields(const struct probe_question *q, struct curl_slist **list)
{
	int rc = 0;

	if (q->etag)
		rc = add_field(list, "If-None-Match", q->etag);
	if (!rc && q->past_caches)
		rc = add_field(list, "Cache-Control", "no-cache");
	return rc;
}

static int apply_all(const struct credentials *c, CURL *e)
{
	char *token = NULL;
	int rc = c->bearer_file ? bearer_read(c->bearer_file, &token) : 0;

	if (!rc)
		rc = credentials_apply(c, token, e);
	bearer_wipe(token);
	return rc;
}

static int probe_prepare(CURL *e, const struct probe_question *q, int64_t left,
	struct receiver *r, char *words)
{
	const struct probe_answer *a = r->answer;

	curl_easy_setopt(e, CURLOPT_URL, a->hop.url ? a->hop.url : q->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_RANGE, q->range);
	curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(left / NS_PER_MS));
	curl_easy_setopt(e, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_probe_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_probe_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	if (!q->credentials)
		return 0;
	return a->strayed ? credentials_apply_none(q->credentials, e)
			  : apply_all(q->credentials, e);
}

/* The first certificate of the chain is the server's own. */
static int64_t certificate_end(CURL *e)
{
	static const char name[] = "Expire date:";
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(e, CURLINFO_CERTINFO, &info) || !info ||
		info->num_of_certs < 1)
		return 0;
	for (struct curl_slist *i = info->certinfo[0]; i; i = i->next)
		if (!strncmp(i->data, name, sizeof name - 1)) {
			time_t end = curl_getdate(i->data + sizeof name - 1, NULL);

			return end < 0 ? 0 : (int64_t)end;
		}
	return 0;
}

static void probe_explain(CURL *e, CURLcode code, const char *words,
	const struct probe_question *q, struct probe_answer *out)
{
	curl_off_t connected = 0;
	struct try_failure failure;
	struct failed_transfer transfer = {
		.easy = e,
		.code = code,
		.words = words,
		.url = out->hop.url ? out->hop.url : q->url,
		.received = out->body.size,
		.own_ca = q->credentials && q->credentials->cacert,
		.certified = q->credentials && q->credentials->client_cert && !out->strayed,
	};

	curl_easy_getinfo(e, CURLINFO_CONNECT_TIME_T, &connected);
	transfer.connected = connected > 0;
	try_failure_explain(&transfer, &failure, &out->trouble);
}

static void probe_perform(CURL *e, const char *words, const struct probe_question *q,
	struct probe_answer *out)
{
	CURLcode code = curl_easy_perform(e);

	/* A body that was cut here is an answer. */
	if (code && !(code == CURLE_WRITE_ERROR && out->too_long))
		probe_explain(e, code, words, q, out);
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &out->status);
	out->certificate_ends = certificate_end(e);
}

static int probe_once(
	const struct probe_question *q, int64_t deadline, struct probe_answer *out)
{
	struct receiver r = {out, q->size_max};
	struct curl_slist *fields = NULL;
	char words[CURL_ERROR_SIZE] = "";
	int64_t left = deadline - clock_monotonic();
	CURL *e = curl_easy_init();
	int rc = e ? question_fields(q, &fields) : ERR_NO_MEMORY;

	if (!rc) {
		/* Of libcurl's timeouts, 0 is none. */
		rc = probe_prepare(e, q, left > NS_PER_MS ? left : NS_PER_MS, &r, words);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, fields);
	}
	if (!rc)
		probe_perform(e, words, q, out);
	if (!rc)
		rc = bytes_append(&out->head, "", 1);
	curl_easy_cleanup(e);
	curl_slist_free_all(fields);
	return rc;
}

/* Where the answer leads; false when it does not, or not where cairn goes: then
 * out->trouble says so. */
static bool probe_follow(const struct probe_question *q, struct redirect_trail *trail,
	struct probe_answer *out)
{
	struct redirect_target hop;
	struct span field = {0};
	char *location;
	enum redirect verdict;

	if (out->trouble.code || !redirect_is_status(out->status))
		return false;
	probe_field(out, "Location", &field);
	location = span_to_string(field);
	verdict = location ? redirect_follow(trail, out->hop.url ? out->hop.url : q->url,
				     location, &hop)
			   : REDIRECT_NO_MEMORY;
	if (verdict != REDIRECT_GOOD)
		redirect_explain(verdict, location ? location : "", &out->trouble);
	free(location);
	if (verdict != REDIRECT_GOOD)
		return false;
	redirect_target_release(&out->hop);
	out->hop = hop;
	out->strayed = out->strayed || strcmp(hop.origin, q->origin) != 0;
	bytes_clear(&out->head);
	bytes_clear(&out->body);
	out->too_long = false;
	return true;
}

int probe_ask(const struct probe_question *q, struct probe_answer *out)
{
	int64_t deadline = clock_monotonic() + q->timeout;
	struct redirect_trail trail = {0};
	int rc;

	do
		rc = probe_once(q, deadline, out);
	while (!rc && probe_follow(q, &trail, out));
	return rc;
}

void probe_release(struct probe_answer *answer)
{
	bytes_release(&answer->head);
	bytes_release(&answer->body);
	redirect_target_release(&answer->hop);
	*answer = (struct probe_answer){0};
}

/* Without blanks around it. */
static struct span field_value(const char *value, const char *end)
{
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return span_of(value, (size_t)(end - value));
}

bool probe_next_field(const struct probe_answer *answer, const char *name, const char **at,
	struct span *out)
{
	const char *line = *at ? *at : (const char *)answer->head.data;
	size_t length = strlen(name);

	while (line && *line) {
		const char *end = line + strcspn(line, "\r\n");

		*at = end + strspn(end, "\r\n");
		if (!strncasecmp(line, name, length) && line[length] == ':') {
			*out = field_value(line + length + 1, end);
			return true;
		}
		line = *at;
	}
	return false;
}

bool probe_field(const struct probe_answer *answer, const char *name, struct span *out)
{
	const char *at = NULL;
	bool found = false;

	while (probe_next_field(answer, name, &at, out))
		found = true;
	return found;
}
