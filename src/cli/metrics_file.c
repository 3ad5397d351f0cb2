/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/metrics_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/metrics_text.h"
#include "util/io.h"
#include "util/thread.h"
#include "util/timed_wait.h"

#define WRITE_EVERY 10000 /* ms; Prometheus looks once in 15 seconds or a minute */

struct metrics_file {
	const struct running_mount *mount;
	const char *path;
	bool is_ours; /* the file */
	int said;     /* the last error that was logged; 0: all has been well since */
	pthread_t thread;
	pthread_mutex_t file_mtx;
	pthread_cond_t file_cond;
	bool over; /* file_mtx */
};

static void metrics_write(struct metrics_file *f)
{
	size_t size;
	char *text;
	int rc = metrics_text(f->mount, &text, &size);

	if (!rc) {
		rc = io_replace_file(AT_FDCWD, f->path, span_of(text, size), 0644, 0);
		free(text);
	}
	if (rc && rc != f->said)
		log_warning(f->mount->reader->log,
			"the metrics cannot be written to %s: %s", f->path, error_text(rc));
	f->is_ours |= !rc;
	f->said = rc;
}

/* False: it is over. */
static bool metrics_wait(struct metrics_file *f)
{
	bool woken = true, over;

	pthread_mutex_lock(&f->file_mtx);
	while (!f->over && woken)
		woken = timed_wait(&f->file_cond, &f->file_mtx, WRITE_EVERY);
	over = f->over;
	pthread_mutex_unlock(&f->file_mtx);
	return !over;
}

static void *metrics_run(void *arg)
{
	struct metrics_file *f = arg;

	do
		metrics_write(f);
	while (metrics_wait(f));
	return NULL;
}

static void metrics_file_free(struct metrics_file *f)
{
	pthread_cond_destroy(&f->file_cond);
	pthread_mutex_destroy(&f->file_mtx);
	free(f);
}

int metrics_file_start(
	const struct running_mount *m, const char *path, struct metrics_file **out)
{
	struct metrics_file *f = calloc(1, sizeof *f);
	int rc;

	if (!f)
		return ERR_NO_MEMORY;
	f->mount = m;
	f->path = path;
	pthread_mutex_init(&f->file_mtx, NULL);
	timed_wait_init(&f->file_cond);
	rc = thread_start(&f->thread, "cairn-metrics", metrics_run, f);
	if (rc)
		metrics_file_free(f);
	else
		*out = f;
	return rc;
}

void metrics_file_stop(struct metrics_file *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->file_mtx);
	f->over = true;
	pthread_cond_signal(&f->file_cond);
	pthread_mutex_unlock(&f->file_mtx);
	pthread_join(f->thread, NULL);
	if (f->is_ours)
		unlink(f->path);
	metrics_file_free(f);
}
