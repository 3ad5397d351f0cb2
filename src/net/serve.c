/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "net/serve.h"

#ifndef HAVE_MICROHTTPD

int serve_start(const struct serve_options *options, struct serve **out, struct trouble *t)
{
	(void)options;
	(void)out;
	return trouble_set(t, ERR_UNSUPPORTED,
		"this cairn was built without libmicrohttpd, so it cannot serve; any web "
		"server "
		"that serves files can");
}

uint16_t serve_port(const struct serve *s)
{
	(void)s;
	return 0;
}

void serve_stop(struct serve *s)
{
	(void)s;
}

#else

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/serve_request.h"
#include "util/bytes.h"
#include "util/io.h"

#define PATH_MAX_SERVED 256
#define PEM_SIZE_MAX (1u << 20)
#define IDLE_SECONDS 120u
#define CONNECTIONS 1000u
#define THREADS_MAX 16
#define BACKLOG 512

#define CACHE_FOR_EVER "public, max-age=31536000, immutable"
#define CACHE_NOT "no-cache"

struct serve {
	struct log *log;
	struct MHD_Daemon *daemon;
	int store; /* directory */
	uint16_t port;
};

/* One request that is good so far. */
struct answer {
	struct MHD_Connection *connection;
	enum serve_kind kind;
	int fd; /* taken over by the response */
	uint64_t size;
	char etag[SERVE_ETAG_SIZE];
};

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
	MHD_add_response_header(r, name, value);
}

static enum MHD_Result queue(
	struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_words(
	struct MHD_Connection *c, unsigned status, const char *words)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(words), (void *)words, MHD_RESPMEM_PERSISTENT);

	if (!r)
		return MHD_NO;
	add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		add_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return queue(c, status, r);
}

/* Opens a file below the store without following any link. Returns -1 and errno. */
static int open_below(int store, const char *path)
{
	char part[PATH_MAX_SERVED];
	int dir = store, fd;
	const char *slash;

	while ((slash = strchr(path, '/'))) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		fd = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir != store)
			close(dir);
		if (fd < 0)
			return -1;
		dir = fd;
		path = slash + 1;
	}
	fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (dir != store)
		close(dir);
	return fd;
}

/* 0, or the status of a refusal. */
static unsigned find_file(const struct serve *s, const char *path, struct answer *a)
{
	struct stat st;

	a->kind = strlen(path) < PATH_MAX_SERVED ? serve_path_kind(path) : SERVE_NOTHING;
	if (a->kind == SERVE_NOTHING)
		return MHD_HTTP_NOT_FOUND;
	a->fd = open_below(s->store, path);
	if (a->fd < 0 && (errno == EACCES || errno == EPERM))
		return MHD_HTTP_FORBIDDEN;
	if (a->fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	if (a->fd < 0)
		return MHD_HTTP_NOT_FOUND;
	if (fstat(a->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(a->fd);
		return MHD_HTTP_NOT_FOUND;
	}
	a->size = (uint64_t)st.st_size;
	serve_etag(a->kind, path, &st, a->etag);
	return 0;
}

static const char *header(const struct answer *a, const char *name)
{
	return MHD_lookup_connection_value(a->connection, MHD_HEADER_KIND, name);
}

static void add_validators(const struct answer *a, struct MHD_Response *r)
{
	add_header(r, MHD_HTTP_HEADER_ETAG, a->etag);
	add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL,
		a->kind == SERVE_DOCUMENT ? CACHE_NOT : CACHE_FOR_EVER);
	add_header(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
}

/* An answer without a body; `range`: its Content-Range, or NULL. */
static enum MHD_Result answer_empty(struct answer *a, unsigned status, const char *range)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		0, (void *)"", MHD_RESPMEM_PERSISTENT);

	close(a->fd);
	if (!r)
		return MHD_NO;
	add_validators(a, r);
	if (range)
		add_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return queue(a->connection, status, r);
}

static enum MHD_Result answer_bytes(
	struct answer *a, uint64_t offset, uint64_t length, const char *range)
{
	struct MHD_Response *r = MHD_create_response_from_fd_at_offset64(
		length, a->fd, offset);

	if (!r) {
		close(a->fd);
		return MHD_NO;
	}
	add_validators(a, r);
	add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		a->kind == SERVE_BLOB ? "application/octet-stream" : "application/json");
	if (range)
		add_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return queue(a->connection, range ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, r);
}

/* The Range header, unless it is bound to another version of the file. */
static const char *wanted_range(const struct answer *a)
{
	const char *condition = header(a, MHD_HTTP_HEADER_IF_RANGE);

	if (condition && strcmp(condition, a->etag) != 0)
		return NULL;
	return header(a, MHD_HTTP_HEADER_RANGE);
}

static enum MHD_Result answer_file(struct answer *a, bool head)
{
	const char *known = header(a, MHD_HTTP_HEADER_IF_NONE_MATCH);
	uint64_t offset = 0, length = a->size;
	char range[96];

