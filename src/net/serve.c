/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/serve.h"
#include "net/serve_answer.h"
#include "net/serve_certificate.h"
#include "net/serve_listen.h"
#include "util/bytes.h"
#include "util/io.h"

#define PEM_SIZE_MAX (1u << 20)
#define IDLE_SECONDS 120u
#define CONNECTIONS 1000u
#define THREADS_MAX 16

struct serve {
	struct log *log;
	struct MHD_Daemon *daemon;
	int store; /* directory */
	uint16_t port;
};

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **seen)
{
	struct serve *s = arg;

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
	return serve_answer(connection, s->store, method, url);
}

__attribute__((format(printf, 2, 0))) static void on_log(
	void *arg, const char *fmt, va_list args)
{
	struct serve *s = arg;
	char line[512];

	vsnprintf(line, sizeof line, fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug(s->log, "libmicrohttpd: %s", line);
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

/* `fd` becomes libmicrohttpd's, which closes it when it cannot start too. `cert` and `key`
 * NULL: without TLS. */
static int start_daemon(
	struct serve *s, int fd, const void *cert, const void *key, struct trouble *t)
{
	unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
		{MHD_OPTION_END, 0, NULL},
	};
	sigset_t all, before;

	if (cert)
		flags |= MHD_USE_TLS;
	s->port = serve_listen_port(fd);
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
	return trouble_set(t, ERR_IO, "the server could not be started on port %u%s",
		s->port, cert ? "; are cert.pem and key.pem good?" : "");
}

/* Makes the certificate, if need be, and reads it and its key. */
static int load_certificate(const struct serve_options *o, struct bytes *cert,
	struct bytes *key, struct trouble *t)
{
	int rc = serve_certificate_make(o->tls_dir, o->host, t);

	if (!rc)
		rc = read_pem(o->tls_dir, "cert.pem", cert, t);
	if (!rc)
		rc = read_pem(o->tls_dir, "key.pem", key, t);
	if (!rc && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		rc = trouble_set(t, ERR_UNSUPPORTED,
			"the libmicrohttpd of this machine has no TLS; use --http");
	return rc;
}

int serve_start(const struct serve_options *options, struct serve **out, struct trouble *t)
{
	struct serve *s = calloc(1, sizeof *s);
	struct bytes cert = {0}, key = {0};
	int fd = -1, rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	s->log = options->log;
	s->store = open(options->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->store < 0) {
		rc = trouble_errno(t, "the store %s cannot be opened", options->store);
		goto out;
	}
	rc = serve_listen(options->host, options->port, &fd, t);
	if (!rc && options->tls)
		rc = load_certificate(options, &cert, &key, t);
	if (rc)
		goto out;
	rc = start_daemon(s, fd, cert.data, key.data, t);
	fd = -1;
	if (rc)
		goto out;
	*out = s;
	s = NULL;
out:
	if (fd >= 0)
		close(fd);
	bytes_release(&cert);
	bytes_release(&key);
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
