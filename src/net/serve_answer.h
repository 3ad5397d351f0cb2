/* SPDX-License-Identifier: MIT */
/*
 * The answer to one request to the embedded server: which file of the store, its header
 * fields, its bytes or why not. Built only with libmicrohttpd; on its threads.
 */
#ifndef CAIRN_NET_SERVE_ANSWER_H
#define CAIRN_NET_SERVE_ANSWER_H

#include <microhttpd.h>
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

#endif