	if (known && serve_etag_listed(known, a->etag))
		return answer_empty(a, MHD_HTTP_NOT_MODIFIED, NULL);
	if (head)
		return answer_bytes(a, 0, a->size, NULL);
	switch (serve_range_parse(wanted_range(a), a->size, &offset, &length)) {
	case RANGE_WHOLE:
		return answer_bytes(a, 0, a->size, NULL);
	case RANGE_PART:
		snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			offset, offset + length - 1, a->size);
		return answer_bytes(a, offset, length, range);
	case RANGE_UNSATISFIABLE:
		snprintf(range, sizeof(range), "bytes */%" PRIu64, a->size);
		return answer_empty(a, MHD_HTTP_RANGE_NOT_SATISFIABLE, range);
	}
	return MHD_NO;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **seen)
{
	struct serve *s = arg;
	struct answer a = {.connection = connection};
	bool head = !strcmp(method, MHD_HTTP_METHOD_HEAD);
	unsigned status;

	(void)version;
	(void)upload;
	/* The first call has but the headers; an answer to it would close the connection.
	 */
	if (!*seen) {
		*seen = s;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	log_debug(s->log, "%s %s", method, url);
	if (!head && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return answer_words(
			connection, MHD_HTTP_METHOD_NOT_ALLOWED, "a store is only read\n");
	status = find_file(s, url[0] == '/' ? url + 1 : url, &a);
	if (status == MHD_HTTP_NOT_FOUND)
		return answer_words(
			connection, status, "there is no such file in the store\n");
	if (status)
		return answer_words(connection, status, "the file cannot be opened\n");
	return answer_file(&a, head);
}

__attribute__((format(printf, 2, 0))) static void on_log(
	void *arg, const char *fmt, va_list args)
{
	struct serve *s = arg;
	char line[512];

	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug(s->log, "libmicrohttpd: %s", line);
}

static int listen_at(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
	int yes = 1, no = 0;

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	no = errno;
	close(fd);
	errno = no;
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

static int open_listener(const struct serve_options *o, int *out, struct trouble *t)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	const char *host = o->host && o->host[0] ? o->host : "0.0.0.0";
	struct addrinfo *list;
	char port[8];
	int rc, fd;

	snprintf(port, sizeof(port), "%u", o->port);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc)
		return trouble_set(
			t, ERR_INVALID, "cannot listen on %s: %s", host, gai_strerror(rc));
	fd = listen_first(list);
	if (fd < 0)
		rc = trouble_errno(t, "cannot listen on %s port %u", host, o->port);
	else
		*out = fd;
	freeaddrinfo(list);
	return rc;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t size = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &size) != 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

/* The text of a PEM file in tls_dir, NUL-terminated. */
static int read_pem(
	const char *tls_dir, const char *name, struct bytes *out, struct trouble *t)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/%s", tls_dir, name) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = io_read_file(AT_FDCWD, path, PEM_SIZE_MAX, out);
	if (!rc)
		rc = bytes_append(out, "", 1);
	if (rc)
		trouble_set(t, rc, "%s cannot be read: %s", path, error_text(rc));
	free(path);
	return rc;
}

static unsigned thread_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 2 ? 2 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* Takes `fd` over. `cert` and `key` NULL: without TLS. */
static int start_daemon(
	struct serve *s, int fd, const char *cert, const char *key, struct trouble *t)
{
	unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
		{MHD_OPTION_END, 0, NULL},
	};
	sigset_t all, before;

	if (cert && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		close(fd);
		return trouble_set(t, ERR_UNSUPPORTED,
			"the libmicrohttpd of this machine has no TLS; use --http");
	}
	if (cert)
		flags |= MHD_USE_TLS;
	s->port = port_of(fd);
	/* Signals are for the threads that the caller knows of. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_THREAD_POOL_SIZE, thread_count(), MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_ARRAY,
		cert ? tls : tls + 2, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (s->daemon)
		return 0;
	close(fd);
	return trouble_set(t, ERR_IO, "the server could not be started on port %u%s",
		s->port, cert ? "; are cert.pem and key.pem good?" : "");
}

static int start_https(
	struct serve *s, const struct serve_options *o, int fd, struct trouble *t)
{
	struct bytes cert = {0}, key = {0};
	int rc = serve_make_certificate(o->tls_dir, o->host, t);

	if (!rc)
		rc = read_pem(o->tls_dir, "cert.pem", &cert, t);
	if (!rc)
		rc = read_pem(o->tls_dir, "key.pem", &key, t);
	if (!rc)
		rc = start_daemon(
			s, fd, (const char *)cert.data, (const char *)key.data, t);
	else
		close(fd);
	bytes_release(&cert);
	bytes_release(&key);
	return rc;
}

int serve_start(const struct serve_options *options, struct serve **out, struct trouble *t)
{
	struct serve *s = calloc(1, sizeof(*s));
	int fd = -1, rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	s->log = options->log;
	s->store = open(options->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->store < 0) {
		rc = trouble_errno(t, "the store %s cannot be opened", options->store);
		goto out;
	}
	rc = open_listener(options, &fd, t);
	if (rc)
		goto out;
	rc = options->tls ? start_https(s, options, fd, t)
			  : start_daemon(s, fd, NULL, NULL, t);
	if (rc)
		goto out;
	*out = s;
	return 0;
out:
	serve_stop(s);
	return rc;
}

uint16_t serve_port(const struct serve *s)
{
	return s->port;
}

void serve_stop(struct serve *s)
{
	if (!s)
		return;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	if (s->store >= 0)
		close(s->store);
	free(s);
}

#endif
