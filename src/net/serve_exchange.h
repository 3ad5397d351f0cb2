/* SPDX-License-Identifier: MIT */
/*
 * What libmicrohttpd tells about connections and requests, and what is done about it: the
 * answer is given, the client is watched (net/serve_clients.h), the access log gets its
 * line. Built only with libmicrohttpd; its callbacks, on its threads.
 */
#ifndef CAIRN_NET_SERVE_EXCHANGE_H
#define CAIRN_NET_SERVE_EXCHANGE_H

#include <microhttpd.h>

#include "net/access_log.h"
#include "net/serve_clients.h"

/* Lives as long as the daemon. */
struct serve_exchanges {
	int store; /* directory */
	struct serve_clients *clients;
	struct access_log *access; /* NULL: none is kept */
};

/* An MHD_NotifyConnectionCallback, an MHD_AccessHandlerCallback and an
 * MHD_RequestCompletedCallback; `arg` is a struct serve_exchanges. */
void serve_exchange_connection(void *arg, struct MHD_Connection *connection,
	void **connection_state, enum MHD_ConnectionNotificationCode what);
enum MHD_Result serve_exchange_request(void *arg, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **request_state);
void serve_exchange_completed(void *arg, struct MHD_Connection *connection,
	void **request_state, enum MHD_RequestTerminationCode how);

#endif
