/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/keys.h"

const struct option_help key_options_help[] = {
	{"file", 'f', "FILE", "the key file instead of ~/.config/cairn/keys/NAME.pem"},
	{0},
};

static int key_show(const char *path, const char *name, bool short_name, struct trouble *t)
{
	struct private_key *key;
	struct public_key public;
	char text[PUBLIC_KEY_TEXT_SIZE], id[KEY_NAME_SIZE];
	int rc = keys_load(path, &key, t);

	if (rc)
		return rc;
	public = private_key_public(key);
	private_key_free(key);
	public_key_to_text(&public, text);
	public_key_name(&public, id);
	if (short_name)
		printf("%s\n", id);
	else if (name)
		printf("%s %s %s\n", name, id, text);
	else
		printf("%s\n", text);
	return 0;
}

static int list_one(void *ctx, const char *name, const char *path)
{
	struct trouble t = {0};

	(void)ctx;
	if (key_show(path, name, false, &t))
		command_fail("key", &t);
	return 0;
}

static int key_make(const char *path, struct trouble *t)
{
	struct private_key *key;
	int rc = keys_make(path, &key, t);

	if (rc)
		return rc;
	private_key_free(key);
	fprintf(stderr, "made %s; keep it safe: whoever has it can publish in your name\n",
		path);
	return key_show(path, NULL, false, t);
}

static int key_verb(const char *verb, const char *path, struct trouble *t)
{
	if (strcmp(verb, "make") == 0)
		return key_make(path, t);
	if (strcmp(verb, "show") == 0)
		return key_show(path, NULL, false, t);
	return key_show(path, NULL, true, t);
}

int cmd_key(int argc, char **argv)
{
	static const char *const verbs[] = {"make", "show", "name", "list"};
	struct trouble t = {0};
	char *file = NULL, *path;
	const char *verb = NULL;
	int rc;

	while (command_getopt(argc, argv) != -1)
		file = optarg;
	for (unsigned i = 0; optind < argc && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[optind], verbs[i]) == 0)
			verb = verbs[i];
	if (!verb)
		return command_use("key", "one of make, show, name, list is needed");
	if (argc - optind > 2)
		return command_use("key", "at most one NAME");
	if (strcmp(verb, "list") == 0)
		return keys_each(list_one, NULL, &t) ? command_fail("key", &t)
						     : EXIT_SUCCESS;
	path = file ? strdup(file)
		    : keys_path(optind + 1 < argc ? argv[optind + 1] : "default", &t);
	if (!path)
		return command_fail("key", &t);
	rc = key_verb(verb, path, &t);
	free(path);
	return rc ? command_fail("key", &t) : EXIT_SUCCESS;
}
