/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stddef.h>
#include <string.h>

#include "net/tries.h"
#include "util/clock.h"

#define IDLE_MAX 32 /* tries kept for use again */

/* On a thread of the reader. */
static void wake_for_file(void *multi)
{
	curl_multi_wakeup(multi);
}

int tries_init(struct tries *tries, const struct fetch_try_settings *settings,
	unsigned connections)
{
	long limit = connections;

	*tries = (struct tries){.settings = *settings};
	origins_init(&tries->origins, connections);
	tries->multi = curl_multi_init();
	tries->settings.share = curl_share_init();
	tries->files = file_reader_new(wake_for_file, tries->multi);
	bearer_init(&tries->bearer,
		settings->credentials ? settings->credentials->bearer_file : NULL,
		tries->files);
	tries->settings.bearer = &tries->bearer;
	if (!tries->multi || !tries->settings.share || !tries->files)
		return ERR_NO_MEMORY;
	/* Without descriptors for it libcurl goes on, and could be told of nothing. */
	if (curl_multi_wakeup(tries->multi) != CURLM_OK)
		return ERR_NO_FILES;
	/* One thread uses it, hence no lock functions. */
	curl_share_setopt(
		tries->settings.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(tries->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(tries->multi, CURLMOPT_MAX_HOST_CONNECTIONS, limit);
	curl_multi_setopt(tries->multi, CURLMOPT_MAXCONNECTS, limit * 4);
	curl_multi_setopt(tries->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS_MAX);
	return 0;
}

void tries_release(struct tries *tries)
{
	struct fetch_try *t;

	while ((t = tries->idle)) {
		tries->idle = t->next;
		fetch_try_free(t);
	}
	bearer_release(&tries->bearer);
	file_reader_free(tries->files);
	curl_multi_cleanup(tries->multi);
	curl_share_cleanup(tries->settings.share);
	origins_release(&tries->origins);
}

static struct fetch_try *take_idle(struct tries *tries)
{
	struct fetch_try *t = tries->idle;

	if (!t)
		return fetch_try_new();
	tries->idle = t->next;
	tries->idle_count--;
	return t;
}

static void put_idle(struct tries *tries, struct fetch_try *t)
{
	fetch_try_end(t);
	if (tries->idle_count == IDLE_MAX) {
		fetch_try_free(t);
		return;
	}
	t->next = tries->idle;
	tries->idle = t;
	tries->idle_count++;
}

/* A file that cannot even be begun is a try that has ended: others may have it. */
static int begin_file(struct tries *tries, struct fetch_try *t)
{
	char *path = fetch_try_file_path(t);

	if (!path)
		return ERR_NO_MEMORY;
	t->connected = true;
	t->file_error = file_reader_begin(tries->files,
		mirrors_url(t->fetch->mirrors, t->mirror), path, t->size_max, t, &t->file);
	curl_free(path);
	return 0;
}

/* One that has to wait for its token is under way without libcurl's knowing. */
static int send_or_hold(struct tries *tries, struct fetch_try *t)
{
	if (t->token == TOKEN_AWAITED)
		try_request_await_token(t, t->asked_at - NS_PER_SECOND);
	else if (curl_multi_add_handle(tries->multi, t->easy) != CURLM_OK)
		return ERR_NO_MEMORY;
	if (t->bearer)
		bearer_refresh(&tries->bearer, t->asked_at);
	return 0;
}

static int send_off(struct tries *tries, struct fetch_try *t, struct trouble *trouble)
{
	int rc;

	if (!strncmp(t->url, "file:", 5))
		rc = begin_file(tries, t);
	else
		rc = send_or_hold(tries, t);
	if (rc)
		trouble_set(trouble, rc, "%s: %s", t->url, error_text(rc));
	return rc;
}

struct fetch_try *tries_begin(struct tries *tries, const struct admission *a,
	struct bytes *body, struct trouble *trouble)
{
	struct fetch_try *t = take_idle(tries);

	*trouble = (struct trouble){.code = ERR_NO_MEMORY, .text = "out of memory"};
	if (!t) {
		bytes_release(body);
		return NULL;
	}
	if (try_request_begin(t, a, body, &tries->settings, trouble) ||
		send_off(tries, t, trouble)) {
		put_idle(tries, t);
		return NULL;
	}
	origin_begin(a->origin, t->asked_at);
	window_enter(&a->origin->line, a->bytes, a->demand);
	t->next = tries->first;
	tries->first = t;
	return t;
}

void tries_end(struct tries *tries, struct fetch_try *t)
{
	struct fetch_try **at = &tries->first;

	if (t->file)
		file_reader_end(tries->files, t->file);
	else
		curl_multi_remove_handle(tries->multi, t->easy);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	origin_end(t->origin);
	window_leave(&t->origin->line, t->expected, t->demand);
	put_idle(tries, t);
}

void tries_perform(struct tries *tries)
{
	int running;

	curl_multi_perform(tries->multi, &running);
}

/* One whose file was read, or cannot be. */
static struct fetch_try *next_file(struct tries *tries)
{
	struct file_read *read = file_reader_next(tries->files);
	struct fetch_try *t = tries->first;

	if (read && read->owner == &tries->bearer) {
		bearer_take(&tries->bearer);
		return next_file(tries);
	}
	if (read) {
		fetch_try_take_file(read->owner, read);
		return read->owner;
	}
	while (t && (t->file || !t->file_error))
		t = t->next;
	return t;
}

/* One that has waited for a token in vain; those for which there is one are sent off. */
static struct fetch_try *next_unauthorized(struct tries *tries)
{
	struct fetch_try *t = tries->bearer.path ? tries->first : NULL;

	for (; t; t = t->next) {
		if (t->token != TOKEN_AWAITED ||
			!bearer_has_looked(&tries->bearer, t->token_since))
			continue;
		if (!try_request_take_token(t, &tries->settings))
			return t;
		if (curl_multi_add_handle(tries->multi, t->easy) != CURLM_OK) {
			t->no_memory = true;
			return t;
		}
	}
	return NULL;
}

bool tries_authorize(struct tries *tries, struct fetch_try *t)
{
	bool renewed = t->token_number != tries->bearer.number;

	if (!fetch_try_is_unauthorized(t))
		return false;
	curl_multi_remove_handle(tries->multi, t->easy);
	try_request_await_token(t, renewed ? 1 : clock_monotonic());
	return true;
}

struct fetch_try *tries_next_ended(struct tries *tries)
{
	struct fetch_try *ended = next_file(tries);
	int left;
	CURLMsg *message;
	struct fetch_try *t = NULL;
	CURLcode code;

	if (!ended)
		ended = next_unauthorized(tries);
	if (ended)
		return ended;
	message = curl_multi_info_read(tries->multi, &left);
	if (!message)
		return NULL;
	code = message->data.result;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
	t->code = code;
	return t;
}

/* Counts it where it is now. */
static void move_to(struct tries *tries, struct fetch_try *t, const char *origin)
{
	struct origin *to = origins_find(&tries->origins, origin);

	origin_led(t->origin, to);
	origin_end(t->origin);
	window_leave(&t->origin->line, t->expected, t->demand);
	origin_begin(to, clock_monotonic());
	window_enter(&to->line, t->expected, t->demand);
	t->origin = to;
	t->server = mirrors_led(t->fetch->mirrors, t->mirror, origin);
}

bool tries_follow(struct tries *tries, struct fetch_try *t)
{
	struct redirect_target hop;
	struct trouble trouble;

	if (!fetch_try_is_redirected(t) || !try_request_find_hop(t, &hop))
		return false;
	fetch_try_note_version(t);
	mirrors_succeeded(t->fetch->mirrors, t->server, 0, 0);
	move_to(tries, t, hop.origin);
	curl_multi_remove_handle(tries->multi, t->easy);
	if (!try_request_follow(t, &hop, &tries->settings, &trouble) &&
		curl_multi_add_handle(tries->multi, t->easy) == CURLM_OK)
		return true;
	t->redirect = REDIRECT_NO_MEMORY;
	return false;
}

struct fetch_try *tries_find_stopped(struct tries *tries)
{
	struct fetch_try *t = tries->first;

	while (t && t->stop == STOP_NOT)
		t = t->next;
	return t;
}

void tries_poll(struct tries *tries, int ms)
{
	curl_multi_poll(tries->multi, NULL, 0, ms, NULL);
}

void tries_wake(struct tries *tries)
{
	curl_multi_wakeup(tries->multi);
}
