/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>
#include <stddef.h>

#include "net/fetch_list.h"

void fetch_list_append(struct fetch_list *list, struct fetch *fetch)
{
	struct fetch_state *s = &fetch->state;

	assert(!s->list);
	s->list = list;
	s->next = NULL;
	s->previous = list->last;
	if (list->last)
		list->last->state.next = fetch;
	else
		list->first = fetch;
	list->last = fetch;
	list->count++;
}

void fetch_list_prepend(struct fetch_list *list, struct fetch *fetch)
{
	struct fetch_state *s = &fetch->state;

	assert(!s->list);
	s->list = list;
	s->previous = NULL;
	s->next = list->first;
	if (list->first)
		list->first->state.previous = fetch;
	else
		list->last = fetch;
	list->first = fetch;
	list->count++;
}

void fetch_list_remove(struct fetch *fetch)
{
	struct fetch_state *s = &fetch->state;
	struct fetch_list *list = s->list;

	if (!list)
		return;
	if (s->previous)
		s->previous->state.next = s->next;
	else
		list->first = s->next;
	if (s->next)
		s->next->state.previous = s->previous;
	else
		list->last = s->previous;
	s->list = NULL;
	s->next = s->previous = NULL;
	list->count--;
}
