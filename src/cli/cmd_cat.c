/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/prefetcher.h"
#include "cli/reader.h"
#include "util/io.h"

#define CAT_BLOCK (1u << 20)

const struct option_help cat_options_help[] = {READER_OPTIONS_HELP, {0}};

static int cat_file(
	struct reader *r, const char *path, const struct entry *e, struct trouble *t)
{
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
	}
	free(buffer);
	return rc;
}

static int cat_path(struct reader *r, const char *text, struct trouble *t)
{
	struct entry_copy copy = {0};
	char *path = reader_path(text, t);
	int rc = path ? reader_find(r, path, &copy, NULL, t) : t->code;

	if (!rc && copy.entry.type != ENTRY_FILE)
		rc = trouble_set(t, ERR_INVALID, "%s is not a file", text);
	if (!rc)
		rc = cat_file(r, path, &copy.entry, t);
	entry_copy_release(&copy);
	free(path);
	return rc;
}

int cmd_cat(int argc, char **argv)
{
	struct reader_options o;
	struct reader r;
	struct trouble t = {0};
	int letter, status = EXIT_SUCCESS;
	bool taken;

	reader_options_init(&o);
	while ((letter = command_getopt(argc, argv)) != -1)
		if (reader_option(&o, "cat", letter, optarg, &taken))
			return reader_options_end(&o, EXIT_USE);
	if (argc - optind < 2)
		return reader_options_end(
			&o, command_use("cat", "URL and PATH are needed"));
	o.dataset.url = argv[optind++];
	if (reader_open(&r, &o, NULL, &t))
		return reader_options_end(&o, command_fail("cat", &t));
	for (; optind < argc; optind++) {
		int rc = cat_path(&r, argv[optind], &t);

		if (rc == ERR_INTERRUPTED)
			break; /* nobody reads on: as cat(1), without a word */
		if (rc)
			status = command_fail("cat", &t);
	}
	reader_close(&r);
	return reader_options_end(&o, status);
}
