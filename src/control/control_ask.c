/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "control/control_ask.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/time.h>
#include <unistd.h>

#include "control/control_line.h"
#include "util/clock.h"

#define HELLO_WAIT NS_PER_SECOND

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

static int ask_hangs(const char *name, struct trouble *t)
{
	return trouble_set(t, ERR_TIMEOUT,
		"the mount on %s does not answer: its process hangs or is stopped", name);
}

static int ask_line(int fd, const char *name, int64_t wait, struct bytes *rest,
	json_t **out, struct trouble *t)
{
	int64_t deadline = wait ? clock_monotonic() + wait : 0;
	json_t *line;
	int rc = control_receive(fd, deadline, rest, &line);

	if (rc == ERR_TIMEOUT)
		return ask_hangs(name, t);
	if (rc)
		return trouble_set(t, ERR_UNREACHABLE,
			"the mount on %s has ended without an answer", name);
	rc = reply_error(line, t);
	if (rc)
		json_decref(line);
	else
		*out = line;
	return rc;
}

/* Hears that somebody is there, and asks. */
static int ask_begin(int fd, const char *name, const json_t *request, struct bytes *rest,
	struct trouble *t)
{
	json_t *hello = NULL;
	int rc = ask_line(fd, name, HELLO_WAIT, rest, &hello, t);

	if (rc)
		return rc;
	json_decref(hello);
	rc = request ? control_send(fd, request) : ERR_NO_MEMORY;
	if (rc)
		trouble_set(
			t, rc, "the mount on %s cannot be asked: %s", name, error_text(rc));
	return rc;
}

/* Of a connect() that failed, with errno. */
static int connect_trouble(const char *name, struct trouble *t)
{
	if (errno == EAGAIN)
		return ask_hangs(name, t);
	if (errno == ECONNREFUSED)
		return trouble_set(t, ERR_UNREACHABLE,
			"the process of the mount on %s is gone: cairn umount %s, if it is "
			"still there",
			name, name);
	trouble_errno(t, "the mount on %s cannot be asked", name);
	return trouble_set(t, ERR_UNREACHABLE, "%s", t->text);
}

/* Who is stopped takes no more connections at some time. */
static int ask_connect(const char *path, const char *name, int *out, struct trouble *t)
{
	const struct timeval wait = {.tv_sec = HELLO_WAIT / NS_PER_SECOND};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return trouble_errno(t, "no socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (control_at(fd, path, connect)) {
		rc = connect_trouble(name, t);
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

int control_ask_lines(const char *path, const char *name, const json_t *request,
	int64_t wait, control_line_fn each, void *ctx, struct trouble *t)
{
	struct bytes rest = {0};
	bool end = false;
	json_t *line;
	int fd = -1, rc = ask_connect(path, name, &fd, t);

	if (rc)
		return rc;
	rc = ask_begin(fd, name, request, &rest, t);
	while (!rc && !end) {
		rc = ask_line(fd, name, wait, &rest, &line, t);
		if (rc)
			break;
		end = json_is_true(json_object_get(line, "end"));
		if (!end)
			rc = each(ctx, line);
		json_decref(line);
	}
	bytes_release(&rest);
	close(fd);
	return rc;
}

int control_ask(const char *path, const char *name, const char *command, int64_t wait,
	json_t **reply, struct trouble *t)
{
	json_t *request = json_pack("{s:s}", "command", command);
	struct bytes rest = {0};
	int fd = -1, rc = ask_connect(path, name, &fd, t);

	if (!rc) {
		rc = ask_begin(fd, name, request, &rest, t);
		if (!rc)
			rc = ask_line(fd, name, wait, &rest, reply, t);
		close(fd);
	}
	bytes_release(&rest);
	json_decref(request);
	return rc;
}
