/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "net/serve_answer.h"
#include "net/serve_exchange.h"
#include "util/clock.h"

/* One request and its answer. */
struct exchange {
	struct served served;
	char *method, *url, *version; /* for the access log, else NULL */
};

static void exchange_free(struct exchange *e)
{
	if (!e)
		return;
	free(e->method);
	free(e->url);
	free(e->version);
	free(e);
}

static struct exchange *exchange_new(const struct serve_exchanges *x, const char *method,
	const char *url, const char *version)
{
	struct exchange *e = calloc(1, sizeof *e);

	if (!e || !x->access)
		return e;
	e->method = strdup(method);
	e->url = strdup(url);
	e->version = strdup(version);
	if (e->method && e->url && e->version)
		return e;
	exchange_free(e);
	return NULL;
}

static struct serve_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static const struct sockaddr *address_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

void serve_exchange_connection(void *arg, struct MHD_Connection *connection,
	void **connection_state, enum MHD_ConnectionNotificationCode what)
{
	struct serve_exchanges *x = arg;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		serve_clients_closed(x->clients, *connection_state);
		*connection_state = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		*connection_state = serve_clients_opened(x->clients, info->connect_fd,
			address_of(connection), clock_monotonic());
}

enum MHD_Result serve_exchange_request(void *arg, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **request_state)
{
	struct serve_exchanges *x = arg;
	struct exchange *e = *request_state;

	(void)upload;
	/* The first call has but the headers; an answer to it closes the connection. */
	if (!e) {
		*request_state = e = exchange_new(x, method, url, version);
		serve_clients_asked(x->clients, client_of(connection));
		if (e && serve_has_body(connection))
			return serve_refuse_body(connection, method, &e->served);
		return e ? MHD_YES : MHD_NO;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	return serve_answer(connection, x->store, method, url, &e->served);
}

static void exchange_log(const struct serve_exchanges *x, struct MHD_Connection *connection,
	const struct exchange *e, bool whole)
{
	struct access_line line = {
		.address = address_of(connection),
		.method = e->method,
		.url = e->url,
		.version = e->version,
		.status = e->served.status,
		.size = e->served.size,
		.whole = whole,
		.seconds = clock_realtime() / NS_PER_SECOND,
	};

	access_log_write(x->access, &line);
}

void serve_exchange_completed(void *arg, struct MHD_Connection *connection,
	void **request_state, enum MHD_RequestTerminationCode how)
{
	struct serve_exchanges *x = arg;
	struct exchange *e = *request_state;

	serve_clients_answered(x->clients, client_of(connection), clock_monotonic());
	if (e && x->access)
		exchange_log(x, connection, e, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	exchange_free(e);
	*request_state = NULL;
}
