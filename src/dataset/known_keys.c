/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/known_keys.h"
#include "util/clock.h"
#include "util/file_lock.h"
#include "util/home.h"
#include "util/io.h"

#define LOCK_WAIT (10 * NS_PER_SECOND)

char *known_keys_file(const char *file)
{
	char *directory, *path;

	if (file)
		return strdup(file);
	directory = home_config_directory();
	if (!directory)
		return NULL;
	if (asprintf(&path, "%s/known_keys", directory) < 0)
		path = NULL;
	free(directory);
	return path;
}

/* A NUL, which only a damaged file has, is a byte like others. */
static bool byte_is_in(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* The bytes up to the next of `stops`, taken off the front of *rest. */
static struct span take(struct span *rest, const char *stops)
{
	struct span word = {rest->data, 0};

	while (word.size < rest->size && !byte_is_in(word.data[word.size], stops))
		word.size++;
	rest->data += word.size;
	rest->size -= word.size;
	return word;
}

static void skip(struct span *rest, const char *what)
{
	while (rest->size > 0 && byte_is_in(rest->data[0], what)) {
		rest->data++;
		rest->size--;
	}
}

/* The key in `line` if it is the URL's: 0, ERR_ABSENT, ERR_CORRUPT. */
static int parse_line(struct span line, struct span url, struct public_key *out)
{
	struct span word;

	skip(&line, " \t");
	word = take(&line, " \t\r");
	if (!span_equal(word, url))
		return ERR_ABSENT;
	skip(&line, " \t");
	word = take(&line, " \t\r");
	skip(&line, " \t\r");
	if (line.size > 0 || public_key_from_text(word, out))
		return ERR_CORRUPT;
	return 0;
}

static int find_key(const struct bytes *text, const char *path, const char *url,
	struct public_key *out, struct trouble *t)
{
	struct span rest = span_of_bytes(text);

	for (unsigned number = 1; rest.size > 0; number++) {
		int rc = parse_line(take(&rest, "\n"), span_of_string(url), out);

		if (rc == ERR_CORRUPT)
			return trouble_set(t, rc,
				"%s, line %u: what follows the URL is not a public key; "
				"correct or "
				"remove the line",
				path, number);
		if (rc != ERR_ABSENT)
			return rc;
		if (rest.size > 0) {
			rest.data++;
			rest.size--;
		}
	}
	return ERR_ABSENT;
}

int known_keys_read(const char *path, const char *what, size_t max, struct bytes *text,
	struct trouble *t)
{
	int rc = io_read_regular_file(AT_FDCWD, path, max, text);

	if (rc && rc != ERR_ABSENT)
		trouble_set(t, rc, "%s in %s cannot be read: %s", what, path,
			rc == ERR_INVALID
				? "that is no regular file, but a directory, a FIFO or a "
				  "device; move it away"
				: error_text(rc));
	return rc;
}

static int read_keys(const char *path, struct bytes *text, struct trouble *t)
{
	return known_keys_read(path, "the known keys", KNOWN_KEYS_SIZE_MAX, text, t);
}

int known_keys_lookup(
	const char *file, const char *url, struct public_key *out, struct trouble *t)
{
	char *path = known_keys_file(file);
	struct bytes text = {0};
	int rc;

	if (!path)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = read_keys(path, &text, t);
	if (!rc)
		rc = find_key(&text, path, url, out, t);
	bytes_release(&text);
	free(path);
	return rc;
}

static int append_line(
	const char *path, struct bytes *text, const char *url, const struct public_key *key)
{
	bool unfinished = text->size > 0 && text->data[text->size - 1] != '\n';
	char spelt[PUBLIC_KEY_TEXT_SIZE];
	const char *const parts[] = {unfinished ? "\n" : "", url, " ", spelt, "\n"};
	int rc = 0;

	public_key_to_text(key, spelt);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !rc; i++)
		rc = bytes_append_string(text, parts[i]);
	return rc ? rc : io_replace_file(AT_FDCWD, path, span_of_bytes(text), 0600, 1);
}

static int add_locked(
	const char *path, const char *url, const struct public_key *key, struct trouble *t)
{
	struct bytes text = {0};
	struct public_key known;
	int rc = read_keys(path, &text, t);

	if (rc && rc != ERR_ABSENT)
		goto out;
	rc = find_key(&text, path, url, &known, t);
	if (rc == 0 && !public_key_equal(&known, key))
		rc = trouble_set(
			t, ERR_EXISTS, "%s: %s is known by another key already", path, url);
	if (rc != ERR_ABSENT)
		goto out;
	rc = append_line(path, &text, url, key);
	if (rc)
		trouble_set(t, rc, "the key of %s cannot be noted in %s: %s", url, path,
			error_text(rc));
out:
	bytes_release(&text);
	return rc;
}

