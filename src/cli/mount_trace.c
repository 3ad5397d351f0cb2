/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_trace.h"

#include <poll.h>
#include <stdlib.h>

#include "cli/json_output.h"
#include "format/json_byte_string.h"
#include "util/clock.h"

static int send_line(struct control_stream *s, json_t *line)
{
	int rc = control_stream_send(s, line);

	json_decref(line);
	return rc;
}

static json_t *event_json(const struct trace_event *e, int64_t begun)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:b}", "operation", "read", "path",
		json_byte_string(span_of(e->path, e->path_size)), "us",
		json_output_number((uint64_t)(e->at > begun ? (e->at - begun) / 1000 : 0)),
		"offset", json_output_number(e->offset), "size",
		json_output_number(e->size), "waited", e->waited);
}

static int send_events(
	struct control_stream *s, struct trace_event *e, uint64_t lost, int64_t begun)
{
	struct trace_event *next;
	int rc = 0;

	for (; e; e = next) {
		next = e->next;
		if (!rc)
			rc = send_line(s, event_json(e, begun));
		free(e);
	}
	if (!rc && lost)
		rc = send_line(s, json_pack("{s:o}", "lost", json_output_number(lost)));
	return rc;
}

/* Until the other end goes, or the mount. */
static int trace_serve(
	struct trace *trace, struct trace_listener *l, struct control_stream *s)
{
	struct pollfd fds[] = {
		{.fd = control_stream_fd(s), .events = POLLIN},
		{.fd = trace_fd(l), .events = POLLIN},
	};
	int64_t begun = clock_monotonic();
	int rc = send_line(s, json_pack("{s:b}", "begun", 1));

	while (!rc) {
		struct trace_event *e;
		uint64_t lost;

		poll(fds, 2, -1);
		e = trace_take(trace, l, &lost);
		rc = send_events(s, e, lost, begun);
		if (fds[0].revents)
			break;
	}
	return rc;
}

int mount_trace(struct session *session, struct control_stream *s, struct trouble *t)
{
	struct trace *trace = session_trace(session);
	struct trace_listener l = {0};
	int rc = trace_join(trace, &l);

	if (rc)
		return trouble_errno(t, "no pipe");
	rc = trace_serve(trace, &l, s);
	trace_leave(trace, &l);
	return rc ? trouble_set(t, rc, "%s", error_text(rc)) : 0;
}
