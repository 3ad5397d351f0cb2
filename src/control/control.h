/* SPDX-License-Identifier: MIT */
/*
 * The socket by which others ask a running mount: a line of JSON each way, as
 * doc/decisions/following.md has them. Whoever connects hears at once that somebody is
 * there; a command may take its time. A thread of its own takes connections, and has one
 * for each.
 */
#ifndef CAIRN_CONTROL_CONTROL_H
#define CAIRN_CONTROL_CONTROL_H

#include <jansson.h>

#include "util/error.h"

/* To who asks for more than a reply. */
struct control_stream;
/* One line more, an object without the members "error" and "end". Blocks for as long as the
 * other end takes nothing. ERR_UNREACHABLE: it is gone, or the mount ends. */
int control_stream_send(struct control_stream *s, const json_t *line);
/* For poll(2): readable once the other end is gone, or the mount ends. */
int control_stream_fd(const struct control_stream *s);

/* Non-zero with a sentence: that is the answer. Any thread; several at a time. */
struct control_command {
	const char *name; /* NULL ends the table */
	/* `reply` is an empty object to be filled in. */
	int (*run)(void *ctx, json_t *reply, struct trouble *t);
	/* Instead: sends lines, as many as it likes; {"end": true} follows. */
	int (*stream)(void *ctx, const json_t *request, struct control_stream *s,
		struct trouble *t);
};

struct control;
/* Listens at that path, in a directory that is only this user's; what was there goes.
 * `commands` and `ctx` are borrowed. With a sentence. */
int control_new(const char *path, const struct control_command *commands, void *ctx,
	struct control **out, struct trouble *t);
/* Commands that are under way have been ended, or are waited for. May be NULL. */
void control_free(struct control *c);

#endif
