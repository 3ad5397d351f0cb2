/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "net/mirrors.h"
#include "util/clock.h"

/* How long a mirror is backed off from: the first time, and at most. */
#define UNREACHABLE_FIRST (250 * NS_PER_MS)
#define UNREACHABLE_MOST (16 * NS_PER_SECOND)
#define SLOW_FIRST (5 * NS_PER_SECOND)
#define SLOW_MOST (80 * NS_PER_SECOND)
#define WRONG_FIRST (60 * NS_PER_SECOND)
#define WRONG_MOST (3600 * NS_PER_SECOND)

#define COST_UNIT 65536.0 /* bytes that weigh as much as the round trip */
#define COST_WEIGHT 0.2	  /* of the newest sample in the moving average */

struct mirror {
	char *url;
	char *origin;
	double cost;	      /* ns per COST_UNIT, moving average; 0: not measured */
	unsigned unreachable; /* failures in a row, of each kind */
	unsigned slow;
	unsigned wrong;
	int64_t leave_until;  /* is not to be asked before */
	int64_t behind_until; /* its peers go first */
};

struct mirrors {
	pthread_mutex_t mirrors_mtx; /* guards all below; entries are only ever added */
	unsigned count;
	uint64_t random;
	struct mirror items[MIRRORS_MAX];
};

static void lower_case(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static char *origin_of(CURLU *u)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *origin = NULL;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return NULL;
	/* file:// has neither. */
	if (curl_url_get(u, CURLUPART_HOST, &host, 0) ||
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) {
		if (asprintf(&origin, "%s://", scheme) < 0)
			origin = NULL;
	} else if (asprintf(&origin, "%s://%s:%s", scheme, host, port) < 0) {
		origin = NULL;
	}
	if (origin)
		lower_case(origin);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return origin;
}

static bool has_part(CURLU *u, CURLUPart part)
{
	char *value = NULL;
	bool has = curl_url_get(u, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return has;
}

static int check_parts(CURLU *u, const char *url, struct trouble *t)
{
	char *scheme = NULL;
	bool good;

	if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		return trouble_set(t, ERR_INVALID,
			"a URL with a user name or password in it shows up in logs and "
			"process "
			"lists; put them into ~/.netrc and use --netrc");
	if (strpbrk(url, "?#"))
		return trouble_set(t, ERR_INVALID,
			"%s: a store's URL cannot have a query or a fragment", url);
	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", url);
	good = !strcmp(scheme, "https") || !strcmp(scheme, "http") ||
	       !strcmp(scheme, "file");
	curl_free(scheme);
	if (!good)
		return trouble_set(t, ERR_INVALID,
			"%s: only https://, http:// and file:// can be read", url);
	return 0;
}

/* The parsed URL without trailing slashes: the caller's, for free(). */
static char *normal_url(CURLU *u)
{
	char *text = NULL, *copy;
	size_t size;

	if (curl_url_get(u, CURLUPART_URL, &text, 0))
		return NULL;
	copy = strdup(text);
	curl_free(text);
	if (!copy)
		return NULL;
	for (size = strlen(copy); size > 0 && copy[size - 1] == '/'; size--)
		copy[size - 1] = '\0';
	return copy;
}

static void mirror_release(struct mirror *item)
{
	free(item->url);
	free(item->origin);
	item->url = item->origin = NULL;
}

static int check_size(const char *url, struct trouble *t)
{
	if (strlen(url) < URL_SIZE_MAX)
		return 0;
	return trouble_set(
		t, ERR_INVALID, "the URL is longer than %d bytes", URL_SIZE_MAX - 1);
}

/* What can be told before it is parsed. */
static int check_text(const char *url, struct trouble *t)
{
	int rc = check_size(url, t);

	if (rc)
		return rc;
	if (!strstr(url, "://"))
		return trouble_set(t, ERR_INVALID,
			"%s: not a URL; give https://HOST/PATH, http://HOST/PATH or "
			"file:///PATH",
			url);
	return 0;
}

/* Fills url and origin; on failure they are NULL. */
static int mirror_parse(const char *url, struct mirror *out, struct trouble *t)
{
	CURLU *u;
	CURLUcode code;
	int rc = check_text(url, t);

	if (rc)
		return rc;
	u = curl_url();
	if (!u)
		return trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", url);
	code = curl_url_set(
		u, CURLUPART_URL, url, CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME);
	if (code) {
		rc = trouble_set(t, ERR_INVALID, "%s: %s", url, curl_url_strerror(code));
		goto out;
	}
	rc = check_parts(u, url, t);
	if (rc)
		goto out;
	out->url = normal_url(u);
	out->origin = origin_of(u);
	if (!out->url || !out->origin)
		rc = trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", url);
	else
		rc = check_size(out->url, t); /* percent-encoded, it may have grown */
out:
	if (rc)
		mirror_release(out);
	curl_url_cleanup(u);
	return rc;
}

int mirrors_new(const char *url, struct mirrors **out, struct trouble *t)
{
	struct mirrors *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", url);
	rc = mirror_parse(url, &m->items[0], t);
	if (rc) {
		free(m);
		return rc;
	}
	pthread_mutex_init(&m->mirrors_mtx, NULL);
	m->count = 1;
	m->random = (uint64_t)clock_monotonic() ^ (uintptr_t)m;
	*out = m;
	return 0;
}

void mirrors_free(struct mirrors *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->count; i++)
		mirror_release(&m->items[i]);
	pthread_mutex_destroy(&m->mirrors_mtx);
	free(m);
}

static bool same_scheme(const char *a, const char *b)
{
	size_t size = strcspn(a, ":");

	return strncmp(a, b, size + 1) == 0;
}

