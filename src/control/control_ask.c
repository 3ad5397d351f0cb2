/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "control/control_ask.h"

#include <stdbool.h>
#include <unistd.h>

#include "control/control_line.h"
#include "util/clock.h"

#define HELLO_WAIT NS_PER_SECOND

static int ask_receive(int fd, int64_t wait, struct bytes *rest, const char *name,
	json_t **out, struct trouble *t)
{
	int rc = control_receive(fd, clock_monotonic() + wait, rest, out);

	if (rc == ERR_TIMEOUT)
		return trouble_set(t, rc,
			"the mount on %s does not answer: its process hangs or is stopped",
			name);
	if (rc)
		return trouble_set(t, ERR_UNREACHABLE,
			"the mount on %s has ended without an answer", name);
	return 0;
}

static int ask_send(int fd, const char *command)
{
	json_t *request = json_object();
	int rc = ERR_NO_MEMORY;

	if (request && !json_object_set_new(request, "command", json_string(command)))
		rc = control_send(fd, request);
	json_decref(request);
	return rc;
}

/* What the mount could not do. */
static int reply_error(const json_t *reply, struct trouble *t)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	json_int_t code = json_integer_value(json_object_get(reply, "code"));

	if (!error)
		return 0;
	return trouble_set(
		t, code < 0 && code > INT16_MIN ? (int)code : ERR_IO, "%s", error);
}

static int ask_connected(int fd, const char *name, const char *command, int64_t wait,
	json_t **reply, struct trouble *t)
{
	struct bytes rest = {0};
	json_t *answer = NULL;
	int rc = ask_receive(fd, HELLO_WAIT, &rest, name, &answer, t);

	if (!rc) {
		json_decref(answer);
		rc = ask_send(fd, command);
		if (rc)
			trouble_set(t, rc, "the mount on %s cannot be asked: %s", name,
				error_text(rc));
		else
			rc = ask_receive(fd, wait, &rest, name, &answer, t);
		if (!rc) {
			rc = reply_error(answer, t);
			if (rc)
				json_decref(answer);
			else
				*reply = answer;
		}
	}
	bytes_release(&rest);
	return rc;
}

int control_ask(const char *path, const char *name, const char *command, int64_t wait,
	json_t **reply, struct trouble *t)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return trouble_errno(t, "no socket");
	if (control_at(fd, path, connect)) {
		trouble_errno(t, "the mount on %s cannot be asked", name);
		rc = trouble_set(t, ERR_UNREACHABLE, "%s", t->text);
	} else {
		rc = ask_connected(fd, name, command, wait, reply, t);
	}
	close(fd);
	return rc;
}
