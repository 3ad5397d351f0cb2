/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/known_datasets.h"
#include "dataset/known_keys.h"
#include "format/manifest.h"
#include "util/io.h"

#define FILE_NAME "known_datasets"
#define NUMBER_TEXT 24

/* "DIRECTORY/known_keys" -> "DIRECTORY/known_datasets" */
static char *path_beside(const char *keys)
{
	const char *slash = strrchr(keys, '/');
	char *path;

	if (asprintf(&path, "%.*s" FILE_NAME, slash ? (int)(slash + 1 - keys) : 0, keys) <
		0)
		return NULL;
	return path;
}

/* The next line, without its end, taken off the front of *rest. */
static struct span take_line(struct span *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->size);
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	struct span line = span_of(rest->data, size);

	rest->data += end ? size + 1 : size;
	rest->size -= end ? size + 1 : size;
	return line;
}

static bool has_prefix(struct span line, const char *prefix)
{
	size_t size = strlen(prefix);

	return line.size >= size && memcmp(line.data, prefix, size) == 0;
}

/* The next word, which a blank ends, taken off the front of *rest with it. */
static int take_word(struct span *rest, struct span *out)
{
	const uint8_t *end = memchr(rest->data, ' ', rest->size);

	if (!end)
		return ERR_CORRUPT;
	*out = span_of(rest->data, (size_t)(end - rest->data));
	rest->data += out->size + 1;
	rest->size -= out->size + 1;
	return 0;
}

/* The first word of a line of ours; NULL: it is people's. One that was `cut` may have no
 * more than the beginning of it. */
static const char *kind_of(struct span line, bool cut)
{
	static const char *const kinds[] = {"url ", "dataset ", "tag "};

	for (size_t i = 0; line.size && i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t size = strlen(kinds[i]);

		if (line.size < size && !cut)
			continue;
		if (!memcmp(line.data, kinds[i], line.size < size ? line.size : size))
			return kinds[i];
	}
	return NULL;
}

/* Does a line of ours say what it is of? One of people's says nothing. */
static bool line_is_named(struct span line)
{
	const char *kind = kind_of(line, false);
	struct digest id;
	struct span word;

	if (!kind)
		return true;
	if (take_word(&line, &word) || take_word(&line, &word))
		return false;
	if (*kind != 'u' && digest_from_hex(word, &id))
		return false;
	return *kind != 't' || !take_word(&line, &word);
}

/* A file that was cut, or written over, must not look like one that knows nothing. */
static unsigned find_damage(struct span text)
{
	const uint8_t *end = text.size ? text.data + text.size : NULL;

	for (unsigned number = 1; text.size; number++) {
		struct span line = take_line(&text);
		bool cut = line.data + line.size == end;

		if (!line_is_named(line) || (cut && kind_of(line, true)) ||
			(line.size && memchr(line.data, 0, line.size)))
			return number;
	}
	return 0;
}

int known_datasets_load(const char *keys, struct known_datasets *out, struct trouble *t)
{
	struct known_datasets k = {.path = path_beside(keys)};
	int rc;

	if (!k.path)
		return trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));
	rc = known_keys_read(
		k.path, "what is known of datasets", KNOWN_DATASETS_SIZE_MAX, &k.text, t);
	if (rc && rc != ERR_ABSENT) {
		known_datasets_release(&k);
		return rc;
	}
	k.damaged = find_damage(span_of_bytes(&k.text));
	*out = k;
	return 0;
}

void known_datasets_release(struct known_datasets *k)
{
	bytes_release(&k->text);
	free(k->path);
	*k = (struct known_datasets){0};
}

bool known_datasets_is_writable(const struct known_datasets *k)
{
	const char *slash = strrchr(k->path, '/');
	char *directory = slash ? strndup(k->path, (size_t)(slash + 1 - k->path))
				: strdup(".");
	bool writable = directory && access(directory, W_OK) == 0;

	free(directory);
	return writable;
}

static int bad_line(const struct known_datasets *k, const char *prefix, struct trouble *t)
{
	return trouble_set(t, ERR_CORRUPT,
		"%s: the line \"%s...\" is not understood; correct or remove it", k->path,
		prefix);
}

/* What follows `prefix` in the line that begins with it. */
static int find_value(const struct known_datasets *k, const char *prefix, struct span *out,
	struct trouble *t)
{
	struct span text = span_of_bytes(&k->text);

	while (text.size) {
		struct span line = take_line(&text);

		if (!has_prefix(line, prefix))
			continue;
		/* Of a number that was cut, a lower one is left. */
		if (line.data + line.size == k->text.data + k->text.size)
			return bad_line(k, prefix, t);
		*out = span_of(line.data + strlen(prefix), line.size - strlen(prefix));
		return 0;
	}
	if (k->damaged)
		return trouble_set(t, ERR_CORRUPT,
			"%s, line %u, is damaged: correct or remove it", k->path,
			k->damaged);
	return ERR_ABSENT;
}

