/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "net/bearer.h"
#include "net/probe.h"
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

static int probe_prepare(CURL *e, const struct probe_question *q, struct receiver *r)
{
	curl_easy_setopt(e, CURLOPT_URL, q->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_RANGE, q->range);
	curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(q->timeout / NS_PER_MS));
	curl_easy_setopt(e, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->answer->words);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_probe_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_probe_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	if (!q->credentials)
		return 0;
	return q->redirected ? credentials_apply_none(q->credentials, e)
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

static void probe_perform(CURL *e, struct probe_answer *out)
{
	out->code = curl_easy_perform(e);
	/* A body that was cut here is an answer. */
	if (out->code == CURLE_WRITE_ERROR && out->too_long)
		out->code = CURLE_OK;
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &out->status);
	out->certificate_ends = certificate_end(e);
}

int probe_ask(const struct probe_question *q, struct probe_answer *out)
{
	struct receiver r = {out, q->size_max};
	struct curl_slist *fields = NULL;
	CURL *e = curl_easy_init();
	int rc = e ? question_fields(q, &fields) : ERR_NO_MEMORY;

	if (!rc) {
		rc = probe_prepare(e, q, &r);
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, fields);
	}
	if (!rc)
		probe_perform(e, out);
	if (!rc)
		rc = bytes_append(&out->head, "", 1);
	curl_easy_cleanup(e);
	curl_slist_free_all(fields);
	return rc;
}

void probe_release(struct probe_answer *answer)
{
	bytes_release(&answer->head);
	bytes_release(&answer->body);
	*answer = (struct probe_answer){0};
}

bool probe_field(const struct probe_answer *answer, const char *name, struct span *out)
{
	const char *line = (const char *)answer->head.data;
	size_t length = strlen(name);
	bool found = false;

	while (line && *line) {
		const char *end = line + strcspn(line, "\r\n"), *value = line + length + 1;

		if (!strncasecmp(line, name, length) && line[length] == ':') {
			const char *last = end;

			while (value < last && (*value == ' ' || *value == '\t'))
				value++;
			while (last > value && (last[-1] == ' ' || last[-1] == '\t'))
				last--;
			*out = span_of(value, (size_t)(last - value));
			found = true;
		}
		line = end + strspn(end, "\r\n");
	}
	return found;
}
