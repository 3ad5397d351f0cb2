/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "net/fetch_try.h"
#include "net/progress.h"
#include "util/clock.h"

#define IGNORED_MAX 65536 /* bytes of an error page, read so that the connection lives */
#define ARRIVING (5 * NS_PER_SECOND) /* without a byte it is silent */
#ifndef CURL_WRITEFUNC_ERROR
#define CURL_WRITEFUNC_ERROR 0 /* before libcurl 7.87: any count but the given one */
#endif

struct fetch_try *fetch_try_new(void)
{
	struct fetch_try *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->easy = curl_easy_init();
	if (!t->easy) {
		free(t);
		return NULL;
	}
	return t;
}

void fetch_try_free(struct fetch_try *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	fetch_try_end(t);
	free(t);
}

/* Of life. */
static void note_sign(struct fetch_try *t)
{
	t->heard = clock_monotonic();
	t->answered = true;
	if (t->port)
		slots_note(&t->origin->slots, t->port, t->heard);
}

static size_t on_header(char *data, size_t one, size_t size, void *arg)
{
	struct fetch_try *t = arg;

	(void)one;
	note_sign(t);
	if (answer_head_take(&t->head, data, size))
		return size;
	t->no_memory = t->head.no_memory;
	return CURL_WRITEFUNC_ERROR;
}

bool fetch_try_is_resumed(const struct fetch_try *t)
{
	return t->resumed > 0 && t->head.range_start == t->resumed;
}

bool fetch_try_is_part(const struct fetch_try *t)
{
	return fetch_try_is_resumed(t) ||
	       (t->fetch->beginning > 0 && t->resumed == 0 && t->head.range_start == 0);
}

bool fetch_try_is_arriving(const struct fetch_try *t, int64_t now)
{
	uint64_t came = t->body.size - t->resumed;

	return t->first_byte && now - t->heard < ARRIVING &&
	       came / PROGRESS_LEAST >= (uint64_t)((now - t->first_byte) / NS_PER_SECOND);
}

static bool try_is_wanted(struct fetch_try *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 206)
		return fetch_try_is_part(t);
	return status == 200 || status == 0; /* 0: file:// */
}

/* A server may answer with all of it instead of what is missing: then from the start. */
static void begin_body(struct fetch_try *t)
{
	t->first_byte = t->heard;
	if (fetch_try_is_resumed(t))
		return;
	bytes_clear(&t->body);
	t->resumed = 0;
}

/* Pages are admitted with what nearly all of them take; few may take much more. */
static bool over_cost(struct fetch_try *t, uint64_t more)
{
	t->over_cost = t->body.size + more > t->allowance;
	return t->over_cost;
}

/* Memory for all of the announced body at once. */
static int reserve_body(struct fetch_try *t)
{
	curl_off_t length = -1;

	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (length <= 0)
		return 0;
	if ((uint64_t)length > t->size_max - t->body.size)
		return ERR_LIMIT;
	if (over_cost(t, (uint64_t)length))
		return ERR_NO_SPACE;
	return bytes_reserve(&t->body, (size_t)length);
}

/* Servers say in the body of an error what they miss. */
static void keep_said(struct fetch_try *t, const char *data, size_t size)
{
	size_t at = strlen(t->said), room = sizeof t->said - 1 - at;

	if (size > room)
		size = room;
	memcpy(t->said + at, data, size);
	t->said[at + size] = '\0';
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
	struct fetch_try *t = arg;
	int rc = 0;

	(void)one;
	note_sign(t);
	if (!try_is_wanted(t)) {
		keep_said(t, data, size);
		t->ignored += size;
		return t->ignored > IGNORED_MAX ? CURL_WRITEFUNC_ERROR : size;
	}
	if (!t->first_byte) {
		begin_body(t);
		rc = reserve_body(t);
	}
	if (!rc && size > t->size_max - t->body.size)
		rc = ERR_LIMIT;
	if (!rc && over_cost(t, size))
		rc = ERR_NO_SPACE;
	if (!rc)
		rc = bytes_append(&t->body, data, size);
	t->too_long = rc == ERR_LIMIT;
	t->no_memory = rc == ERR_NO_MEMORY;
	return rc ? CURL_WRITEFUNC_ERROR : size;
}

static int on_connected(void *arg, char *there, char *here, int there_port, int here_port)
{
	struct fetch_try *t = arg;

	(void)there;
	(void)here;
	(void)there_port;
	t->connected = true;
	t->port = here_port;
	t->heard = clock_monotonic();
	return CURL_PREREQFUNC_OK;
}

void fetch_try_set_callbacks(struct fetch_try *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->words);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void fetch_try_note_version(struct fetch_try *t)
{
	long version = 0;

	curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
	t->origin->multiplexing = version >= CURL_HTTP_VERSION_2_0 ? MULTIPLEXING_YES
								   : MULTIPLEXING_NO;
}

bool fetch_try_is_on_new_connection(const struct fetch_try *t)
{
	long made = 0;

	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &made);
	return made > 0;
}

bool fetch_try_is_crowded_out(const struct fetch_try *t)
{
	return !t->answered && t->origin->multiplexing != MULTIPLEXING_YES &&
	       slots_count(&t->origin->slots, t->asked_at) > 0 &&
	       fetch_try_is_on_new_connection(t);
}

bool fetch_try_is_redirected(struct fetch_try *t)
{
	long status = 0;

	/* A body that was too long for one takes nothing from what the head says. */
	if (t->stop || t->no_memory || (t->code && t->ignored <= IGNORED_MAX))
		return false;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return redirect_is_status(status);
}

bool fetch_try_is_unauthorized(struct fetch_try *t)
{
	long status = 0;

	if (t->token != TOKEN_SENT || t->token_since || t->stop)
		return false;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 401;
}

char *fetch_try_file_path(const struct fetch_try *t)
{
	const char *path = strncmp(t->url, "file://", 7) ? NULL : strchr(t->url + 7, '/');

	return path ? curl_easy_unescape(t->easy, path, 0, NULL) : NULL;
}

void fetch_try_take_file(struct fetch_try *t, struct file_read *read)
{
	t->heard = clock_monotonic();
	t->answered = true;
	t->file_error = read->error;
	t->too_long = read->error == ERR_LIMIT;
	t->no_memory = read->error == ERR_NO_MEMORY;
	if (read->error)
		return;
	t->first_byte = t->heard;
	bytes_release(&t->body);
	t->body = read->body;
	bytes_init(&read->body);
	t->resumed = 0;
}

void fetch_try_end(struct fetch_try *t)
{
	curl_slist_free_all(t->headers);
	bytes_release(&t->body);
	answer_head_release(&t->head);
	redirect_target_release(&t->hop);
	t->headers = NULL;
	t->fetch = NULL;
	t->twin = NULL;
	t->second = t->late = false;
	t->origin = NULL;
	t->file = NULL;
	t->file_error = 0;
	t->over_cost = false;
	t->connected = t->answered = t->too_long = t->no_memory = t->strayed = false;
	t->trail.count = 0;
	t->redirect = REDIRECT_GOOD;
	t->token = TOKEN_UNNEEDED;
	t->token_number = 0;
	t->token_since = 0;
	t->bearer = NULL;
	t->stop = STOP_NOT;
	t->code = CURLE_OK;
	t->ignored = 0;
	t->first_byte = 0;
	t->port = 0;
	t->resumed = 0;
	t->words[0] = t->said[0] = '\0';
}