static int parse_number(struct span text, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (text.size < 1 || text.size >= NUMBER_TEXT)
		return ERR_CORRUPT;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' ||
			__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, text.data[i] - '0', &n) || n > max)
			return ERR_CORRUPT;
	}
	*out = n;
	return 0;
}

/* A line's beginning: its words, a blank behind each. Heap; NULL without memory. */
static char *prefix_of(const char *kind, const char *word, const char *more)
{
	char *prefix;

	if (asprintf(&prefix, "%s %s %s%s", kind, word, more, *more ? " " : "") < 0)
		return NULL;
	return prefix;
}

static char *prefix_of_id(const char *kind, const struct digest *id, const char *more)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(id, hex);
	return prefix_of(kind, hex, more);
}

/* Frees `prefix`. */
static int find_number(const struct known_datasets *k, char *prefix, uint64_t max,
	uint64_t *out, struct trouble *t)
{
	struct span value = {0};
	int rc = prefix ? find_value(k, prefix, &value, t)
			: trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));

	if (!rc && parse_number(value, max, out))
		rc = bad_line(k, prefix, t);
	free(prefix);
	return rc;
}

int known_datasets_revision(const struct known_datasets *k, const struct digest *id,
	uint64_t *out, struct trouble *t)
{
	return find_number(k, prefix_of_id("dataset", id, ""), REVISION_MAX, out, t);
}

int known_datasets_tag(const struct known_datasets *k, const struct digest *id,
	const char *tag, int64_t *created, struct trouble *t)
{
	uint64_t n = 0;
	int rc = find_number(k, prefix_of_id("tag", id, tag), INT64_MAX, &n, t);

	if (!rc)
		*created = (int64_t)n;
	return rc;
}

int known_datasets_by_url(const struct known_datasets *k, const char *url,
	struct digest *out, struct trouble *t)
{
	char *prefix = prefix_of("url", url, "");
	struct span value = {0};
	int rc = prefix ? find_value(k, prefix, &value, t)
			: trouble_set(t, ERR_NO_MEMORY, "%s", error_text(ERR_NO_MEMORY));

	if (!rc && digest_from_hex(value, out))
		rc = bad_line(k, prefix, t);
	free(prefix);
	return rc;
}

/* Takes out the lines that begin so. */
static int remove_lines(struct bytes *text, const char *prefix)
{
	struct bytes kept = {0};
	struct span rest = span_of_bytes(text);
	int rc = 0;

	while (rest.size && !rc) {
		struct span line = take_line(&rest);

		if (has_prefix(line, prefix))
			continue;
		rc = bytes_append(&kept, line.data, line.size);
		if (!rc)
			rc = bytes_append_string(&kept, "\n");
	}
	if (rc) {
		bytes_release(&kept);
		return rc;
	}
	bytes_release(text);
	*text = kept;
	return 0;
}

/* One line that begins so. Frees `prefix`. */
static int set_line(struct bytes *text, char *prefix, const char *value)
{
	int rc = prefix ? remove_lines(text, prefix) : ERR_NO_MEMORY;

	if (!rc)
		rc = bytes_append_string(text, prefix);
	if (!rc)
		rc = bytes_append_string(text, value);
	if (!rc)
		rc = bytes_append_string(text, "\n");
	free(prefix);
	return rc;
}

static int set_number(struct bytes *text, char *prefix, uint64_t n)
{
	char value[NUMBER_TEXT];

	snprintf(value, sizeof value, "%llu", (unsigned long long)n);
	return set_line(text, prefix, value);
}

static int note_url(
	struct known_datasets *k, const struct accepted *a, bool *news, struct trouble *t)
{
	char hex[DIGEST_HEX_SIZE];
	struct digest known;
	int rc = a->url ? known_datasets_by_url(k, a->url, &known, t) : 0;

	if (rc && rc != ERR_ABSENT)
		return rc;
	if (!a->url || (!rc && digest_equal(&known, &a->id)))
		return 0;
	*news = true;
	digest_to_hex(&a->id, hex);
	return set_line(&k->text, prefix_of("url", a->url, ""), hex);
}

static int note_revision(
	struct known_datasets *k, const struct accepted *a, bool *news, struct trouble *t)
{
	uint64_t known = 0;
	int rc = a->revision ? known_datasets_revision(k, &a->id, &known, t) : 0;

