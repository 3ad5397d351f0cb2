/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "line.h"

struct piece {
	struct piece *next;
	int64_t due;
	size_t sent, size;
	uint8_t data[];
};

static void drop_head(struct line *l)
{
	struct piece *p = l->head;

	l->head = p->next;
	if (!l->head)
		l->tail = NULL;
	l->held -= p->size - p->sent;
	free(p);
}

void line_release(struct line *l)
{
	while (l->head)
		drop_head(l);
}

int line_put(struct line *l, const void *data, size_t size, int64_t due)
{
	struct piece *p = malloc(sizeof(*p) + size);

	if (!p)
		return -1;
	*p = (struct piece){.due = due, .size = size};
	memcpy(p->data, data, size);
	if (l->tail)
		l->tail->next = p;
	else
		l->head = p;
	l->tail = p;
	l->held += size;
	return 0;
}

int64_t line_due(const struct line *l)
{
	return l->head ? l->head->due : NEVER;
}

int line_deliver(struct line *l, int fd, int64_t now)
{
	while (l->head && l->head->due <= now) {
		struct piece *p = l->head;
		ssize_t n = send(fd, p->data + p->sent, p->size - p->sent, MSG_NOSIGNAL);
		if (n < 0)
			return -1;
		p->sent += (size_t)n;
		l->held -= (size_t)n;
		if (p->sent == p->size)
			drop_head(l);
	}
	return 0;
}
