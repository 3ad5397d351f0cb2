/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/serve_answer.h"
#include "net/serve_request.h"

#define PATH_MAX_SERVED 256

#define CACHE_FOR_EVER "public, max-age=31536000, immutable"
#define CACHE_NOT "no-cache"

/* One request that is good so far. */
struct answer {
	struct MHD_Connection *connection;
	struct served *served; /* to be filled in */
	bool head;	       /* the body is not sent */
	bool last;	       /* of its connection */
	enum serve_kind kind;
	int fd; /* taken over by the response */
	uint64_t size;
	char etag[SERVE_ETAG_SIZE];
};

static void answer_header(struct MHD_Response *r, const char *name, const char *value)
{
	MHD_add_response_header(r, name, value);
}

/* `size`: of the body. */
static enum MHD_Result answer_queue(
	struct answer *a, unsigned status, struct MHD_Response *r, uint64_t size)
{
	enum MHD_Result result = MHD_queue_response(a->connection, status, r);

	MHD_destroy_response(r);
	if (result == MHD_YES)
		*a->served = (struct served){status, a->head ? 0 : size};
	return result;
}

static enum MHD_Result answer_words(struct answer *a, unsigned status, const char *words)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(words), (void *)words, MHD_RESPMEM_PERSISTENT);

	if (!r)
		return MHD_NO;
	answer_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		answer_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (a->last)
		answer_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return answer_queue(a, status, r, strlen(words));
}

/* Opens a file below the store without following any link. Returns -1 and errno. */
static int open_served(int store, const char *path)
{
	char part[PATH_MAX_SERVED];
	int dir = store, fd;
	const char *slash;

	while ((slash = strchr(path, '/'))) {
		snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
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
static unsigned find_file(int store, const char *path, struct answer *a)
{
	struct stat st;

	a->kind = strlen(path) < PATH_MAX_SERVED ? serve_path_kind(path) : SERVE_NOTHING;
	if (a->kind == SERVE_NOTHING)
		return MHD_HTTP_NOT_FOUND;
	a->fd = open_served(store, path);
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

static const char *request_header(const struct answer *a, const char *name)
{
	return MHD_lookup_connection_value(a->connection, MHD_HEADER_KIND, name);
}

static void add_validators(const struct answer *a, struct MHD_Response *r)
{
	answer_header(r, MHD_HTTP_HEADER_ETAG, a->etag);
	answer_header(r, MHD_HTTP_HEADER_CACHE_CONTROL,
		a->kind == SERVE_DOCUMENT ? CACHE_NOT : CACHE_FOR_EVER);
	answer_header(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
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
		answer_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return answer_queue(a, status, r, 0);
}

static enum MHD_Result answer_body(
	struct answer *a, uint64_t offset, uint64_t length, const char *range)
{
	struct MHD_Response *r = MHD_create_response_from_fd_at_offset64(
		length, a->fd, offset);

	if (!r) {
		close(a->fd);
		return MHD_NO;
	}
	add_validators(a, r);
	answer_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		a->kind == SERVE_BLOB ? "application/octet-stream" : "application/json");
	if (range)
		answer_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return answer_queue(a, range ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, r, length);
}

/* The Range header, unless it is bound to another version of the file. */
static const char *wanted_range(const struct answer *a)
{
	const char *condition = request_header(a, MHD_HTTP_HEADER_IF_RANGE);

	if (condition && strcmp(condition, a->etag) != 0)
		return NULL;
	return request_header(a, MHD_HTTP_HEADER_RANGE);
}

static enum MHD_Result answer_file(struct answer *a)
{
	const char *known = request_header(a, MHD_HTTP_HEADER_IF_NONE_MATCH);
	uint64_t offset = 0, length = a->size;
	char range[96];

	if (known && serve_etag_listed(known, a->etag))
		return answer_empty(a, MHD_HTTP_NOT_MODIFIED, NULL);
	if (a->head)
		return answer_body(a, 0, a->size, NULL);
	switch (serve_range_parse(wanted_range(a), a->size, &offset, &length)) {
	case RANGE_WHOLE:
		return answer_body(a, 0, a->size, NULL);
	case RANGE_PART:
		snprintf(range, sizeof range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			offset, offset + length - 1, a->size);
		return answer_body(a, offset, length, range);
	case RANGE_UNSATISFIABLE:
		snprintf(range, sizeof range, "bytes */%" PRIu64, a->size);
		return answer_empty(a, MHD_HTTP_RANGE_NOT_SATISFIABLE, range);
	}
	return MHD_NO;
}

static bool is_reader(const char *method)
{
	return !strcmp(method, MHD_HTTP_METHOD_GET) ||
	       !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

static enum MHD_Result answer_method(struct answer *a)
{
	return answer_words(a, MHD_HTTP_METHOD_NOT_ALLOWED, "a store is only read\n");
}

/* Also where blanks follow the name, and where the field comes twice. */
static enum MHD_Result on_field(
	void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	bool *found = arg;

	(void)kind;
	*found = !strncasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING, 17) ||
		 (!strncasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH, 14) &&
			 (!value || strcmp(value, "0") != 0));
	return *found ? MHD_NO : MHD_YES;
}

bool serve_has_body(struct MHD_Connection *connection)
{
	bool found = false;

	MHD_get_connection_values(connection, MHD_HEADER_KIND, on_field, &found);
	return found;
}

enum MHD_Result serve_refuse_body(
	struct MHD_Connection *connection, const char *method, struct served *served)
{
	struct answer a = {
		.connection = connection,
		.served = served,
		.head = !strcmp(method, MHD_HTTP_METHOD_HEAD),
		.last = true,
	};

	if (!is_reader(method))
		return answer_method(&a);
	return answer_words(
		&a, MHD_HTTP_BAD_REQUEST, "who asks for a file sends no body\n");
}

enum MHD_Result serve_answer(struct MHD_Connection *connection, int store,
	const char *method, const char *url, struct served *served)
{
	struct answer a = {
		.connection = connection,
		.served = served,
		.head = !strcmp(method, MHD_HTTP_METHOD_HEAD),
	};
	unsigned status;

	if (!is_reader(method))
		return answer_method(&a);
	status = find_file(store, url[0] == '/' ? url + 1 : url, &a);
	if (status == MHD_HTTP_NOT_FOUND)
		return answer_words(&a, status, "there is no such file in the store\n");
	if (status)
		return answer_words(&a, status, "the file cannot be opened\n");
	return answer_file(&a);
}
