/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "util/io.h"

extern const struct fuzz_target fuzz_access_log, fuzz_answer_head, fuzz_base_url, fuzz_blob,
	fuzz_books, fuzz_cache_control, fuzz_credentials, fuzz_dataset_record, fuzz_extents,
	fuzz_known_datasets, fuzz_known_keys, fuzz_manifest, fuzz_page, fuzz_page_view,
	fuzz_printable, fuzz_profile, fuzz_public_key, fuzz_recipe, fuzz_record,
	fuzz_redirect, fuzz_serve_request, fuzz_size, fuzz_structure, fuzz_tag;

const struct fuzz_target *const fuzz_targets[] = {
	/* format */
	&fuzz_blob, &fuzz_extents, &fuzz_manifest, &fuzz_page, &fuzz_page_view,
	&fuzz_profile, &fuzz_public_key, &fuzz_recipe, &fuzz_tag,
	/* net */
	&fuzz_access_log, &fuzz_answer_head, &fuzz_base_url, &fuzz_cache_control,
	&fuzz_credentials, &fuzz_redirect, &fuzz_serve_request,
	/* cache/meta */
	&fuzz_books, &fuzz_dataset_record, &fuzz_record, &fuzz_structure,
	/* dataset, cli, util */
	&fuzz_known_datasets, &fuzz_known_keys, &fuzz_printable, &fuzz_size, NULL};

const struct fuzz_target *fuzz_find(const char *name)
{
	const struct fuzz_target *const *t = fuzz_targets;

	while (*t && strcmp((*t)->name, name) != 0)
		t++;
	return *t;
}

static char place[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void remove_place(void)
{
	nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In memory where there is such a place: thousands of files a second. */
static void make_place(void)
{
	const char *top = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	snprintf(place, sizeof place, "%s/cairn-fuzz-XXXXXX", top);
	must(mkdtemp(place));
	atexit(remove_place);
}

const char *fuzz_path_of(const char *name)
{
	static char path[128];

	if (!place[0])
		make_place();
	snprintf(path, sizeof path, "%s/%s", place, name);
	return path;
}

const char *fuzz_file_of(const char *name, const uint8_t *data, size_t size)
{
	const char *path = fuzz_path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && io_write_full(fd, data, size) == 0);
	close(fd);
	return path;
}

char *fuzz_take_line(struct span *rest)
{
	const uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	char *line = span_to_string(span_of(rest->data, size));

	must(line);
	size += end != NULL;
	*rest = span_of(size ? rest->data + size : rest->data, rest->size - size);
	return line;
}

/* libFuzzer's way in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_target *target;

	if (!target) {
		const char *name = getenv("FUZZ_TARGET");

		target = name ? fuzz_find(name) : NULL;
		must(target);
	}
	target->run(data, size);
	return 0;
}
