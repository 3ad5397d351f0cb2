/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/log_causes.h"

#define DIGEST_DIGITS 16 /* a word of at least so many hexadecimal ones names a blob */
#define NUMBER_DIGITS 6	 /* so large a number is no status, port or signal */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

void log_causes_init(struct log_causes *c)
{
	memset(c->list, 0, sizeof c->list);
	pthread_mutex_init(&c->causes_mtx, NULL);
}

void log_causes_release(struct log_causes *c)
{
	for (unsigned i = 0; i < LOG_CAUSES_MAX; i++)
		free(c->list[i].first);
	pthread_mutex_destroy(&c->causes_mtx);
}

static size_t word_length(const char *at)
{
	size_t n = 0;

	while (isalnum((unsigned char)at[n]))
		n++;
	return n;
}

static bool is_all(const char *word, size_t size, const char *digits)
{
	return strspn(word, digits) >= size;
}

/* Does it only say which one of many it is about? */
static bool is_number(const char *word, size_t size)
{
	static const char hex[] = "0123456789abcdef";

	if (size >= DIGEST_DIGITS && is_all(word, size, hex))
		return true;
	/* blobs/ab/cdef... */
	if (size == 2 && is_all(word, size, hex) && word[2] == '/' &&
		word_length(word + 3) >= DIGEST_DIGITS)
		return true;
	return size >= NUMBER_DIGITS && is_all(word, size, "0123456789");
}

/* FNV-1a, Fowler, Noll, Vo. Lines that agree in it by chance are one in 2^64. */
static uint64_t key_add(uint64_t key, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		key = (key ^ (unsigned char)bytes[i]) * FNV_PRIME;
	return key;
}

static uint64_t key_of(int level, const char *line)
{
	uint64_t key = FNV_BASIS ^ (uint64_t)level;

	while (*line) {
		size_t n = word_length(line);

		if (n && is_number(line, n))
			key = key_add(key, "#", 1);
		else
			key = key_add(key, line, n ? n : 1);
		line += n ? n : 1;
	}
	return key;
}

/* causes_mtx is held. The slot is free then. */
static struct log_cause cause_take(struct log_cause *slot)
{
	struct log_cause taken = *slot;

	*slot = (struct log_cause){0};
	return taken;
}

/* causes_mtx is held. NULL; *oldest is a free slot if there is one. */
static struct log_cause *cause_find(
	struct log_causes *c, uint64_t key, struct log_cause **oldest)
{
	*oldest = &c->list[0];
	for (unsigned i = 0; i < LOG_CAUSES_MAX; i++) {
		struct log_cause *slot = &c->list[i];

		if (slot->first && slot->key == key)
			return slot;
		if ((*oldest)->first && (!slot->first || slot->since < (*oldest)->since))
			*oldest = slot;
	}
	return NULL;
}

/* causes_mtx is held. What the slot had is to be told of when there were more of it. */
static void cause_begin(struct log_cause *slot, uint64_t key, int level, const char *line,
	int64_t now, struct log_cause *over)
{
	*over = cause_take(slot);
	if (!over->more) {
		free(over->first);
		*over = (struct log_cause){0};
	}
	slot->first = strdup(line); /* without memory, every line is written */
	slot->key = key;
	slot->level = level;
	slot->since = now;
}

bool log_causes_note(struct log_causes *c, int level, const char *line, int64_t now,
	struct log_cause *over)
{
	uint64_t key = key_of(level, line);
	struct log_cause *slot, *oldest;
	bool write = true;

	*over = (struct log_cause){0};
	pthread_mutex_lock(&c->causes_mtx);
	slot = cause_find(c, key, &oldest);
	if (slot && now - slot->since < LOG_CAUSES_FOR) {
		slot->more++;
		write = false;
	} else {
		cause_begin(slot ? slot : oldest, key, level, line, now, over);
	}
	pthread_mutex_unlock(&c->causes_mtx);
	return write;
}

bool log_causes_next_over(struct log_causes *c, int64_t now, struct log_cause *over)
{
	bool found = false;

	pthread_mutex_lock(&c->causes_mtx);
	for (unsigned i = 0; i < LOG_CAUSES_MAX && !found; i++) {
		struct log_cause *slot = &c->list[i];

		found = slot->more && now - slot->since >= LOG_CAUSES_FOR;
		if (found)
			*over = cause_take(slot);
	}
	pthread_mutex_unlock(&c->causes_mtx);
	return found;
}