static int make_parent(const char *path, struct trouble *t)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int rc;

	if (!slash || slash == path)
		return 0;
	parent = strndup(path, (size_t)(slash - path));
	if (!parent)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = io_make_directories(parent, 0700);
	if (rc)
		rc = trouble_errno(t, "cannot make the directory %s", parent);
	free(parent);
	return rc;
}

static int take_lock(const char *name, int *fd, struct trouble *t)
{
	int opened = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char blame[FILE_LOCK_BLAME_SIZE];
	int rc;

	if (opened < 0)
		return trouble_errno(t, "%s cannot be opened", name);
	rc = file_lock_take(opened, FILE_LOCK_ALONE, clock_monotonic() + LOCK_WAIT);
	if (!rc) {
		*fd = opened;
		return 0;
	}
	close(opened);
	if (rc != ERR_TIMEOUT)
		return trouble_set(t, rc, "%s cannot be locked: %s", name, error_text(rc));
	file_lock_blame(name, blame);
	return trouble_set(t, rc, "%s is locked by %s", name, blame);
}

int known_keys_lock(const char *path, int *fd, struct trouble *t)
{
	char *name;
	int rc = make_parent(path, t);

	if (rc)
		return rc;
	/* It has a file of its own, since the other is replaced. */
	if (asprintf(&name, "%s.lock", path) < 0)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = take_lock(name, fd, t);
	free(name);
	return rc;
}

void known_keys_unlock(int fd)
{
	file_lock_give(fd);
	close(fd);
}

/* Nothing in a URL may end its line or its word. */
bool known_keys_can_name(const char *url)
{
	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return url[0] != '\0' && url[0] != '#';
}

int known_keys_add(
	const char *file, const char *url, const struct public_key *key, struct trouble *t)
{
	char *path;
	int fd = -1, rc;

	if (!known_keys_can_name(url))
		return trouble_set(
			t, ERR_INVALID, "%s: a URL cannot have a space in it", url);
	path = known_keys_file(file);
	if (!path)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = known_keys_lock(path, &fd, t);
	if (!rc) {
		rc = add_locked(path, url, key, t);
		known_keys_unlock(fd);
	}
	free(path);
	return rc;
}

int known_keys_each(const char *file, known_keys_fn each, void *ctx, struct trouble *t)
{
	char *path = known_keys_file(file);
	struct bytes text = {0};
	struct span rest;
	int rc;

	if (!path)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = read_keys(path, &text, t);
	rest = span_of_bytes(&text);
	while (!rc && rest.size > 0) {
		struct span line = take(&rest, "\n"), url;
		struct public_key key;

		skip(&rest, "\n");
		skip(&line, " \t");
		url = line;
		url = take(&url, " \t\r");
		if (url.size && url.data[0] != '#' && !parse_line(line, url, &key))
			rc = each(ctx, url, &key);
	}
	bytes_release(&text);
	free(path);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int append_with_end(struct bytes *out, struct span line)
{
	int rc = bytes_append(out, line.data, line.size);

	return rc ? rc : bytes_append_string(out, "\n");
}

/* The lines but those of the URL. *removed: how many those were. */
static int copy_others(
	struct span rest, struct span url, struct bytes *out, unsigned *removed)
{
	struct public_key key;
	int rc = 0;

	while (rest.size > 0 && !rc) {
		struct span line = take(&rest, "\n");

		if (parse_line(line, url, &key) != ERR_ABSENT)
			++*removed;
		else
			rc = append_with_end(out, line);
		if (rest.size > 0) {
			rest.data++;
			rest.size--;
		}
	}
	return rc;
}

static int remove_locked(const char *path, const char *url, struct trouble *t)
{
	struct bytes text = {0}, others = {0};
	unsigned removed = 0;
	int rc = read_keys(path, &text, t);

	if (!rc)
		rc = copy_others(
			span_of_bytes(&text), span_of_string(url), &others, &removed);
	if (!rc && !removed)
		rc = ERR_ABSENT;
	if (!rc)
		rc = io_replace_file(AT_FDCWD, path, span_of_bytes(&others), 0600, 1);
	if (rc && rc != ERR_ABSENT)
		trouble_set(t, rc, "the key of %s cannot be taken out of %s: %s", url, path,
			error_text(rc));
	bytes_release(&text);
	bytes_release(&others);
	return rc;
}

int known_keys_remove(const char *file, const char *url, struct trouble *t)
{
	char *path = known_keys_file(file);
	int fd = -1, rc;

	if (!path)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = known_keys_lock(path, &fd, t);
	if (!rc) {
		rc = remove_locked(path, url, t);
		known_keys_unlock(fd);
	}
	free(path);
	return rc;
}
