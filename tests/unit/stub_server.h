/* SPDX-License-Identifier: MIT */
/*
 * An HTTP server that misbehaves as its paths say, for tests of what talks to servers. One
 * thread per connection; connections are kept where the answer allows it. With TLS when
 * it is given a directory with cert.pem and key.pem.
 */
#ifndef CAIRN_TESTS_STUB_SERVER_H
#define CAIRN_TESTS_STUB_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "unit/await.h"
#include "util/clock.h"

#define STUB_CONNECTIONS_MAX 256
#define STUB_ETAG "\"one\""

struct stub_server {
	char url[64];
	uint16_t port;
	int fd;
	SSL_CTX *tls;
	char target[256]; /* what /redirect... answers as its Location */
	pthread_t thread;
	pthread_t threads[STUB_CONNECTIONS_MAX];
	unsigned thread_count; /* the accepting thread's; connections ever made */
	pthread_mutex_t mtx;   /* the fields below */
	pthread_cond_t cond;
	bool stopping, gate_open; /* the gate holds up /gate/... */
	unsigned slots; /* connections served at a time, each until it ends; 0: all. Set
			   before the first one */
	unsigned taken; /* of them */
	/* Written under the lock, read by tests without it. */
	_Atomic unsigned connections, requests, open, open_most;
	int64_t limited_until; /* CLOCK_MONOTONIC ns */
	unsigned refused;      /* of /limited */
	unsigned certificates; /* connections whose client showed one */
	size_t sent;	       /* bytes of bodies, by /body and /pace */
	char order[64];	       /* the last letter of each path /gate/..., as they came */
};

struct stub_connection {
	struct stub_server *server;
	int fd;
	SSL *ssl;
	char head[8192];
};

static inline bool stub_write(struct stub_connection *c, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, at, (int)size)
				   : send(c->fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static inline bool stub_say(struct stub_connection *c, const char *text)
{
	return stub_write(c, text, strlen(text));
}

/* A whole answer; `headers` with their line ends. */
static inline bool stub_answer(
	struct stub_connection *c, int status, const char *headers, const char *body)
{
	char head[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n%s\r\n",
		status, strlen(body), headers);
	/* Those have none: it would be taken for the next answer's head. */
	return stub_say(c, head) && (status == 204 || status == 304 || stub_say(c, body));
}

static inline bool stub_stopping(struct stub_server *s)
{
	bool stopping;

	pthread_mutex_lock(&s->mtx);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->mtx);
	return stopping;
}

/* Nothing more, until the client goes away or the test ends. */
static inline bool stub_hang(struct stub_connection *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	while (!stub_stopping(c->server))
		if (poll(&p, 1, 20) > 0)
			break;
	return false;
}

static inline bool stub_drip(struct stub_connection *c)
{
	stub_say(c, "HTTP/1.1 200 x\r\nContent-Length: 1000\r\n\r\n");
	while (!stub_stopping(c->server) && stub_say(c, "x"))
		usleep(20000);
	return false;
}

static inline bool stub_reset(struct stub_connection *c)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return false;
}

/* Chunks without end. */
static inline bool stub_flood(struct stub_connection *c)
{
	char chunk[4 + 2 + 0x1000 + 2];

	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk, "1000\r\n", 6);
	memcpy(chunk + sizeof(chunk) - 2, "\r\n", 2);
	stub_say(c, "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (!stub_stopping(c->server) && stub_write(c, chunk, sizeof(chunk)))
		;
	return false;
}

static inline bool stub_gate(struct stub_connection *c, const char *path)
{
	struct stub_server *s = c->server;
	size_t n;

	pthread_mutex_lock(&s->mtx);
	n = strlen(s->order);
	if (n + 1 < sizeof(s->order))
		s->order[n] = path[strlen(path) - 1];
	while (!s->gate_open && !s->stopping)
		pthread_cond_wait(&s->cond, &s->mtx);
	pthread_mutex_unlock(&s->mtx);
	return stub_answer(c, 200, "", "gate");
}

