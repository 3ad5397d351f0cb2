/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "control/control_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

#define SEND_WAIT 2000 /* ms for an end that takes nothing: it is stopped */

/* Bytes that the other end took; negative: none, or it is gone. */
static ssize_t send_some(int fd, const struct bytes *text, size_t sent)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int ready = poll(&p, 1, SEND_WAIT);
	ssize_t n = -1;

	if (ready > 0)
		n = send(fd, text->data + sent, text->size - sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 && ready != 0 && (errno == EINTR || errno == EAGAIN) ? 0 : n;
}

int control_send(int fd, const json_t *object)
{
	struct bytes text = {0};
	int rc = json_canonical(object, &text);
	size_t sent = 0;

	if (!rc)
		rc = bytes_append_string(&text, "\n");
	while (!rc && sent < text.size) {
		ssize_t n = send_some(fd, &text, sent);

		if (n < 0)
			rc = ERR_UNREACHABLE;
		else
			sent += (size_t)n;
	}
	bytes_release(&text);
	return rc;
}

/* Takes the first line off *rest: 0, or ERR_ABSENT when there is no whole one. */
static int take_first(struct bytes *rest, json_t **out)
{
	uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->data) : 0;
	int rc;

	if (!end)
		return ERR_ABSENT;
	rc = json_parse_large(span_of(rest->data, size), out, NULL);
	memmove(rest->data, end + 1, rest->size - size - 1);
	rest->size -= size + 1;
	return rc;
}

/* Milliseconds for poll(). */
static int time_left(int64_t deadline)
{
	int64_t left = deadline - clock_monotonic();

	if (!deadline)
		return -1;
	return left > 0 ? (int)((left + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static int receive_more(int fd, int64_t deadline, struct bytes *rest)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buffer[4096];
	ssize_t n;
	int ready = poll(&p, 1, time_left(deadline));

	if (ready == 0)
		return ERR_TIMEOUT;
	n = ready > 0 ? recv(fd, buffer, sizeof buffer, 0) : -1;
	if (n < 0)
		return errno == EINTR ? 0 : ERR_UNREACHABLE;
	if (n == 0)
		return ERR_ABSENT;
	if (rest->size + (size_t)n > CONTROL_LINE_MAX)
		return ERR_LIMIT;
	return bytes_append(rest, buffer, (size_t)n);
}

int control_receive(int fd, int64_t deadline, struct bytes *rest, json_t **out)
{
	int rc;

	while ((rc = take_first(rest, out)) == ERR_ABSENT) {
		rc = receive_more(fd, deadline, rest);
		if (rc)
			return rc;
	}
	return rc;
}

/* An address has room for 107 bytes: a longer path goes by its directory. */
int control_at(int fd, const char *path, control_at_fn call)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *slash = strrchr(path, '/');
	char *directory = strndup(path, slash ? (size_t)(slash + 1 - path) : 0);
	int dir = -1, rc = -1, errnum;

	if (!directory)
		return -1;
	if (strlen(path) >= sizeof address.sun_path)
		dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s",
			dir, slash + 1);
	else
		snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	rc = call(fd, (const struct sockaddr *)&address, sizeof address);
	errnum = errno;
	if (dir >= 0)
		close(dir);
	free(directory);
	errno = errnum;
	return rc;
}
