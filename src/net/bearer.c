/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "net/bearer.h"
#include "util/clock.h"
#include "util/timed_wait.h"

#define BEARER_SIZE_MAX 65536		     /* bytes of the file */
#define BEARER_FRESH NS_PER_SECOND	     /* so old a look is as good as a new one */
#define BEARER_PATIENCE (10 * NS_PER_SECOND) /* of who waits for a file system */

void bearer_wipe(char *token)
{
	if (token)
		OPENSSL_cleanse(token, strlen(token));
	free(token);
}

/* The token (b64token and a little more) of a file's first line. Wipes the text. */
static int bearer_parse(struct bytes *text, char **token)
{
	size_t size = 0, good = 0;
	int rc = ERR_INVALID;

	while (size < text->size && text->data[size] != '\n')
		size++;
	while (size > 0 && isspace(text->data[size - 1]))
		size--;
	while (good < size && isgraph(text->data[good]))
		good++;
	if (size > 0 && good == size) {
		*token = strndup((const char *)text->data, size);
		rc = *token ? 0 : ERR_NO_MEMORY;
	}
	if (text->data)
		OPENSSL_cleanse(text->data, text->size);
	return rc;
}

static int bearer_begin(
	struct file_reader *files, const char *path, void *owner, struct file_read **out)
{
	return file_reader_begin(files, path, path, BEARER_SIZE_MAX, owner, out);
}

void bearer_init(struct bearer *b, const char *path, struct file_reader *files)
{
	*b = (struct bearer){.path = path, .files = files};
}

void bearer_release(struct bearer *b)
{
	if (b->look)
		file_reader_end(b->files, b->look);
	bearer_wipe(b->token);
	*b = (struct bearer){0};
}

bool bearer_has_looked(struct bearer *b, int64_t since)
{
	int rc;

	if (b->looked_at && b->looked_at >= since)
		return true;
	if (b->look)
		return false;
	b->began = clock_monotonic();
	rc = bearer_begin(b->files, b->path, b, &b->look);
	if (!rc)
		return false;
	b->looked_at = b->began;
	b->error = rc;
	return true;
}

void bearer_refresh(struct bearer *b, int64_t now)
{
	bearer_has_looked(b, now - BEARER_FRESH);
}

static void bearer_replace(struct bearer *b, char *token)
{
	if (b->token && !strcmp(b->token, token)) {
		bearer_wipe(token);
		return;
	}
	bearer_wipe(b->token);
	b->token = token;
	b->number++;
}

void bearer_take(struct bearer *b)
{
	char *token;

	b->looked_at = b->began;
	b->error = b->look->error;
	if (!b->error)
		b->error = bearer_parse(&b->look->body, &token);
	if (!b->error)
		bearer_replace(b, token);
	file_reader_end(b->files, b->look);
	b->look = NULL;
}

/* Somebody waits for one look. */
struct bearer_wait {
	pthread_mutex_t look_mtx;
	pthread_cond_t look_cond;
	bool done; /* guarded by look_mtx */
};

static void wake_for_look(void *arg)
{
	struct bearer_wait *w = arg;

	pthread_mutex_lock(&w->look_mtx);
	w->done = true;
	pthread_cond_signal(&w->look_cond);
	pthread_mutex_unlock(&w->look_mtx);
}

static void wait_for_look(struct bearer_wait *w)
{
	int64_t until = clock_monotonic() + BEARER_PATIENCE, left = BEARER_PATIENCE;

	pthread_mutex_lock(&w->look_mtx);
	while (!w->done && left > 0) {
		timed_wait(&w->look_cond, &w->look_mtx, (unsigned)(left / NS_PER_MS + 1));
		left = until - clock_monotonic();
	}
	pthread_mutex_unlock(&w->look_mtx);
}

static int read_and_wait(
	struct file_reader *files, const char *path, struct bearer_wait *w, char **token)
{
	struct file_read *look;
	int rc = bearer_begin(files, path, NULL, &look);

	if (rc)
		return rc;
	wait_for_look(w);
	rc = file_reader_next(files) ? look->error : ERR_TIMEOUT;
	if (!rc)
		rc = bearer_parse(&look->body, token);
	file_reader_end(files, look);
	return rc;
}

int bearer_read(const char *path, char **token)
{
	struct bearer_wait w = {.look_mtx = PTHREAD_MUTEX_INITIALIZER};
	struct file_reader *files = file_reader_new(wake_for_look, &w);
	int rc = ERR_NO_MEMORY;

	timed_wait_init(&w.look_cond);
	if (files)
		rc = read_and_wait(files, path, &w, token);
	file_reader_free(files);
	pthread_cond_destroy(&w.look_cond);
	pthread_mutex_destroy(&w.look_mtx);
	return rc;
}

int bearer_explain(const char *path, int error, int code, struct trouble *t)
{
	if (error == ERR_INVALID)
		return trouble_set(t, code,
			"the bearer token file %s does not hold a token of printable "
			"characters in its first line, or is no regular file",
			path);
	if (error == ERR_ABSENT)
		return trouble_set(
			t, code, "the bearer token file %s does not exist", path);
	if (error == ERR_LIMIT)
		return trouble_set(
			t, code, "the bearer token file %s is longer than any token", path);
	if (error == ERR_TIMEOUT)
		return trouble_set(t, code,
			"the bearer token file %s cannot be read: its file system does not "
			"answer",
			path);
	return trouble_set(t, code, "the bearer token file %s cannot be read: %s", path,
		error_text(error));
}