/* "/limited/MS...": one request in so many milliseconds, the others get 429. */
static inline bool stub_limited(struct stub_connection *c, const char *path)
{
	struct stub_server *s = c->server;
	int64_t now = clock_monotonic();
	bool good;

	pthread_mutex_lock(&s->mtx);
	good = now >= s->limited_until;
	if (good)
		s->limited_until = now + atoi(path + 9) * NS_PER_MS;
	s->refused += !good;
	pthread_mutex_unlock(&s->mtx);
	return good ? stub_answer(c, 200, "", "good") : stub_answer(c, 429, "", "no");
}

/* "/pause/SECONDS": asks to be left alone. */
static inline bool stub_pause(struct stub_connection *c, const char *path)
{
	char header[64];
	time_t until = time(NULL) + atoi(path + 7);

	if (path[strlen(path) - 1] == 'd')
		strftime(header, sizeof(header),
			"Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&until));
	else
		snprintf(header, sizeof(header), "Retry-After: %d\r\n", atoi(path + 7));
	return stub_answer(c, 503, header, "no");
}

/* "/fail/STATUS/TIMES...": that status so many times in all, then 200. */
static inline bool stub_fail(struct stub_connection *c, const char *path, unsigned requests)
{
	int status = 0;
	unsigned times = 0;

	sscanf(path, "/fail/%d/%u", &status, &times);
	if (requests > times)
		return stub_answer(c, 200, "", "at last");
	return stub_answer(c, status, status == 429 ? "Retry-After: 1\r\n" : "", "no");
}

/* What /body and /pace send: byte number i. */
static inline char stub_byte(size_t i)
{
	return (char)('a' + i * i % 23);
}

static inline bool stub_send_body(struct stub_connection *c, size_t from, size_t to)
{
	char data[1024];
	size_t n;

	for (; from < to; from += n) {
		n = to - from < sizeof data ? to - from : sizeof data;
		for (size_t i = 0; i < n; i++)
			data[i] = stub_byte(from + i);
		/* Before the client has it, and looks. */
		pthread_mutex_lock(&c->server->mtx);
		c->server->sent += n;
		pthread_mutex_unlock(&c->server->mtx);
		if (!stub_write(c, data, n))
			return false;
	}
	return true;
}

/* "/body/SIZE/CUT/TIMES/MODE": the first so many answers of all break off after CUT bytes.
 * What MODE makes of a Range: 'r' it is honoured, 'i' ignored, 'w' the answer begins
 * elsewhere, 'n' cannot be satisfied. */
static inline bool stub_body(struct stub_connection *c, const char *path, unsigned requests)
{
	const char *range = strstr(c->head, "Range: bytes=");
	size_t size, cut, from = 0, last, end;
	unsigned times;
	char mode, head[256];

	if (sscanf(path, "/body/%zu/%zu/%u/%c", &size, &cut, &times, &mode) != 4)
		return false;
	if (range && mode == 'n')
		return stub_answer(c, 416, "", "no");
	if (range && mode != 'i')
		from = (size_t)atol(range + 13) - (mode == 'w');
	end = range && mode == 'r' && sscanf(range, "Range: bytes=0-%zu", &last) == 1 &&
			      last < size
		      ? last + 1
		      : size;
	if (range && mode != 'i')
		snprintf(head, sizeof head,
			"HTTP/1.1 206 x\r\nContent-Length: %zu\r\n"
			"Content-Range: bytes %zu-%zu/%zu\r\n\r\n",
			end - from, from, end - 1, size);
	else
		snprintf(head, sizeof head, "HTTP/1.1 200 x\r\nContent-Length: %zu\r\n\r\n",
			size);
	if (!stub_say(c, head))
		return false;
	if (requests <= times && cut < size - from) {
		stub_send_body(c, from, from + cut);
		return false;
	}
	return stub_send_body(c, from, end);
}

/* "/pace/SIZE/STEP": STEP bytes every 20 ms. */
static inline bool stub_pace(struct stub_connection *c, const char *path)
{
	size_t size, step;
	char head[128];

	if (sscanf(path, "/pace/%zu/%zu", &size, &step) != 2)
		return false;
	snprintf(head, sizeof head, "HTTP/1.1 200 x\r\nContent-Length: %zu\r\n\r\n", size);
	if (!stub_say(c, head))
		return false;
	for (size_t at = 0; at < size && !stub_stopping(c->server); at += step) {
		if (!stub_send_body(c, at, at + step < size ? at + step : size))
			return false;
		usleep(20000);
	}
	return true;
}

/* "/head/SIZE": one header line of that size. "/heads", "/interim": without end. */
static inline bool stub_head(struct stub_connection *c, const char *path)
{
	size_t size = 0;
	char line[1025];

	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	if (sscanf(path, "/head/%zu", &size) == 1) {
		stub_say(c, "HTTP/1.1 200 x\r\nContent-Length: 2\r\nX: ");
		for (; size > 0; size -= size < 1024 ? size : 1024)
			stub_write(c, line, size < 1024 ? size : 1024);
		return stub_say(c, "\r\n\r\nok");
	}
	if (!strcmp(path, "/heads"))
		stub_say(c, "HTTP/1.1 200 x\r\n");
	while (!stub_stopping(c->server))
		if (!stub_say(c, !strcmp(path, "/heads")
					 ? "X-Some: thing\r\n"
					 : "HTTP/1.1 103 x\r\nLink: </a>\r\n\r\n"))
			return false;
	return false;
}

static inline bool stub_etag(struct stub_connection *c)
{
	if (strstr(c->head, "If-None-Match: " STUB_ETAG))
		return stub_answer(c, 304, "ETag: " STUB_ETAG "\r\n", "");
	return stub_answer(c, 200, "ETag: " STUB_ETAG "\r\n", "tagged");
}

/* "/redirect/STATUS": with that one (default: 302). */
static inline bool stub_redirect(struct stub_connection *c, const char *path)
{
	char header[512];
	int status = 302;

	sscanf(path, "/redirect/%d", &status);
	snprintf(header, sizeof(header), "ETag: \"redirect\"\r\nLocation: %s\r\n",
		c->server->target);
	return stub_answer(c, status, header, "elsewhere");
}

/* A redirect whose body has no end. */
static inline bool stub_redirect_flood(struct stub_connection *c)
{
	char text[512];

	snprintf(text, sizeof(text),
		"HTTP/1.1 301 x\r\nLocation: %s\r\nConnection: close\r\n\r\n",
		c->server->target);
	stub_say(c, text);
	while (!stub_stopping(c->server) && stub_write(c, text, sizeof(text)))
		;
	return false;
}

/* "/said/http", "/said/tls": what nginx says with 400. */
static inline bool stub_said(struct stub_connection *c)
{
	const char *text = strstr(c->head, "/said/http")
				   ? "sent to HTTPS port"
				   : "No required SSL certificate was sent";

	return stub_answer(c, 400, "", text);
}

/* "/token/WORD": for who shows that bearer token. */
static inline bool stub_token(struct stub_connection *c, const char *path)
{
	char field[512];

	snprintf(field, sizeof(field), "\r\nAuthorization: Bearer %s\r\n", path + 7);
	return strstr(c->head, field) ? stub_answer(c, 200, "", "hello")
				      : stub_answer(c, 401, "", "who are you");
}

/* True when the connection can take another request. */
static inline bool stub_serve(
	struct stub_connection *c, const char *path, unsigned requests)
{
	if (!strncmp(path, "/ok", 3))
		return stub_answer(c, 200, "", "hello");
	if (!strcmp(path, "/echo"))
		return stub_answer(c, 200, "", c->head);
	if (!strcmp(path, "/etag"))
		return stub_etag(c);
	if (!strcmp(path, "/bad-etag"))
		return stub_answer(c, 200, "ETag: \"a\x01z\"\r\n", "hello");
	if (!strncmp(path, "/said/", 6))
		return stub_said(c);
	if (!strncmp(path, "/status/", 8))
		return stub_answer(c, atoi(path + 8), "", "as you like");
	if (!strncmp(path, "/token/", 7))
		return stub_token(c, path);
	if (!strncmp(path, "/fail/", 6))
		return stub_fail(c, path, requests);
	if (!strncmp(path, "/limited/", 9))
		return stub_limited(c, path);
	if (!strncmp(path, "/pause/", 7))
		return stub_pause(c, path);
	if (!strncmp(path, "/body/", 6))
		return stub_body(c, path, requests);
	if (!strncmp(path, "/head", 5) || !strcmp(path, "/interim"))
		return stub_head(c, path);
	if (!strncmp(path, "/pace/", 6))
		return stub_pace(c, path);
	if (!strncmp(path, "/gate/", 6))
		return stub_gate(c, path);
	if (!strcmp(path, "/redirect-flood"))
		return stub_redirect_flood(c);
	if (!strncmp(path, "/redirect", 9))
		return stub_redirect(c, path);
	if (!strcmp(path, "/reset"))
		return stub_reset(c);
	if (!strcmp(path, "/drip"))
		return stub_drip(c);
	if (!strcmp(path, "/flood"))
		return stub_flood(c);
	if (!strcmp(path, "/long"))
		return stub_say(c,
			       "HTTP/1.1 200 x\r\nContent-Length: 9999999999\r\n\r\nx") &&
		       stub_hang(c);
	if (!strcmp(path, "/truncated"))
		return stub_say(c, "HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\nhalf") &&
		       false;
	if (!strcmp(path, "/stall"))
		return stub_say(c, "HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\nhalf") &&
		       stub_hang(c);
	return stub_hang(c);
}

/* One request's head; false when the client is gone or it is time to go. */
static inline bool stub_read(struct stub_connection *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	size_t got = 0;
	ssize_t n;

	for (;;) {
		if (!(c->ssl && SSL_pending(c->ssl)) && poll(&p, 1, 20) == 0) {
			if (stub_stopping(c->server))
				return false;
			continue;
		}
		n = c->ssl ? SSL_read(c->ssl, c->head + got,
				     (int)(sizeof(c->head) - 1 - got))
			   : recv(c->fd, c->head + got, sizeof(c->head) - 1 - got, 0);
		if (n <= 0)
			return false;
		got += (size_t)n;
		c->head[got] = '\0';
		if (strstr(c->head, "\r\n\r\n"))
			return true;
	}
}

static inline unsigned stub_count(struct stub_server *s, int open)
{
	unsigned requests;

	pthread_mutex_lock(&s->mtx);
	s->open += (unsigned)open;
	s->connections += open > 0;
	s->requests += open == 0;
	if (s->open > s->open_most)
		s->open_most = s->open;
	requests = s->requests;
	pthread_mutex_unlock(&s->mtx);
	return requests;
}

static inline void stub_count_certificate(struct stub_connection *c)
{
	X509 *certificate = SSL_get_peer_certificate(c->ssl);

	pthread_mutex_lock(&c->server->mtx);
	c->server->certificates += certificate != NULL;
	pthread_mutex_unlock(&c->server->mtx);
	X509_free(certificate);
}

static inline int stub_believe(int good, X509_STORE_CTX *store)
{
	(void)good;
	(void)store;
	return 1;
}

/* Until there is a slot for it. False: the test ends. */
static inline bool stub_take_slot(struct stub_server *s)
{
	bool taken;

	pthread_mutex_lock(&s->mtx);
	while (s->slots && s->taken == s->slots && !s->stopping)
		pthread_cond_wait(&s->cond, &s->mtx);
	taken = !s->stopping;
	s->taken += taken;
	pthread_mutex_unlock(&s->mtx);
	return taken;
}

static inline void stub_give_slot(struct stub_server *s)
{
	pthread_mutex_lock(&s->mtx);
	s->taken--;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mtx);
}

