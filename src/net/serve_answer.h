/* SPDX-License-Identifier: MIT */
/*
 * The answer to one request to the embedded server: which file of the store, its header
 * fields, its bytes or why not. Built only with libmicrohttpd; on its threads.
 */
#ifndef CAIRN_NET_SERVE_ANSWER_H
#define CAIRN_NET_SERVE_ANSWER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* What was answered. */
struct served {
	unsigned status; /* of HTTP; 0: nothing was */
	uint64_t size;	 /* bytes of the body */
};

/* Queues the answer. `store`: descriptor of its directory, borrowed; `url`: the path that
 * is asked for. MHD_NO: without memory; the connection is to be closed. */
enum MHD_Result serve_answer(struct MHD_Connection *connection, int store,
	const char *method, const char *url, struct served *served);

/* Has the request a body, or something that may be taken for the length of one? */
bool serve_has_body(struct MHD_Connection *connection);
/* Answers one that has, as soon as its head is there, and ends the connection: nothing is
 * waited for that nobody wants, and what servers on the way may see as the next request,
 * or not (RFC 9112, 11.2), is none. */
enum MHD_Result serve_refuse_body(
	struct MHD_Connection *connection, const char *method, struct served *served);

#endif
