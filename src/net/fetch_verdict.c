/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "net/fetch_verdict.h"
#include "util/clock.h"

#define RETRY_AFTER_MAX 30   /* seconds: no server may send us away for longer */
#define CHANCE NS_PER_SECOND /* that a server has at least to accept a connection */

static void refuse(struct fetch_verdict *v, enum verdict_rank rank)
{
	v->kind = VERDICT_REFUSED;
	v->rank = rank;
}

static void fail(struct fetch_verdict *v, enum mirror_fault fault)
{
	v->kind = VERDICT_FAILED;
	v->rank = RANK_FAILED;
	v->unwell = true;
	v->fault = fault;
}

/* Why a file:// URL could not be read. */
static int file_error(struct fetch_try *t)
{
	const char *path = strchr(t->url + strlen("file://"), '/');
	char *plain = path ? curl_easy_unescape(t->easy, path, 0, NULL) : NULL;
	int rc = ERR_IO;

	if (plain && access(plain, R_OK) != 0)
		rc = errno == ENOTDIR ? ERR_ABSENT : error_from_errno(errno);
	curl_free(plain);
	return rc;
}

static void judge_file(struct fetch_try *t, struct fetch_verdict *v)
{
	int rc = file_error(t);

	refuse(v, rc == ERR_ABSENT ? RANK_ABSENT : RANK_REFUSED);
	trouble_set(&v->trouble, rc, "%s: %s", t->url,
		rc == ERR_ABSENT ? "there is no such file" : error_text(rc));
}

static void judge_retry(struct fetch_try *t, struct fetch_verdict *v)
{
	curl_off_t seconds = 0;

	fail(v, MIRROR_SLOW);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > RETRY_AFTER_MAX)
		seconds = RETRY_AFTER_MAX;
	if (seconds > 0)
		v->wait = seconds * NS_PER_SECOND;
}

static void judge_status(struct fetch_try *t, long status, struct fetch_verdict *v)
{
	struct trouble *trouble = &v->trouble;

	if (status == 404 || status == 410) {
		refuse(v, RANK_ABSENT);
		trouble_set(trouble, ERR_ABSENT, "%s: the server does not have it (%ld)",
			t->url, status);
	} else if (status == 401 || status == 403) {
		refuse(v, RANK_REFUSED);
		trouble_set(trouble, ERR_DENIED, "%s: the server denies access (%ld)",
			t->url, status);
	} else if (status == 407) {
		refuse(v, RANK_REFUSED);
		trouble_set(trouble, ERR_DENIED,
			"%s: the proxy wants a name and password (407)", t->url);
	} else if (status >= 500 || status == 408 || status == 425 || status == 429) {
		judge_retry(t, v);
		trouble_set(trouble, ERR_UNREACHABLE, "%s: the server answered %ld", t->url,
			status);
	} else {
		refuse(v, RANK_REFUSED);
		trouble_set(trouble, ERR_UNREACHABLE,
			"%s: the server answered %ld, which a web server for files does "
			"not",
			t->url, status);
	}
}

/* Its turn came when the time was nearly up. */
static bool had_no_chance(const struct fetch_try *t)
{
	return t->stop == STOP_DEADLINE && clock_monotonic() - t->started < CHANCE;
}

/* Broken off by the fetcher. */
static void judge_stopped(struct fetch_try *t, struct fetch_verdict *v)
{
	fail(v, t->answered ? MIRROR_SLOW : MIRROR_UNREACHABLE);
	/* A deadline may have been close from the start: that is not the server's fault. */
	v->unwell = t->stop == STOP_SILENCE;
	v->rank = t->stop == STOP_SILENCE ? RANK_FAILED : RANK_HURRIED;
	v->fresh = t->connected;
	if (!t->connected)
		trouble_set(&v->trouble, had_no_chance(t) ? ERR_TIMEOUT : ERR_UNREACHABLE,
			"%s: no connection in time", t->url);
	else if (t->stop == STOP_SILENCE)
		trouble_set(&v->trouble, ERR_TIMEOUT,
			"%s: the server went silent after %zu bytes of the answer", t->url,
			t->body.size);
	else
		trouble_set(&v->trouble, ERR_TIMEOUT,
			"%s: %zu bytes of the answer had come when the time was up", t->url,
			t->body.size);
}