static inline void *stub_connection_main(void *arg)
{
	struct stub_connection *c = arg;
	bool slot;
	char path[256];
	int yes = 1;

	stub_count(c->server, 1);
	slot = stub_take_slot(c->server);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (slot && c->server->tls) {
		c->ssl = SSL_new(c->server->tls);
		SSL_set_fd(c->ssl, c->fd);
		if (SSL_accept(c->ssl) != 1)
			goto out;
		stub_count_certificate(c);
	}
	while (slot && stub_read(c))
		if (sscanf(c->head, "GET %255s", path) != 1 ||
			!stub_serve(c, path, stub_count(c->server, 0)))
			break;
out:
	SSL_free(c->ssl);
	close(c->fd);
	stub_count(c->server, -1);
	if (slot)
		stub_give_slot(c->server);
	free(c);
	return NULL;
}

static inline void *stub_main(void *arg)
{
	struct stub_server *s = arg;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	while (!stub_stopping(s)) {
		struct stub_connection *c;
		int fd = poll(&p, 1, 20) > 0 ? accept(s->fd, NULL, NULL) : -1;

		if (fd < 0)
			continue;
		c = calloc(1, sizeof(*c));
		c->server = s;
		c->fd = fd;
		if (s->thread_count == STUB_CONNECTIONS_MAX ||
			pthread_create(&s->threads[s->thread_count], NULL,
				stub_connection_main, c) != 0)
			abort();
		s->thread_count++;
	}
	return NULL;
}

