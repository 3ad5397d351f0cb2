/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/prefetcher.h"
#include "cli/progress.h"
#include "cli/reader.h"
#include "util/io.h"

#define CAT_BLOCK (1u << 20)

const struct option_help cat_options_help[] = {READER_OPTIONS_HELP, {0}};

/* Who is told how far it is: only whoever does not see it. */
struct cat {
	struct reader reader;
	struct progress *progress;
	uint64_t written; /* bytes */
};

static int cat_file(
	struct cat *c, const char *path, const struct entry *e, struct trouble *t)
{
	struct reader *r = &c->reader;
	uint8_t *buffer = malloc(CAT_BLOCK);
	uint64_t offset = 0;
	size_t done;
	int rc = buffer ? 0 : trouble_set(t, ERR_NO_MEMORY, "out of memory");

	while (!rc && offset < e->size) {
		prefetcher_ahead(r, e, offset);
		rc = reader_read(r, e, offset, buffer, CAT_BLOCK, &done, t);
		if (rc)
			break;
		if (io_write_full(STDOUT_FILENO, buffer, done)) {
			rc = errno == EPIPE ? ERR_INTERRUPTED
					    : trouble_errno(t, "%s: cannot write", path);
			break;
		}
		offset += done;
		progress_set(c->progress, c->written + offset);
	}
	c->written += offset;
	free(buffer);
	return rc;
}

static int cat_path(struct cat *c, const char *text, struct trouble *t)
{
	struct entry_copy copy = {0};
	char *path = reader_path(text, t);
	int rc = path ? reader_find(&c->reader, path, &copy, NULL, t) : t->code;

	if (!rc && copy.entry.type != ENTRY_FILE)
		rc = trouble_set(t, ERR_INVALID, "%s is not a file", text);
	if (!rc)
		rc = cat_file(c, path, &copy.entry, t);
	entry_copy_release(&copy);
	free(path);
	return rc;
}

/* What is wrong with a path is said when its turn comes. */
static void cat_total(struct cat *c, char **paths, int count)
{
	struct entry_copy copy;
	struct trouble unsaid;
	uint64_t total = 0;

	for (int i = 0; c->progress && i < count; i++) {
		char *path = reader_path(paths[i], &unsaid);

		copy = (struct entry_copy){0};
		if (path && !reader_find(&c->reader, path, &copy, NULL, &unsaid) &&
			copy.entry.type == ENTRY_FILE)
			total = page_bytes_add(total, copy.entry.size);
		entry_copy_release(&copy);
		free(path);
	}
	progress_set_total(c->progress, total);
	progress_say(c->progress, NULL);
}

/* What goes to the terminal or into a pipe is somebody else's to show. */
static bool stdout_is_file(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static int cat_paths(struct cat *c, char **paths, int count)
{
	int status = EXIT_SUCCESS;
	struct trouble t = {0};

	cat_total(c, paths, count);
	for (int i = 0; i < count; i++) {
		int rc = cat_path(c, paths[i], &t);

		if (rc == ERR_INTERRUPTED)
			return EXIT_FAILURE; /* nobody reads on: as cat(1), without a word
					      */
		if (rc)
			status = command_fail("cat", &t);
	}
	return status;
}

int cmd_cat(int argc, char **argv)
{
	struct reader_options o;
	struct cat c = {0};
	struct trouble t = {0};
	int letter, status;
	bool taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1)
		if (reader_option(&o, "cat", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
	if (argc - optind < 2)
		return reader_options_end(
			&o, command_use("cat", "URL and PATH are needed"));
	o.dataset.url = argv[optind++];
	if (stdout_is_file())
		c.progress = progress_new("cat");
	progress_say(c.progress, "opening the dataset");
	if (reader_open(&c.reader, &o, NULL, &t)) {
		status = command_fail("cat", &t);
	} else {
		status = cat_paths(&c, argv + optind, argc - optind);
		reader_close(&c.reader);
	}
	progress_end(c.progress);
	return reader_options_end(&o, status);
}
