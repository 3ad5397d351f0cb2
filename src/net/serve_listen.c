/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/serve_listen.h"

#define BACKLOG 512

static int listen_at(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
	int yes = 1, no = 0, saved;

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The first address that works; IPv4 first, since that is what clients of "localhost"
 * try where IPv6 is off, and others fall back to it. */
static int listen_first(const struct addrinfo *list)
{
	static const int families[] = {AF_INET, AF_INET6};
	int fd;

	errno = EADDRNOTAVAIL;
	for (int i = 0; i < 2; i++)
		for (const struct addrinfo *a = list; a; a = a->ai_next) {
			if (a->ai_family != families[i])
				continue;
			fd = listen_at(a);
			if (fd >= 0)
				return fd;
		}
	return -1;
}

int serve_listen(const char *host, uint16_t port, int *out, struct trouble *t)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list;
	char service[8];
	int rc, fd;

	if (!host || !host[0])
		host = "0.0.0.0";
	snprintf(service, sizeof service, "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc)
		return trouble_set(
			t, ERR_INVALID, "cannot listen on %s: %s", host, gai_strerror(rc));
	fd = listen_first(list);
	if (fd < 0)
		rc = trouble_errno(t, "cannot listen on %s port %u", host, port);
	else
		*out = fd;
	freeaddrinfo(list);
	return rc;
}

uint16_t serve_listen_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v6 = {0}};
	socklen_t size = sizeof a;

	if (getsockname(fd, &a.any, &size) != 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}
