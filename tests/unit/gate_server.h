/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server over a directory, for tests of what waits for servers: it counts
 * requests, and while its gate is closed it takes them and does not answer. One thread
 * per connection, one request on each.
 */
#ifndef CAIRN_TESTS_GATE_SERVER_H
#define CAIRN_TESTS_GATE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "unit/small_store.h"

#define GATE_CONNECTIONS_MAX 4096

struct gate_server {
	const char *directory;
	const char *stale; /* instead of it for who does not say no-cache, or NULL */
	char url[64];
	int fd;
	pthread_t thread;
	pthread_t connections[GATE_CONNECTIONS_MAX];
	unsigned connection_count; /* the accepting thread's */
	pthread_mutex_t mtx;	   /* the fields below */
	pthread_cond_t cond;
	bool closed, stopping;
	unsigned requests;     /* that have come in */
	unsigned not_modified; /* answers of 304 */
	int status;	       /* answered to all; 0: as the files are */
};

struct gate_connection {
	struct gate_server *server;
	int fd;
};

/* The path of the request; false when there is none. */
static inline bool gate_read(int fd, char *head, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size - 1 && (n = read(fd, head + got, size - 1 - got)) > 0) {
		got += (size_t)n;
		head[got] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return strncmp(head, "GET /", 5) == 0;
	}
	return false;
}

static inline void gate_answer(
	int fd, int status, const struct bytes *body, const char *etag)
{
	char head[256];
	size_t size = status == 304 ? 0 : body->size;
	int n = snprintf(head, sizeof(head),
		"HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s%s%s\r\n",
		status, size, etag ? "ETag: " : "", etag ? etag : "", etag ? "\r\n" : "");

	if (send(fd, head, (size_t)n, MSG_NOSIGNAL) == n && size > 0)
		for (size_t done = 0; done < size;) {
			ssize_t sent = send(
				fd, body->data + done, size - done, MSG_NOSIGNAL);

			if (sent <= 0)
				break;
			done += (size_t)sent;
		}
	shutdown(fd, SHUT_WR);
}

/* Its ETag is the file's digest. */
static inline void gate_serve(struct gate_server *s, int fd, char *head)
{
	char path[2 * PATH_SIZE_MAX], etag[DIGEST_HEX_SIZE + 2], hex[DIGEST_HEX_SIZE];
	char *name = head + 5, *rest = strchr(name, ' ');
	struct bytes body = {0};
	struct digest digest;
	int status = 200;

	*rest++ = '\0';
	pthread_mutex_lock(&s->mtx);
	s->requests++;
	pthread_cond_broadcast(&s->cond);
	while (s->closed && !s->stopping)
		pthread_cond_wait(&s->cond, &s->mtx);
	if (s->status)
		status = s->status;
	pthread_mutex_unlock(&s->mtx);
	snprintf(path, sizeof(path), "%s/%s",
		s->stale && !strcasestr(rest, "no-cache") ? s->stale : s->directory, name);
	if (status == 200 && io_read_file(AT_FDCWD, path, 1u << 24, &body))
		status = 404;
	digest = digest_of(body.data, body.size);
	digest_to_hex(&digest, hex);
	snprintf(etag, sizeof(etag), "\"%s\"", hex);
	if (status == 200 && strstr(rest, hex)) {
		status = 304;
		pthread_mutex_lock(&s->mtx);
		s->not_modified++;
		pthread_mutex_unlock(&s->mtx);
	}
	gate_answer(fd, status, &body, status < 400 ? etag : NULL);
	bytes_release(&body);
}

static inline void *gate_connection(void *arg)
{
	struct gate_connection c = *(struct gate_connection *)arg;
	char head[8192];

	free(arg);
	if (gate_read(c.fd, head, sizeof(head)))
		gate_serve(c.server, c.fd, head);
	close(c.fd);
	return NULL;
}

static inline void *gate_accept(void *arg)
{
	struct gate_server *s = arg;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		struct gate_connection *c;

		if (fd < 0)
			return NULL;
		c = malloc(sizeof(*c));
		*c = (struct gate_connection){s, fd};
		if (s->connection_count == GATE_CONNECTIONS_MAX ||
			pthread_create(&s->connections[s->connection_count], NULL,
				gate_connection, c))
			abort();
		s->connection_count++;
	}
}

static inline struct gate_server *gate_new(const char *directory)
{
	struct gate_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	assert_non_null(s);
	s->directory = directory;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(s->fd, 128), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &size), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	pthread_mutex_init(&s->mtx, NULL);
	pthread_cond_init(&s->cond, NULL);
	assert_int_equal(pthread_create(&s->thread, NULL, gate_accept, s), 0);
	return s;
}

static inline void gate_set(struct gate_server *s, bool closed)
{
	pthread_mutex_lock(&s->mtx);
	s->closed = closed;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mtx);
}

static inline void gate_set_status(struct gate_server *s, int status)
{
	pthread_mutex_lock(&s->mtx);
	s->status = status;
	pthread_mutex_unlock(&s->mtx);
}

static inline unsigned gate_requests(struct gate_server *s)
{
	unsigned requests;

	pthread_mutex_lock(&s->mtx);
	requests = s->requests;
	pthread_mutex_unlock(&s->mtx);
	return requests;
}

/* Until that many have come in, in all. */
static inline void gate_await(struct gate_server *s, unsigned requests)
{
	pthread_mutex_lock(&s->mtx);
	while (s->requests < requests)
		pthread_cond_wait(&s->cond, &s->mtx);
	pthread_mutex_unlock(&s->mtx);
}

static inline void gate_free(struct gate_server *s)
{
	pthread_mutex_lock(&s->mtx);
	s->stopping = true;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mtx);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (unsigned i = 0; i < s->connection_count; i++)
		pthread_join(s->connections[i], NULL);
	pthread_mutex_destroy(&s->mtx);
	pthread_cond_destroy(&s->cond);
	free(s);
}

#endif
