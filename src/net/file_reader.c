/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "net/file_reader.h"
#include "util/clock.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/io.h"
#include "util/thread.h"

#define THREADS_OF_A_PLACE 8
#define THREADS_MOST 64
/* One that takes less may be of a disk that is busy, and its owner in haste. */
#define HANGS_AFTER NS_PER_SECOND

/* GIVEN_UP: a thread has it, and nobody waits. */
enum read_state { READ_QUEUED, READ_WORKING, READ_DONE, READ_TAKEN, READ_GIVEN_UP };

struct file_reader {
	pthread_mutex_t files_mtx; /* all below, and `state` and `next` of each read */
	pthread_cond_t files_cond; /* something is queued, a thread ends, it is stopping */
	void (*wake)(void *arg);
	void *arg;
	struct file_read *reads; /* all, in the order in which they began */
	unsigned threads, idle;
	bool stopping; /* the owner has gone */
};

static void file_read_free(struct file_read *read)
{
	bytes_release(&read->body);
	free(read->path);
	free(read);
}

/* With files_mtx held, as all that follows up to file_main(). */
static void reads_remove(struct file_reader *r, struct file_read *read)
{
	struct file_read **at = &r->reads;

	while (*at != read)
		at = &(*at)->next;
	*at = read->next;
}

static unsigned count_reads(
	const struct file_reader *r, enum read_state state, uint64_t place)
{
	unsigned n = 0;

	for (const struct file_read *read = r->reads; read; read = read->next)
		n += read->state == (int)state && read->place == place;
	return n;
}

/* The first that has a thread to spare at its place. */
static struct file_read *next_queued(struct file_reader *r)
{
	struct file_read *read = r->reads;

	while (read && (read->state != READ_QUEUED ||
			       count_reads(r, READ_WORKING, read->place) +
					       count_reads(r, READ_GIVEN_UP, read->place) >=
				       THREADS_OF_A_PLACE))
		read = read->next;
	return read;
}

/* Without the lock, as long as it takes. */
static int read_file(struct file_read *read)
{
	struct stat st;
	int rc;

	if (stat(read->path, &st))
		return errno == ENOTDIR ? ERR_ABSENT : error_from_errno(errno);
	if (!S_ISREG(st.st_mode))
		return ERR_INVALID; /* a FIFO would wait for a writer */
	rc = io_read_file(AT_FDCWD, read->path, read->size_max, &read->body);
	if (rc)
		bytes_release(&read->body);
	return rc;
}

static void *file_main(void *arg);

/* With files_mtx held. False when there can be none. */
static bool start_file_thread(struct file_reader *r)
{
	pthread_t thread;

	if (r->threads == THREADS_MOST || thread_start(&thread, "file", file_main, r))
		return false;
	pthread_detach(thread);
	r->threads++;
	return true;
}

/* Somebody will look at the queue, unless all threads that may be are at work. With
 * files_mtx held. False: there is no thread at all. */
static bool call_thread(struct file_reader *r)
{
	if (r->idle) {
		pthread_cond_signal(&r->files_cond);
		return true;
	}
	return start_file_thread(r) || r->threads;
}

/* Called locked, returns locked. */
static void work(struct file_reader *r, struct file_read *read)
{
	read->state = READ_WORKING;
	read->begun = clock_monotonic();
	if (next_queued(r))
		call_thread(r); /* both calls may have been for this one */
	pthread_mutex_unlock(&r->files_mtx);
	read->error = read_file(read);
	pthread_mutex_lock(&r->files_mtx);
	if (read->state == READ_GIVEN_UP) {
		reads_remove(r, read);
		file_read_free(read);
		return;
	}
	read->state = READ_DONE;
	r->wake(r->arg);
}

static void file_reader_destroy(struct file_reader *r)
{
	pthread_mutex_destroy(&r->files_mtx);
	pthread_cond_destroy(&r->files_cond);
	free(r);
}

static void *file_main(void *arg)
{
	struct file_reader *r = arg;
	struct file_read *read;
	bool last;

	pthread_mutex_lock(&r->files_mtx);
	while (!r->stopping) {
		read = next_queued(r);
		if (read) {
			work(r, read);
			continue;
		}
		r->idle++;
		pthread_cond_wait(&r->files_cond, &r->files_mtx);
		r->idle--;
	}
	last = --r->threads == 0;
	pthread_mutex_unlock(&r->files_mtx);
	if (last)
		file_reader_destroy(r);
	return NULL;
}

struct file_reader *file_reader_new(void (*wake)(void *arg), void *arg)
{
	struct file_reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->wake = wake;
	r->arg = arg;
	pthread_mutex_init(&r->files_mtx, NULL);
	pthread_cond_init(&r->files_cond, NULL);
	return r;
}

/* The last thread frees it, which may be one that hangs. */
void file_reader_free(struct file_reader *r)
{
	bool last;

	if (!r)
		return;
	pthread_mutex_lock(&r->files_mtx);
	r->stopping = true;
	last = r->threads == 0;
	pthread_cond_broadcast(&r->files_cond);
	pthread_mutex_unlock(&r->files_mtx);
	if (last)
		file_reader_destroy(r);
}

/* Would it only hold up one more thread? With files_mtx held. */
static bool is_hopeless(const struct file_reader *r, const struct file_read *read)
{
	int64_t hangs = clock_monotonic() - HANGS_AFTER;
	unsigned of_place = 0;

	for (const struct file_read *other = r->reads; other; other = other->next) {
		if (other->state != READ_GIVEN_UP || other->begun > hangs)
			continue;
		if (!strcmp(other->path, read->path))
			return true;
		of_place += other->place == read->place;
	}
	return of_place >= THREADS_OF_A_PLACE;
}

/* With files_mtx held. */
static int reads_add(struct file_reader *r, struct file_read *read)
{
	struct file_read **at = &r->reads;

	if (is_hopeless(r, read))
		return ERR_TIMEOUT;
	if (!call_thread(r))
		return ERR_NO_THREADS;
	while (*at)
		at = &(*at)->next;
	*at = read;
	return 0;
}

int file_reader_begin(struct file_reader *r, const char *place, const char *path,
	uint64_t size_max, void *owner, struct file_read **out)
{
	struct digest name = digest_of(place, strlen(place));
	struct file_read *read = calloc(1, sizeof *read);
	int rc;

	if (!read)
		return ERR_NO_MEMORY;
	*read = (struct file_read){.owner = owner,
		.path = strdup(path),
		.size_max = size_max,
		.place = digest_prefix(&name)};
	if (!read->path) {
		free(read);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_lock(&r->files_mtx);
	rc = reads_add(r, read);
	pthread_mutex_unlock(&r->files_mtx);
	if (rc)
		file_read_free(read);
	else
		*out = read;
	return rc;
}

struct file_read *file_reader_next(struct file_reader *r)
{
	struct file_read *read;

	pthread_mutex_lock(&r->files_mtx);
	read = r->reads;
	while (read && read->state != READ_DONE)
		read = read->next;
	if (read)
		read->state = READ_TAKEN;
	pthread_mutex_unlock(&r->files_mtx);
	return read;
}

void file_reader_end(struct file_reader *r, struct file_read *read)
{
	bool given_up;

	pthread_mutex_lock(&r->files_mtx);
	given_up = read->state == READ_WORKING;
	if (given_up)
		read->state = READ_GIVEN_UP;
	else
		reads_remove(r, read);
	pthread_mutex_unlock(&r->files_mtx);
	if (!given_up)
		file_read_free(read);
}