/* `port` 0: a free one. `tls_dir` NULL: without TLS. */
static inline void stub_start(struct stub_server *s, uint16_t port, const char *tls_dir)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t size = sizeof(a);
	char path[256];
	int yes = 1;

	memset(s, 0, sizeof(*s));
	if (tls_dir) {
		s->tls = SSL_CTX_new(TLS_server_method());
		/* Asks for a client certificate, and takes any or none. */
		SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER, stub_believe);
		SSL_CTX_set_session_id_context(s->tls, (const unsigned char *)"stub", 4);
		snprintf(path, sizeof(path), "%s/cert.pem", tls_dir);
		assert_int_equal(SSL_CTX_use_certificate_chain_file(s->tls, path), 1);
		snprintf(path, sizeof(path), "%s/key.pem", tls_dir);
		assert_int_equal(
			SSL_CTX_use_PrivateKey_file(s->tls, path, SSL_FILETYPE_PEM), 1);
	}
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 128), 0);
	getsockname(s->fd, (struct sockaddr *)&a, &size);
	s->port = ntohs(a.sin_port);
	snprintf(s->url, sizeof(s->url), "%s://127.0.0.1:%u", tls_dir ? "https" : "http",
		s->port);
	pthread_mutex_init(&s->mtx, NULL);
	pthread_cond_init(&s->cond, NULL);
	assert_int_equal(pthread_create(&s->thread, NULL, stub_main, s), 0);
}

static inline void stub_open_gate(struct stub_server *s)
{
	pthread_mutex_lock(&s->mtx);
	s->gate_open = true;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mtx);
}

static inline unsigned stub_requests(struct stub_server *s)
{
	unsigned requests;

	pthread_mutex_lock(&s->mtx);
	requests = s->requests;
	pthread_mutex_unlock(&s->mtx);
	return requests;
}

/* Waits until so many requests have come in. */
static inline void stub_await(struct stub_server *s, unsigned requests)
{
	AWAIT(stub_requests(s) >= requests);
}

static inline void stub_stop(struct stub_server *s)
{
	pthread_mutex_lock(&s->mtx);
	s->stopping = true;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mtx);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < s->thread_count; i++)
		pthread_join(s->threads[i], NULL);
	close(s->fd);
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->mtx);
	pthread_cond_destroy(&s->cond);
}

#endif
