/* SPDX-License-Identifier: MIT */
/*
 * The connections that the embedded server has open, so that who never asks keeps nobody
 * out: one that has not sent the headers of a request in time is shut down, and when an
 * address, or all together, have too many, the one that has been waited for longest goes,
 * rather than the newcomer. One whose request is being answered is never shut down for
 * others.
 *
 * Addresses are counted as IPv4 addresses and as IPv6 networks of 64 bits, which one host
 * has to itself (RFC 6177). Any thread. Shutting down is shutdown(2) only: the descriptor
 * stays its owner's, who calls serve_clients_closed() before closing it.
 */
#ifndef CAIRN_NET_SERVE_CLIENTS_H
#define CAIRN_NET_SERVE_CLIENTS_H

#include <stdint.h>
#include <sys/socket.h>

struct serve_client_limits {
	unsigned total, per_address; /* connections */
	int64_t header_ns;	     /* until the first request's headers are here */
	int64_t idle_ns;	     /* between two requests */
};

struct serve_clients;
struct serve_client;

/* NULL without memory. */
struct serve_clients *serve_clients_new(const struct serve_client_limits *limits);
/* When no client is left; NULL: nothing. */
void serve_clients_free(struct serve_clients *clients);

/* A new connection, waited for from `now` on; shuts down one too many, perhaps this one.
 * NULL without memory, after shutting it down. */
struct serve_client *serve_clients_opened(
	struct serve_clients *clients, int fd, const struct sockaddr *address, int64_t now);
/* Its request is here; its answer is sent. NULL: nothing, for both. */
void serve_clients_asked(struct serve_clients *clients, struct serve_client *client);
void serve_clients_answered(
	struct serve_clients *clients, struct serve_client *client, int64_t now);
/* Frees it. NULL: nothing. */
void serve_clients_closed(struct serve_clients *clients, struct serve_client *client);

/* Shuts down whoever is late at `now`; to be called about once a second. */
void serve_clients_sweep(struct serve_clients *clients, int64_t now);

#endif