static bool is_distrust(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
		return true;
	default:
		return false;
	}
}

static void judge_distrust(
	struct fetch_try *t, CURLcode code, const char *words, struct fetch_verdict *v)
{
	refuse(v, RANK_REFUSED);
	v->unwell = true;
	v->fault = MIRROR_SLOW;
	if (code == CURLE_SSL_CACERT_BADFILE)
		trouble_set(&v->trouble, ERR_UNTRUSTED,
			"%s: the file given with --cacert holds no certificates: %s",
			t->url, words);
	else
		trouble_set(&v->trouble, ERR_UNTRUSTED,
			"%s: the server's certificate is not trusted: %s; when it is "
			"signed by a CA "
			"of your own, give that CA's file with --cacert",
			t->url, words);
}

/* Whether asking once more, on a new connection, can help. */
static bool is_permanent(CURLcode code, int *error)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_TOO_MANY_REDIRECTS:
		*error = ERR_UNREACHABLE;
		return true;
	case CURLE_URL_MALFORMAT:
		*error = ERR_INVALID;
		return true;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_LOGIN_DENIED:
		*error = ERR_DENIED;
		return true;
	case CURLE_NOT_BUILT_IN:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_CIPHER:
		*error = ERR_UNSUPPORTED;
		return true;
	default:
		return false;
	}
}

static void judge_failure(struct fetch_try *t, CURLcode code, struct fetch_verdict *v)
{
	const char *words = t->words[0] ? t->words : curl_easy_strerror(code);
	int error = code == CURLE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_UNREACHABLE;

	if (is_distrust(code)) {
		judge_distrust(t, code, words, v);
	} else if (code == CURLE_UNSUPPORTED_PROTOCOL && t->answered) {
		refuse(v, RANK_REFUSED);
		trouble_set(&v->trouble, ERR_UNREACHABLE,
			"%s: the server redirects to where cairn does not follow (only "
			"https:// is "
			"good): %s",
			t->url, words);
	} else if (is_permanent(code, &error)) {
		refuse(v, RANK_REFUSED);
		trouble_set(&v->trouble, error, "%s: %s", t->url, words);
	} else {
		/* One that got as far as an answer says little about all of the server. */
		fail(v, t->answered ? MIRROR_SLOW : MIRROR_UNREACHABLE);
		trouble_set(&v->trouble, error, "%s: %s", t->url, words);
	}
}

static void judge_own(struct fetch_try *t, struct fetch_verdict *v)
{
	if (t->no_memory) {
		fail(v, MIRROR_SLOW);
		v->unwell = false;
		trouble_set(&v->trouble, ERR_NO_MEMORY, "%s: out of memory", t->url);
		return;
	}
	refuse(v, RANK_REFUSED);
	v->unwell = true;
	v->fault = MIRROR_WRONG_BYTES;
	trouble_set(&v->trouble, ERR_LIMIT,
		"%s: the answer is longer than the %" PRIu64 " bytes that it may have",
		t->url, t->size_max);
}

/* Whether the status alone decides, however its body ended. */
static bool is_telling(const struct fetch_try *t, long status, CURLcode code)
{
	if (status < 200 || status == 200)
		return false;
	if (status >= 300 && status < 400)
		return code == CURLE_OK && t->stop == STOP_NOT;
	return t->stop != STOP_CANCELLED;
}

void fetch_verdict_reach(struct fetch_try *t, CURLcode code, struct fetch_verdict *out)
{
	long status = 0;

	*out = (struct fetch_verdict){.kind = VERDICT_GIVEN};
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 304 && code == CURLE_OK && !t->stop && t->fetch->etag[0])
		out->not_modified = true;
	else if (is_telling(t, status, code))
		judge_status(t, status, out);
	else if (t->stop)
		judge_stopped(t, out);
	else if (t->too_long || t->no_memory)
		judge_own(t, out);
	else if (!strncmp(t->url, "file:", 5) && code != CURLE_OK)
		judge_file(t, out);
	else if (code != CURLE_OK)
		judge_failure(t, code, out);
}