/* With the lock held. */
static int mirrors_add_locked(struct mirrors *m, const struct mirror *item)
{
	assert(item->url && item->origin); /* it was parsed */
	if (strncmp(item->origin, "https:", 6) != 0 &&
		!same_scheme(item->origin, m->items[0].origin))
		return ERR_DENIED;
	for (unsigned i = 0; i < m->count; i++)
		if (!strcmp(m->items[i].url, item->url))
			return ERR_EXISTS;
	if (m->count == MIRRORS_MAX)
		return ERR_LIMIT;
	m->items[m->count++] = *item;
	return 0;
}

int mirrors_add(struct mirrors *m, const char *url)
{
	struct mirror item = {0};
	int rc = mirror_parse(url, &item, NULL);

	if (rc)
		return rc;
	pthread_mutex_lock(&m->mirrors_mtx);
	rc = mirrors_add_locked(m, &item);
	pthread_mutex_unlock(&m->mirrors_mtx);
	if (rc)
		mirror_release(&item);
	return rc == ERR_EXISTS ? 0 : rc;
}

unsigned mirrors_count(struct mirrors *m)
{
	unsigned count;

	pthread_mutex_lock(&m->mirrors_mtx);
	count = m->count;
	pthread_mutex_unlock(&m->mirrors_mtx);
	return count;
}

const char *mirrors_url(struct mirrors *m, unsigned index)
{
	const char *url;

	pthread_mutex_lock(&m->mirrors_mtx);
	url = index < m->count ? m->items[index].url : NULL;
	pthread_mutex_unlock(&m->mirrors_mtx);
	return url;
}

const char *mirrors_origin(struct mirrors *m, unsigned index)
{
	const char *origin;

	pthread_mutex_lock(&m->mirrors_mtx);
	origin = index < m->count ? m->items[index].origin : NULL;
	pthread_mutex_unlock(&m->mirrors_mtx);
	return origin;
}

bool mirrors_is_home(struct mirrors *m, unsigned index)
{
	const char *origin = mirrors_origin(m, index);

	return origin && !strcmp(origin, mirrors_origin(m, 0));
}

/* 0: can be asked at once; 1: at once, but its peers go first; 2: is to be left alone. */
static int standing(const struct mirror *a, int64_t now)
{
	if (a->leave_until > now)
		return 2;
	return a->behind_until > now;
}

static bool is_better(const struct mirror *a, const struct mirror *b, int64_t now)
{
	int standing_a = standing(a, now), standing_b = standing(b, now);

	if (standing_a != standing_b)
		return standing_a < standing_b;
	if (standing_a == 2)
		return a->leave_until < b->leave_until;
	if (standing_a == 1)
		return a->behind_until < b->behind_until;
	/* Measured ones first; then in the order in which they were given. */
	if (a->cost == 0 || b->cost == 0)
		return a->cost != 0 && b->cost == 0;
	return a->cost < b->cost;
}

int mirrors_choose(struct mirrors *m, uint64_t avoid, int64_t now, int64_t *wait_ns)
{
	const struct mirror *best = NULL;
	int index = -1;

	pthread_mutex_lock(&m->mirrors_mtx);
	for (unsigned i = 0; i < m->count; i++) {
		const struct mirror *item = &m->items[i];

		if (avoid >> i & 1 || (best && !is_better(item, best, now)))
			continue;
		best = item;
		index = (int)i;
	}
	if (best)
		*wait_ns = best->leave_until > now ? best->leave_until - now : 0;
	pthread_mutex_unlock(&m->mirrors_mtx);
	return index;
}

void mirrors_succeeded(struct mirrors *m, unsigned index, int64_t took_ns, uint64_t bytes)
{
	double cost = (double)took_ns / ((double)bytes / COST_UNIT + 1);
	struct mirror *item;

	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count) {
		item = &m->items[index];
		item->unreachable = item->slow = 0;
		item->leave_until = 0;
		if (bytes > 0 && took_ns > 0)
			item->cost = item->cost == 0 ? cost
						     : item->cost + (cost - item->cost) *
									    COST_WEIGHT;
	}
	pthread_mutex_unlock(&m->mirrors_mtx);
}

/* xorshift64 (Marsaglia, 2003): jitter needs no better. With the lock held. */
static uint64_t next_random(struct mirrors *m)
{
	m->random |= m->random == 0;
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random;
}

/* Exponential backoff: `first` doubled with each of `times`, at most `most`, less up to a
 * quarter by chance. */
static int64_t backoff(struct mirrors *m, int64_t first, int64_t most, unsigned times)
{
	int64_t time = first;

	while (times-- > 0 && time < most)
		time *= 2;
	if (time > most)
		time = most;
	return time - (int64_t)(next_random(m) % (uint64_t)(time / 4));
}

static void fail_locked(
	struct mirrors *m, struct mirror *item, enum mirror_fault fault, int64_t now)
{
	int64_t until;

	if (fault == MIRROR_UNREACHABLE) {
		if (item->leave_until <= now)
			item->leave_until = now + backoff(m, UNREACHABLE_FIRST,
							  UNREACHABLE_MOST,
							  item->unreachable++);
		return;
	}
	if (fault == MIRROR_SLOW) {
		if (item->behind_until > now)
			return;
		until = now + backoff(m, SLOW_FIRST, SLOW_MOST, item->slow++);
	} else {
		until = now + backoff(m, WRONG_FIRST, WRONG_MOST, item->wrong++);
	}
	if (until > item->behind_until)
		item->behind_until = until;
}

void mirrors_failed(struct mirrors *m, unsigned index, enum mirror_fault fault, int64_t now)
{
	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count)
		fail_locked(m, &m->items[index], fault, now);
	pthread_mutex_unlock(&m->mirrors_mtx);
}
