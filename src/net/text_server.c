/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/text_server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "net/serve_listen.h"

#define TEXT_CONNECTIONS 16u
#define TEXT_IDLE_SECONDS 10u

struct text_server {
	struct text_server_options options;
	struct MHD_Daemon *daemon;
	uint16_t port;
};

/* Takes `r` over. */
static enum MHD_Result text_queue(
	struct MHD_Connection *connection, unsigned status, struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result text_refuse(
	struct MHD_Connection *connection, unsigned status, const char *words)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_PERSISTENT);

	if (r && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return text_queue(connection, status, r);
}

static enum MHD_Result text_make(
	const struct text_server *s, struct MHD_Connection *connection)
{
	struct MHD_Response *r;
	size_t size;
	char *text;

	if (s->options.make(s->options.ctx, &text, &size))
		return text_refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			"there is no memory for it\n");
	r = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	if (r)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, s->options.type);
	else
		free(text);
	return text_queue(connection, MHD_HTTP_OK, r);
}

static enum MHD_Result text_request(void *arg, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **state)
{
	const struct text_server *s = arg;

	(void)version, (void)upload, (void)state;
	if (*upload_size) { /* nobody wants it */
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return text_refuse(
			connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, s->options.path))
		return text_refuse(
			connection, MHD_HTTP_NOT_FOUND, "there is nothing but /metrics\n");
	return text_make(s, connection);
}

/* `fd` becomes libmicrohttpd's, also when it cannot start. Signals are for the threads that
 * wait for them. */
static void text_start(struct text_server *s, int fd)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL,
		text_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		TEXT_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, TEXT_IDLE_SECONDS,
		MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int text_server_start(const struct text_server_options *options, struct text_server **out,
	struct trouble *t)
{
	struct text_server *s = calloc(1, sizeof *s);
	int fd, rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	s->options = *options;
	rc = serve_listen(options->host, options->port, &fd, t);
	if (!rc) {
		s->port = serve_listen_port(fd);
		text_start(s, fd);
		if (!s->daemon)
			rc = trouble_set(t, ERR_IO,
				"the server on port %u could not be started", s->port);
	}
	if (rc)
		free(s);
	else
		*out = s;
	return rc;
}

uint16_t text_server_port(const struct text_server *s)
{
	return s->port;
}

void text_server_stop(struct text_server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}
