/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stddef.h>

#include "net/tries.h"
#include "util/clock.h"

#define IDLE_MAX 32 /* tries kept for use again */

int tries_init(struct tries *tries, const struct fetch_try_settings *settings,
	unsigned connections)
{
	long limit = connections;

	*tries = (struct tries){.settings = *settings};
	origins_init(&tries->origins, connections);
	tries->multi = curl_multi_init();
	tries->settings.share = curl_share_init();
	if (!tries->multi || !tries->settings.share)
		return ERR_NO_MEMORY;
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

struct fetch_try *tries_begin(
	struct tries *tries, const struct admission *a, struct trouble *trouble)
{
	struct fetch_try *t = take_idle(tries);

	*trouble = (struct trouble){.code = ERR_NO_MEMORY, .text = "out of memory"};
	if (!t)
		return NULL;
	if (fetch_try_begin(t, a, &tries->settings, trouble) ||
		curl_multi_add_handle(tries->multi, t->easy) != CURLM_OK) {
		put_idle(tries, t);
		return NULL;
	}
	origin_begin(a->origin, t->asked_at);
	t->next = tries->first;
	tries->first = t;
	return t;
}

void tries_end(struct tries *tries, struct fetch_try *t)
{
	struct fetch_try **at = &tries->first;

	curl_multi_remove_handle(tries->multi, t->easy);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	origin_end(t->origin);
	put_idle(tries, t);
}

void tries_perform(struct tries *tries)
{
	int running;

	curl_multi_perform(tries->multi, &running);
}

struct fetch_try *tries_next_ended(struct tries *tries)
{
	int left;
	CURLMsg *message = curl_multi_info_read(tries->multi, &left);
	struct fetch_try *t = NULL;
	CURLcode code;

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
	origin_begin(to, clock_monotonic());
	t->origin = to;
	t->server = mirrors_led(t->fetch->mirrors, t->mirror, origin);
}

bool tries_follow(struct tries *tries, struct fetch_try *t)
{
	struct redirect_target hop;
	struct trouble trouble;

	if (!fetch_try_is_redirected(t) || !fetch_try_find_hop(t, &hop))
		return false;
	fetch_try_note_version(t);
	mirrors_succeeded(t->fetch->mirrors, t->server, 0, 0);
	move_to(tries, t, hop.origin);
	curl_multi_remove_handle(tries->multi, t->easy);
	if (!fetch_try_follow(t, &hop, &tries->settings, &trouble) &&
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
