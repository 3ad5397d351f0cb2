/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/serve_clients.h"

#define NETWORK_SIZE 8 /* bytes of an IPv6 address that one host has to itself */

struct serve_client {
	struct serve_client *next, *previous;
	int fd;
	uint8_t address[16]; /* IPv4 as it is mapped into IPv6 (RFC 4291) */
	bool waited_for;     /* for the headers of a request */
	bool asked_before;
	bool shut;
	int64_t since; /* when the wait began */
};

struct serve_clients {
	struct serve_client_limits limits;
	pthread_mutex_t clients_mtx;  /* all below, and each client; leaf */
	struct serve_client *clients; /* in no order */
};

struct serve_clients *serve_clients_new(const struct serve_client_limits *limits)
{
	struct serve_clients *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->limits = *limits;
	pthread_mutex_init(&c->clients_mtx, NULL);
	return c;
}

void serve_clients_free(struct serve_clients *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->clients_mtx);
	free(c);
}

static void address_key(const struct sockaddr *address, uint8_t key[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(key, 0, 16);
	if (address && address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof v4);
		memcpy(key, mapped, sizeof mapped);
		memcpy(key + sizeof mapped, &v4.sin_addr, 4);
	} else if (address && address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof v6);
		memcpy(key, &v6.sin6_addr,
			IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? 16 : NETWORK_SIZE);
	}
}

static void client_shut(struct serve_client *client)
{
	client->shut = true;
	shutdown(client->fd, SHUT_RDWR);
}

/* One that is counted: who was shut down is as good as gone. */
static bool client_counts(const struct serve_client *client, const uint8_t *address)
{
	return !client->shut && (!address || !memcmp(client->address, address, 16));
}

/* With too many of `address` (NULL: of all), the one waited for longest goes; else the
 * newcomer, when there is nobody to wait for. */
static void clients_make_room(struct serve_clients *c, const uint8_t *address,
	unsigned limit, struct serve_client *newcomer)
{
	struct serve_client *oldest = NULL;
	unsigned count = 0;

	for (struct serve_client *i = c->clients; i; i = i->next) {
		if (!client_counts(i, address))
			continue;
		count++;
		if (i != newcomer && i->waited_for && (!oldest || i->since < oldest->since))
			oldest = i;
	}
	if (count > limit)
		client_shut(oldest ? oldest : newcomer);
}

struct serve_client *serve_clients_opened(
	struct serve_clients *c, int fd, const struct sockaddr *address, int64_t now)
{
	struct serve_client *client = calloc(1, sizeof *client);

	if (!client) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	client->fd = fd;
	client->waited_for = true;
	client->since = now;
	address_key(address, client->address);
	pthread_mutex_lock(&c->clients_mtx);
	client->next = c->clients;
	if (client->next)
		client->next->previous = client;
	c->clients = client;
	clients_make_room(c, client->address, c->limits.per_address, client);
	if (!client->shut)
		clients_make_room(c, NULL, c->limits.total, client);
	pthread_mutex_unlock(&c->clients_mtx);
	return client;
}

void serve_clients_asked(struct serve_clients *c, struct serve_client *client)
{
	if (!client)
		return;
	pthread_mutex_lock(&c->clients_mtx);
	client->waited_for = false;
	client->asked_before = true;
	pthread_mutex_unlock(&c->clients_mtx);
}

void serve_clients_answered(
	struct serve_clients *c, struct serve_client *client, int64_t now)
{
	if (!client)
		return;
	pthread_mutex_lock(&c->clients_mtx);
	client->waited_for = true;
	client->since = now;
	pthread_mutex_unlock(&c->clients_mtx);
}

void serve_clients_closed(struct serve_clients *c, struct serve_client *client)
{
	if (!client)
		return;
	pthread_mutex_lock(&c->clients_mtx);
	if (client->previous)
		client->previous->next = client->next;
	else
		c->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	pthread_mutex_unlock(&c->clients_mtx);
	free(client);
}

void serve_clients_sweep(struct serve_clients *c, int64_t now)
{
	pthread_mutex_lock(&c->clients_mtx);
	for (struct serve_client *i = c->clients; i; i = i->next) {
		int64_t limit = i->asked_before ? c->limits.idle_ns : c->limits.header_ns;

		if (i->waited_for && !i->shut && now - i->since > limit)
			client_shut(i);
	}
	pthread_mutex_unlock(&c->clients_mtx);
}
