/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "net/fetch_try.h"
#include "net/status_words.h"
#include "net/try_failure.h"
#include "net/try_result.h"
#include "util/clock.h"

#define RETRY_AFTER_MAX 300  /* seconds: no server may send us away for longer */
#define CHANCE NS_PER_SECOND /* that a server has at least to accept a connection */

static void result_refused(struct try_result *result, enum trouble_rank rank)
{
	result->outcome = TRY_REFUSED;
	result->rank = rank;
}

static void result_failed(struct try_result *result, enum mirror_fault fault)
{
	result->outcome = TRY_FAILED;
	result->rank = RANK_FAILED;
	result->unwell = true;
	result->fault = fault;
}

static void classify_redirect(const struct fetch_try *t, struct try_result *result)
{
	if (t->redirect == REDIRECT_NO_MEMORY) {
		result_failed(result, MIRROR_SLOW);
		result->unwell = false;
	} else {
		result_refused(result, RANK_REFUSED);
	}
	redirect_explain(
		t->redirect, t->head.location ? t->head.location : "", &result->trouble);
}

/* Why a file:// URL could not be read. */
static void classify_file(struct fetch_try *t, struct try_result *result)
{
	int rc = t->file_error;

	if (rc == ERR_TIMEOUT) {
		result_failed(result, MIRROR_UNREACHABLE);
	} else if (rc == ERR_NO_FILES || rc == ERR_NO_THREADS) {
		result_failed(result, MIRROR_SLOW);
		result->unwell = false;
	} else {
		result_refused(result, rc == ERR_ABSENT ? RANK_ABSENT : RANK_REFUSED);
	}
	trouble_set(&result->trouble, rc == ERR_INVALID ? ERR_IO : rc, "%s",
		rc == ERR_ABSENT    ? "there is no such file"
		: rc == ERR_INVALID ? "it is not a regular file"
		: rc == ERR_TIMEOUT
			? "its file system does not answer: other reads of it hang already"
			: error_text(rc));
}

/* Its file has never held one. */
static void classify_tokenless(const struct fetch_try *t, struct try_result *result)
{
	result_refused(result, RANK_REFUSED);
	bearer_explain(t->bearer->path, t->bearer->error, ERR_DENIED, &result->trouble);
}

static void classify_busy(struct fetch_try *t, long status, struct try_result *result)
{
	curl_off_t seconds = 0;

	result_failed(result, MIRROR_SLOW);
	result->slow_down = status == 429 || status == 503;
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > RETRY_AFTER_MAX)
		seconds = RETRY_AFTER_MAX;
	if (seconds > 0)
		result->wait = seconds * NS_PER_SECOND;
}

/* A mirror that has not got yet what exists, and some say 403 of what they have not; or a
 * node of several behind one name, so the next try is to reach another one. */
static void classify_lagging(struct try_result *result)
{
	result_failed(result, MIRROR_SLOW);
	result->unwell = false;
	result->fresh = true;
}

static bool is_absence(long status)
{
	return status == 404 || status == 410 || status == 403;
}

/* The server does not take the token that it was shown. */
static void explain_token(const struct fetch_try *t, struct trouble *trouble)
{
	struct trouble why = {0};
	int error = t->token == TOKEN_AWAITED ? ERR_TIMEOUT : t->bearer->error;

	if (error)
		bearer_explain(t->bearer->path, error, ERR_DENIED, &why);
	trouble_set(trouble, ERR_DENIED,
		"the server denies access (401): it does not take the token of %s%s%s",
		t->bearer->path, error ? "; by now " : "", why.text);
}

static void classify_status(struct fetch_try *t, long status, struct try_result *result)
{
	if (status_is_passing(status))
		classify_busy(t, status, result);
	else
		result_refused(result,
			status == 404 || status == 410 ? RANK_ABSENT : RANK_REFUSED);
	if (status == 401 && t->bearer)
		explain_token(t, &result->trouble);
	else
		status_explain(status, t->said, t->strayed, &result->trouble);
}

/* Its turn came when the time was nearly up. */
static bool had_no_chance(const struct fetch_try *t)
{
	return t->stop == STOP_DEADLINE && clock_monotonic() - t->started < CHANCE;
}

/* Broken off while a file was waited for that the server has nothing to do with. */
static void classify_held_up(const struct fetch_try *t, struct try_result *result)
{
	result_failed(result, MIRROR_SLOW);
	result->unwell = false;
	bearer_explain(t->bearer->path, ERR_TIMEOUT, ERR_TIMEOUT, &result->trouble);
}

/* Left without an answer on a new connection, by a server that answers on others: it is
 * well, and serves no more of them at a time. */
static void classify_crowded(struct try_result *result)
{
	result_failed(result, MIRROR_SLOW);
	result->crowded = true;
	trouble_set(&result->trouble, ERR_TIMEOUT,
		"the server answered on other connections, but not in time on this one: it "
		"may serve no more of them at once");
}

/* Broken off by the fetcher. */
static void classify_stopped(struct fetch_try *t, struct try_result *result)
{
	result_failed(result, t->answered ? MIRROR_SLOW : MIRROR_UNREACHABLE);
	/* A deadline may have been close from the start: that is not the server's fault. */
	result->unwell = t->stop == STOP_SILENCE;
	result->rank = t->stop == STOP_SILENCE ? RANK_FAILED : RANK_HURRIED;
	result->fresh = t->connected && !fetch_try_is_on_new_connection(t);
	if (!t->connected)
		trouble_set(&result->trouble,
			had_no_chance(t) ? ERR_TIMEOUT : ERR_UNREACHABLE,
			"no connection in time");
	else if (t->stop == STOP_SILENCE)
		trouble_set(&result->trouble, ERR_TIMEOUT,
			"the server went silent after %zu bytes of the answer",
			t->body.size);
	else
		trouble_set(&result->trouble, ERR_TIMEOUT,
			"%zu bytes of the answer had come when the time was up",
			t->body.size);
}

