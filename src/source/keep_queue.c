/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "source/keep_queue.h"
#include "util/error.h"

struct item_list {
	struct keep_item *first, **end;
};

struct keep_queue {
	struct workers *workers; /* borrowed */
	uint64_t bytes_max;
	unsigned keepers_max;

	pthread_mutex_t keep_mtx; /* the fields below, and the queue's of all items */
	struct item_list ready;	  /* to be run */
	struct item_list waiting; /* to be charged */
	uint64_t bytes;		  /* charged */
	uint64_t given_up;
	unsigned keepers; /* threads in keep_queue_run */
};

static void list_init(struct item_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void list_append(struct item_list *list, struct keep_item *item)
{
	item->next = NULL;
	*list->end = item;
	list->end = &item->next;
}

/* `at` is what points to it. */
static struct keep_item *list_take(struct item_list *list, struct keep_item **at)
{
	struct keep_item *item = *at;

	*at = item->next;
	if (list->end == &item->next)
		list->end = at;
	item->next = NULL;
	return item;
}

int keep_queue_new(uint64_t bytes_max, unsigned keepers_max, struct workers *workers,
	struct keep_queue **out)
{
	struct keep_queue *q = calloc(1, sizeof *q);

	if (!q)
		return ERR_NO_MEMORY;
	q->workers = workers;
	q->bytes_max = bytes_max;
	q->keepers_max = keepers_max;
	pthread_mutex_init(&q->keep_mtx, NULL);
	list_init(&q->ready);
	list_init(&q->waiting);
	*out = q;
	return 0;
}

void keep_queue_free(struct keep_queue *q)
{
	if (!q)
		return;
	assert(q->bytes == 0 && !q->ready.first && !q->waiting.first);
	pthread_mutex_destroy(&q->keep_mtx);
	free(q);
}

static void charge(struct keep_queue *q, struct keep_item *item, uint64_t bytes)
{
	item->bytes = bytes;
	q->bytes += bytes;
}

bool keep_queue_enter(
	struct keep_queue *q, struct keep_item *item, uint64_t bytes, struct job *job)
{
	bool entered;

	pthread_mutex_lock(&q->keep_mtx);
	entered = q->bytes < q->bytes_max;
	if (entered) {
		charge(q, item, bytes);
	} else {
		item->asked = bytes;
		item->job = job;
		list_append(&q->waiting, item);
	}
	pthread_mutex_unlock(&q->keep_mtx);
	return entered;
}

bool keep_queue_withdraw(struct keep_queue *q, struct keep_item *item)
{
	struct keep_item **at = &q->waiting.first;
	bool waited;

	pthread_mutex_lock(&q->keep_mtx);
	waited = item->asked > 0;
	if (waited) {
		while (*at != item)
			at = &(*at)->next;
		list_take(&q->waiting, at);
		item->asked = 0;
	}
	pthread_mutex_unlock(&q->keep_mtx);
	return waited;
}

static struct keep_item **next_dispensable(struct keep_item **at)
{
	while (*at && (*at)->insists)
		at = &(*at)->next;
	return at;
}

/* The oldest that nobody insists on, unless there is no other; NULL. */
static struct keep_item **find_dispensable(struct keep_queue *q)
{
	struct keep_item **at = next_dispensable(&q->ready.first);

	return *at && *next_dispensable(&(*at)->next) ? at : NULL;
}

static struct keep_item *give_up(struct keep_queue *q)
{
	struct keep_item *list = NULL, *item, **at;
	uint64_t given = 0;

	while (q->bytes - given > q->bytes_max && (at = find_dispensable(q))) {
		item = list_take(&q->ready, at);
		item->next = list;
		list = item;
		given += item->bytes;
		q->given_up++;
	}
	return list;
}

struct keep_item *keep_queue_add(
	struct keep_queue *q, struct keep_item *item, uint64_t bytes)
{
	struct keep_item *others;

	pthread_mutex_lock(&q->keep_mtx);
	if (item->bytes == 0)
		charge(q, item, bytes);
	list_append(&q->ready, item);
	others = give_up(q);
	pthread_mutex_unlock(&q->keep_mtx);
	return others;
}

void keep_queue_add_again(struct keep_queue *q, struct keep_item *item)
{
	pthread_mutex_lock(&q->keep_mtx);
	item->insists = true;
	q->given_up--;
	list_append(&q->ready, item);
	pthread_mutex_unlock(&q->keep_mtx);
}

void keep_queue_run(struct keep_queue *q)
{
	struct keep_item *item;

	pthread_mutex_lock(&q->keep_mtx);
	if (q->keepers < q->keepers_max) {
		q->keepers++;
		while (q->ready.first) {
			item = list_take(&q->ready, &q->ready.first);
			pthread_mutex_unlock(&q->keep_mtx);
			item->run(item);
			pthread_mutex_lock(&q->keep_mtx);
		}
		q->keepers--;
	}
	pthread_mutex_unlock(&q->keep_mtx);
}

void keep_queue_leave(struct keep_queue *q, struct keep_item *item)
{
	pthread_mutex_lock(&q->keep_mtx);
	q->bytes -= item->bytes;
	item->bytes = 0;
	while (q->waiting.first && q->bytes < q->bytes_max) {
		struct keep_item *next = list_take(&q->waiting, &q->waiting.first);

		charge(q, next, next->asked);
		next->asked = 0;
		workers_add(q->workers, next->job, 0);
	}
	pthread_mutex_unlock(&q->keep_mtx);
}

bool keep_queue_is_behind(struct keep_queue *q)
{
	bool behind;

	pthread_mutex_lock(&q->keep_mtx);
	behind = q->ready.first != NULL;
	pthread_mutex_unlock(&q->keep_mtx);
	return behind;
}

uint64_t keep_queue_given_up(struct keep_queue *q)
{
	uint64_t count;

	pthread_mutex_lock(&q->keep_mtx);
	count = q->given_up;
	pthread_mutex_unlock(&q->keep_mtx);
	return count;
}
