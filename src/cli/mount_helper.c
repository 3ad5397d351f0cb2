/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

bool mount_helper_is(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "mount.cairn") == 0;
}

/* NULL: there are none. */
static void drop_rw(char *options)
{
	char *start = options, *to = options, *word;

	if (!options)
		return;
	while ((word = strsep(&options, ","))) {
		size_t size = strlen(word);

		if (size == 0 || strcmp(word, "rw") == 0)
			continue;
		if (to > start)
			*to++ = ',';
		memmove(to, word, size);
		to += size;
	}
	*to = '\0';
}

/* One argument that begins with '-'; takes its value from behind it. */
static int flags(struct mount_helper *h, char ***at, char **options, bool *verbose)
{
	char *letters = **at + 1;

	for (; *letters; letters++) {
		switch (*letters) {
		case 'f':
			h->fake = true;
			break;
		case 'v':
			*verbose = true;
			break;
		case 's':
		case 'n':
			break;
		case 'o':
		case 'N':
		case 't':
			if (letters[1] || !(*at)[1] || (*letters == 'o' && *options))
				return ERR_INVALID;
			++*at;
			if (*letters == 'o')
				*options = **at;
			return 0;
		default:
			return ERR_INVALID;
		}
	}
	return 0;
}

int mount_helper_parse(char **argv, struct mount_helper *out)
{
	struct mount_helper h = {.argv = {(char *)"mount"}, .argc = 1};
	char *options = NULL;
	bool verbose = false;

	for (char **at = argv + 1; *at; at++) {
		if (**at == '-') {
			if (flags(&h, &at, &options, &verbose))
				return ERR_INVALID;
		} else if (h.argc < 3) {
			h.argv[h.argc++] = *at;
		} else {
			return ERR_INVALID;
		}
	}
	if (h.argc != 3)
		return ERR_INVALID;
	drop_rw(options);
	if (options && *options) {
		h.argv[h.argc++] = (char *)"-o";
		h.argv[h.argc++] = options;
	}
	if (verbose)
		h.argv[h.argc++] = (char *)"-v";
	*out = h;
	return 0;
}

int mount_helper_run(char **argv)
{
	struct mount_helper h;

	if (mount_helper_parse(argv, &h)) {
		fprintf(stderr,
			"mount.cairn: use: mount.cairn URL MOUNTPOINT [-o OPTIONS]\n");
		return EXIT_USE;
	}
	return h.fake ? EXIT_SUCCESS : cmd_mount(h.argc, h.argv);
}