static void classify_failure(struct fetch_try *t, struct try_result *result)
{
	const struct failed_transfer transfer = {
		.easy = t->easy,
		.code = t->code,
		.words = t->words,
		.url = t->hop.url ? t->hop.url : t->url,
		.received = t->body.size,
		.connected = t->connected,
		.own_ca = t->own_ca,
		.certified = t->certified,
	};
	struct try_failure failure;

	try_failure_explain(&transfer, &failure, &result->trouble);
	if (failure.final) {
		result_refused(result, RANK_REFUSED);
		result->unwell = failure.unwell;
		result->fault = MIRROR_SLOW;
		return;
	}
	/* One that got as far as an answer says little about all of the server. */
	result_failed(result, t->answered ? MIRROR_SLOW : MIRROR_UNREACHABLE);
	result->unwell = failure.unwell;
}

/* libcurl has a limit of its own for one line, of 100 kB, and says that it is out of memory
 * (since 8.6: too large) when it is reached. */
static bool is_head_too_long(const struct fetch_try *t)
{
	if (t->head.too_long)
		return true;
#if LIBCURL_VERSION_NUM >= 0x080600
	if (t->code == CURLE_TOO_LARGE)
		return true;
#endif
	return t->connected && !t->first_byte && !t->no_memory &&
	       t->code == CURLE_OUT_OF_MEMORY;
}

static void classify_aborted(struct fetch_try *t, struct try_result *result)
{
	if (t->over_cost) {
		result->outcome = TRY_LARGE;
		trouble_set(&result->trouble, ERR_LIMIT,
			"%s: the answer is longer than most such files", t->url);
		return;
	}
	if (is_head_too_long(t)) {
		result_refused(result, RANK_REFUSED);
		result->unwell = true;
		result->fault = MIRROR_WRONG_BYTES;
		trouble_set(&result->trouble, ERR_UNREACHABLE,
			"%s: the header of the server's answer is longer than any web "
			"server's",
			t->url);
		return;
	}
	if (t->no_memory) {
		result_failed(result, MIRROR_SLOW);
		result->unwell = false;
		trouble_set(&result->trouble, ERR_NO_MEMORY, "out of memory");
		return;
	}
	result_refused(result, RANK_REFUSED);
	result->unwell = true;
	result->fault = MIRROR_WRONG_BYTES;
	trouble_set(&result->trouble, ERR_LIMIT,
		"the answer is longer than the %" PRIu64 " bytes that it may have",
		t->size_max);
}

/* The rest of a body was asked for, and something else came. */
static void classify_part(struct fetch_try *t, long status, struct try_result *result)
{
	result_failed(result, MIRROR_SLOW);
	result->unwell = false;
	result->whole = true;
	trouble_set(&result->trouble, ERR_UNREACHABLE,
		"%s: the server does not go on where the answer broke off (%ld)", t->url,
		status);
}

/* Whether the status alone decides, however its body ended. */
static bool is_telling(const struct fetch_try *t, long status)
{
	if (status < 200 || status == 200 || (status == 206 && fetch_try_is_part(t)))
		return false;
	if (status == 416 && t->fetch->beginning && !t->resumed)
		return false; /* of an empty file: it is there, and that is all it says */
	if (status >= 300 && status < 400)
		return t->code == CURLE_OK && t->stop == STOP_NOT;
	return t->stop != STOP_CANCELLED;
}

static void classify_any(struct fetch_try *t, struct try_result *out)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	out->status = status;
	if (status == 304 && t->code == CURLE_OK && !t->stop && t->fetch->etag[0])
		out->not_modified = true;
	else if (t->redirect != REDIRECT_GOOD)
		classify_redirect(t, out);
	else if (t->resumed &&
		 (status == 416 || (status == 206 && !fetch_try_is_resumed(t))))
		classify_part(t, status, out);
	else if (t->token == TOKEN_MISSING)
		classify_tokenless(t, out);
	else if (is_telling(t, status))
		classify_status(t, status, out);
	else if (t->stop && t->token == TOKEN_AWAITED)
		classify_held_up(t, out);
	else if (t->stop == STOP_SILENCE && fetch_try_is_crowded_out(t))
		classify_crowded(out);
	else if (t->stop)
		classify_stopped(t, out);
	else if (t->too_long || t->no_memory || t->over_cost || is_head_too_long(t))
		classify_aborted(t, out);
	else if (t->file_error)
		classify_file(t, out);
	else if (t->code != CURLE_OK)
		classify_failure(t, out);
}

void try_result_classify(struct fetch_try *t, struct try_result *out)
{
	char name[TROUBLE_MAX];

	*out = (struct try_result){.outcome = TRY_GIVEN};
	classify_any(t, out);
	if (out->outcome == TRY_REFUSED && t->fetch->vouched && is_absence(out->status))
		classify_lagging(out);
	if (out->outcome == TRY_GIVEN)
		return;
	redirect_name(t->url, t->hop.url, name);
	trouble_set(&out->trouble, out->trouble.code, "%s: %s", name, out->trouble.text);
}
