/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/mirror.h"
#include "net/mirrors.h"
#include "util/clock.h"

#define TARGETS_MAX 64 /* servers that redirects named, and no mirrors */

/* A server that mirrors redirect to. */
struct target {
	char *origin;
	struct health health;
};

struct mirrors {
	pthread_mutex_t mirrors_mtx; /* guards all below; entries are only ever added */
	unsigned count, target_count;
	uint64_t random;
	struct mirror items[MIRRORS_MAX];
	struct target targets[TARGETS_MAX];
};

int mirrors_new(const char *url, struct mirrors **out, struct trouble *t)
{
	struct mirrors *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return trouble_set(t, ERR_NO_MEMORY, "%s: out of memory", url);
	rc = base_url_parse(url, &m->items[0].url, &m->items[0].origin, t);
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
	for (unsigned i = 0; i < m->target_count; i++)
		free(m->targets[i].origin);
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
	int rc = base_url_parse(url, &item.url, &item.origin, NULL);

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

const char *mirrors_place(struct mirrors *m, unsigned index)
{
	const char *origin = mirrors_origin(m, index);

	return origin && !strncmp(origin, "file:", 5) ? mirrors_url(m, index) : origin;
}

bool mirrors_is_home(struct mirrors *m, unsigned index)
{
	const char *origin = mirrors_origin(m, index);

	return origin && !strcmp(origin, mirrors_origin(m, 0));
}

/* With the lock held. NULL: there is no such server. */
static struct health *health_of(struct mirrors *m, unsigned server)
{
	if (server < m->count)
		return &m->items[server].health;
	if (server >= MIRRORS_MAX && server - MIRRORS_MAX < m->target_count)
		return &m->targets[server - MIRRORS_MAX].health;
	return NULL;
}

/* The number of a server; *server is untouched when there is no place for it. With the
 * lock held. */
static void find_server(struct mirrors *m, const char *origin, unsigned *server)
{
	struct target *target = &m->targets[m->target_count];

	for (unsigned i = 0; i < m->count; i++)
		if (!strcmp(m->items[i].origin, origin)) {
			*server = i;
			return;
		}
	for (unsigned i = 0; i < m->target_count; i++)
		if (!strcmp(m->targets[i].origin, origin)) {
			*server = MIRRORS_MAX + i;
			return;
		}
	if (m->target_count == TARGETS_MAX)
		return;
	*target = (struct target){.origin = strdup(origin)};
	if (target->origin)
		*server = MIRRORS_MAX + m->target_count++;
}

unsigned mirrors_led(struct mirrors *m, unsigned index, const char *origin)
{
	unsigned server = index;

	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count) {
		if (strcmp(m->items[index].origin, origin))
			find_server(m, origin, &server);
		m->items[index].leads_to = server == index ? NULL : health_of(m, server);
	}
	pthread_mutex_unlock(&m->mirrors_mtx);
	return server;
}

int mirrors_choose(struct mirrors *m, uint64_t avoid, int64_t now, int64_t *wait_ns)
{
	const struct mirror *best = NULL;
	int index = -1;

	pthread_mutex_lock(&m->mirrors_mtx);
	for (unsigned i = 0; i < m->count; i++) {
		const struct mirror *item = &m->items[i];

		if (avoid >> i & 1 || (best && !mirror_is_better(item, best, now)))
			continue;
		best = item;
		index = (int)i;
	}
	if (best)
		*wait_ns = mirror_wait(best, now);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return index;
}

struct health_state mirrors_look(struct mirrors *m, unsigned index, int64_t now)
{
	struct health_state own = {0}, there = {0};

	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count) {
		own = health_look(&m->items[index].health, now);
		if (m->items[index].leads_to)
			there = health_look(m->items[index].leads_to, now);
	}
	pthread_mutex_unlock(&m->mirrors_mtx);
	return there.word > own.word ? there : own;
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

unsigned mirrors_asked(struct mirrors *m, unsigned index, int64_t now)
{
	unsigned probe = 0;

	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count)
		probe = health_asked(&m->items[index].health, next_random(m), now);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return probe;
}

bool mirrors_are_out(struct mirrors *m, uint64_t avoid)
{
	bool out = true;

	pthread_mutex_lock(&m->mirrors_mtx);
	for (unsigned i = 0; i < m->count; i++)
		out = out && (avoid >> i & 1 || m->items[i].health.unreachable > 0);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return out;
}

int64_t mirrors_succeeded(
	struct mirrors *m, unsigned server, int64_t took_ns, uint64_t bytes)
{
	struct health *health;
	int64_t since = 0;

	pthread_mutex_lock(&m->mirrors_mtx);
	health = health_of(m, server);
	if (health)
		since = health_succeeded(health);
	if (server < m->count)
		mirror_measure(&m->items[server], took_ns, bytes);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return since;
}

int64_t mirrors_usual_time(struct mirrors *m, unsigned index, uint64_t bytes)
{
	int64_t time = 0;

	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count)
		time = mirror_usual_time(&m->items[index], bytes);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return time;
}

bool mirrors_failed(
	struct mirrors *m, unsigned server, enum mirror_fault fault, int64_t now)
{
	struct health *health;
	bool first = false;

	pthread_mutex_lock(&m->mirrors_mtx);
	health = health_of(m, server);
	if (health)
		first = health_failed(health, fault, next_random(m), now);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return first;
}

static void pause_until(struct health *health, int64_t until)
{
	if (until > health->pause_until)
		health->pause_until = until;
}

void mirrors_pause(struct mirrors *m, unsigned server, int64_t until)
{
	struct health *health;

	pthread_mutex_lock(&m->mirrors_mtx);
	health = health_of(m, server);
	if (health)
		pause_until(health, until);
	for (unsigned i = 0; server < m->count && i < m->count; i++)
		if (!strcmp(m->items[i].origin, m->items[server].origin))
			pause_until(&m->items[i].health, until);
	pthread_mutex_unlock(&m->mirrors_mtx);
}

int64_t mirrors_paused_until(struct mirrors *m, unsigned index)
{
	int64_t until = 0;

	pthread_mutex_lock(&m->mirrors_mtx);
	if (index < m->count)
		until = mirror_paused_until(&m->items[index]);
	pthread_mutex_unlock(&m->mirrors_mtx);
	return until;
}