	if (rc && rc != ERR_ABSENT)
		return rc;
	if (a->revision <= known)
		return 0;
	*news = true;
	return set_number(&k->text, prefix_of_id("dataset", &a->id, ""), a->revision);
}

static int note_tag(
	struct known_datasets *k, const struct accepted *a, bool *news, struct trouble *t)
{
	int64_t known = -1;
	int rc = a->tag ? known_datasets_tag(k, &a->id, a->tag, &known, t) : 0;

	if (rc && rc != ERR_ABSENT)
		return rc;
	if (!a->tag || a->tag_created <= known)
		return 0;
	*news = true;
	return set_number(
		&k->text, prefix_of_id("tag", &a->id, a->tag), (uint64_t)a->tag_created);
}

static int note_all(
	struct known_datasets *k, const struct accepted *a, bool *news, struct trouble *t)
{
	int rc = note_url(k, a, news, t);

	if (!rc)
		rc = note_revision(k, a, news, t);
	return rc ? rc : note_tag(k, a, news, t);
}

static int known_datasets_store(const struct known_datasets *k, struct trouble *t)
{
	int rc = k->text.size > KNOWN_DATASETS_SIZE_MAX
			 ? ERR_LIMIT
			 : io_replace_file(
				   AT_FDCWD, k->path, span_of_bytes(&k->text), 0600, 1);

	if (rc)
		trouble_set(t, rc, "%s cannot be written: %s", k->path, error_text(rc));
	return rc;
}

/* Changes what the file holds, under the lock. */
typedef int (*known_datasets_fn)(
	struct known_datasets *k, const void *arg, bool *news, struct trouble *t);

static int change_locked(
	const char *keys, known_datasets_fn change, const void *arg, struct trouble *t)
{
	struct known_datasets k = {0};
	bool news = false;
	int fd = -1, rc = known_keys_lock(keys, &fd, t);

	if (rc)
		return rc;
	rc = known_datasets_load(keys, &k, t);
	if (!rc) {
		rc = change(&k, arg, &news, t);
		if (!rc && news)
			rc = known_datasets_store(&k, t);
		known_datasets_release(&k);
	}
	known_keys_unlock(fd);
	if (rc && t && !t->text[0])
		trouble_set(t, rc, "%s", error_text(rc));
	return rc;
}

static int apply_note(
	struct known_datasets *k, const void *arg, bool *news, struct trouble *t)
{
	return note_all(k, arg, news, t);
}

int known_datasets_note(const char *keys, const struct accepted *a, struct trouble *t)
{
	struct known_datasets k = {0};
	bool news = false;
	int rc;

	if (a->url && !known_keys_can_name(a->url))
		return trouble_set(
			t, ERR_INVALID, "%s: a URL cannot have a space in it", a->url);
	rc = known_datasets_load(keys, &k, t);
	if (rc)
		return rc;
	/* Mostly all of it is known, and no lock is needed to see that. */
	rc = note_all(&k, a, &news, t);
	known_datasets_release(&k);
	return rc || !news ? rc : change_locked(keys, apply_note, a, t);
}

struct acceptance {
	const char *url;
	struct digest *id; /* that it held */
};

static int apply_accept(
	struct known_datasets *k, const void *arg, bool *news, struct trouble *t)
{
	const struct acceptance *a = arg;
	char *prefix = prefix_of("url", a->url, "");
	int rc = prefix ? known_datasets_by_url(k, a->url, a->id, t) : ERR_NO_MEMORY;

	if (!rc)
		rc = remove_lines(&k->text, prefix);
	*news = true;
	free(prefix);
	return rc;
}

int known_datasets_accept(
	const char *keys, const char *url, struct digest *id, struct trouble *t)
{
	struct acceptance a = {url, id};

	return change_locked(keys, apply_accept, &a, t);
}

/* A dataset that was forgotten keeps a line, lest an old cache says what it was. */
static int apply_forget(
	struct known_datasets *k, const void *arg, bool *news, struct trouble *t)
{
	const char *url = arg;
	char *prefix = prefix_of("url", url, ""), *tags = NULL;
	struct digest id;
	int rc = prefix ? known_datasets_by_url(k, url, &id, t) : ERR_NO_MEMORY;

	if (!rc)
		rc = remove_lines(&k->text, prefix);
	if (!rc && !(tags = prefix_of_id("tag", &id, "")))
		rc = ERR_NO_MEMORY;
	if (!rc)
		rc = remove_lines(&k->text, tags);
	if (!rc)
		rc = set_number(&k->text, prefix_of_id("dataset", &id, ""), 0);
	*news = true;
	free(prefix);
	free(tags);
	return rc;
}

int known_datasets_forget(const char *keys, const char *url, struct trouble *t)
{
	return change_locked(keys, apply_forget, url, t);
}
