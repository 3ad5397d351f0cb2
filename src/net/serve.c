/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "net/serve.h"
#include "net/serve_certificate.h"
#include "net/serve_clients.h"
#include "net/serve_exchange.h"
#include "net/serve_listen.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/thread.h"
#include "util/timed_wait.h"

#define PEM_SIZE_MAX (1u << 20)
#define IDLE_SECONDS 120u
#define HEADER_SECONDS 10 /* a slow link's TLS handshake takes two */
#define CONNECTIONS 1000u
/* Below what libmicrohttpd refuses, so that a newcomer is seen, and another one goes. */
#define CONNECTIONS_WANTED (CONNECTIONS - CONNECTIONS / 8)
#define THREADS_MAX 16
#define SWEEP_MS 1000u
/* libmicrohttpd leaves it to GnuTLS, which may be set up to take TLS 1.0. */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct serve {
	struct log *log;
	struct MHD_Daemon *daemon;
	struct serve_exchanges exchanges;
	uint16_t port;
	pthread_t sweeper;
	bool sweeping; /* the thread was started */
	pthread_mutex_t sweep_mtx;
	pthread_cond_t sweep_cond;
	bool stopping;
};

static void *serve_sweep(void *arg)
{
	struct serve *s = arg;

	pthread_mutex_lock(&s->sweep_mtx);
	while (!s->stopping) {
		timed_wait(&s->sweep_cond, &s->sweep_mtx, SWEEP_MS);
		serve_clients_sweep(s->exchanges.clients, clock_monotonic());
	}
	pthread_mutex_unlock(&s->sweep_mtx);
	return NULL;
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
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)PRIORITIES},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
		{MHD_OPTION_END, 0, NULL},
	};

	if (cert)
		flags |= MHD_USE_TLS;
	s->port = serve_listen_port(fd);
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, serve_exchange_request,
		&s->exchanges, MHD_OPTION_EXTERNAL_LOGGER, on_log, s,
		MHD_OPTION_NOTIFY_CONNECTION, serve_exchange_connection, &s->exchanges,
		MHD_OPTION_NOTIFY_COMPLETED, serve_exchange_completed, &s->exchanges,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, thread_count(),
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		IDLE_SECONDS, MHD_OPTION_ARRAY, cert ? tls : tls + 3, MHD_OPTION_END);
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
	struct trouble why;

	if (!rc)
		rc = read_pem(o->tls_dir, "cert.pem", cert, t);
	if (!rc && serve_certificate_ends(o->tls_dir, &why))
		log_warning(o->log, "%s", why.text);
	if (!rc)
		rc = read_pem(o->tls_dir, "key.pem", key, t);
	if (!rc && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		rc = trouble_set(t, ERR_UNSUPPORTED,
			"the libmicrohttpd of this machine has no TLS; use --http");
	return rc;
}

static int serve_start_threads(
	struct serve *s, int fd, const void *cert, const void *key, struct trouble *t)
{
	sigset_t all, before;
	int rc;

	/* Signals are for the threads that the caller knows of. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start_daemon(s, fd, cert, key, t);
	if (!rc) {
		rc = thread_start(&s->sweeper, NULL, serve_sweep, s);
		s->sweeping = rc == 0;
		if (rc)
			trouble_set(
				t, rc, "no thread could be started: %s", error_text(rc));
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static struct serve *serve_new(const struct serve_options *options)
{
	const struct serve_client_limits limits = {
		.total = CONNECTIONS_WANTED,
		.per_address = options->per_address ? options->per_address
						    : CONNECTIONS_WANTED,
		.header_ns = HEADER_SECONDS * NS_PER_SECOND,
		.idle_ns = IDLE_SECONDS * NS_PER_SECOND,
	};
	struct serve *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->log = options->log;
	s->exchanges.access = options->access;
	s->exchanges.store = -1;
	s->exchanges.clients = serve_clients_new(&limits);
	pthread_mutex_init(&s->sweep_mtx, NULL);
	timed_wait_init(&s->sweep_cond);
	if (s->exchanges.clients)
		return s;
	serve_stop(s);
	return NULL;
}

int serve_start(const struct serve_options *options, struct serve **out, struct trouble *t)
{
	struct serve *s = serve_new(options);
	struct bytes cert = {0}, key = {0};
	int fd = -1, rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	s->exchanges.store = open(options->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->exchanges.store < 0) {
		rc = trouble_errno(t, "the store %s cannot be opened", options->store);
		goto out;
	}
	rc = serve_listen(options->host, options->port, &fd, t);
	if (!rc && options->tls)
		rc = load_certificate(options, &cert, &key, t);
	if (rc)
		goto out;
	rc = serve_start_threads(s, fd, cert.data, key.data, t);
	fd = -1;
	if (rc)
		goto out;
	*out = s;
	s = NULL;
out:
	if (fd >= 0)
		close(fd);
	if (key.data)
		OPENSSL_cleanse(key.data, key.capacity);
	bytes_release(&cert);
	bytes_release(&key);
	serve_stop(s);
	return rc;
}

uint16_t serve_port(const struct serve *s)
{
	return s->port;
}

static void stop_sweeper(struct serve *s)
{
	pthread_mutex_lock(&s->sweep_mtx);
	s->stopping = true;
	pthread_cond_signal(&s->sweep_cond);
	pthread_mutex_unlock(&s->sweep_mtx);
	pthread_join(s->sweeper, NULL);
}

void serve_stop(struct serve *s)
{
	if (!s)
		return;
	if (s->sweeping)
		stop_sweeper(s);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	serve_clients_free(s->exchanges.clients);
	if (s->exchanges.store >= 0)
		close(s->exchanges.store);
	pthread_cond_destroy(&s->sweep_cond);
	pthread_mutex_destroy(&s->sweep_mtx);
	free(s);
}
