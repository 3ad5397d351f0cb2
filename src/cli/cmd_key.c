/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/entry_text.h"
#include "cli/keys.h"
#include "dataset/known_datasets.h"
#include "dataset/known_keys.h"
#include "dataset/url.h"

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

/* What the dataset that the URL holds was seen at, where that is known. */
static void print_seen(const struct known_datasets *k, const char *url)
{
	struct digest id;
	uint64_t revision;

	if (known_datasets_by_url(k, url, &id, NULL))
		return;
	if (!known_datasets_revision(k, &id, &revision, NULL) && revision)
		printf(" revision %llu", (unsigned long long)revision);
}

static int print_known(void *ctx, struct span url, const struct public_key *key)
{
	char text[PUBLIC_KEY_TEXT_SIZE], *copy = span_to_string(url);

	if (!copy)
		return ERR_NO_MEMORY;
	public_key_to_text(key, text);
	put_name(stdout, url);
	printf(" %s", text);
	print_seen(ctx, copy);
	putchar('\n');
	free(copy);
	return 0;
}

/* The keys that were accepted for URLs. */
static int key_known(const char *keys, struct trouble *t)
{
	struct known_datasets known;
	int rc = known_datasets_load(keys, &known, t);

	if (rc)
		return rc;
	rc = known_keys_each(keys, print_known, &known, t);
	known_datasets_release(&known);
	return rc;
}

static int key_forget(const char *keys, const char *given, struct trouble *t)
{
	char *url = NULL;
	int rc = url_normalise(given, &url, t), seen;

	if (rc)
		return rc;
	/* What was seen first: a key that is known protects it. */
	seen = known_datasets_forget(keys, url, t);
	rc = seen && seen != ERR_ABSENT ? seen : known_keys_remove(keys, url, t);
	if (rc == ERR_ABSENT && !seen)
		rc = 0;
	if (rc == ERR_ABSENT)
		trouble_set(t, rc, "%s is not known (see `cairn key known`)", url);
	free(url);
	return rc;
}

/* What the URL holds next is accepted, whatever it held. */
static int key_accept(const char *keys, const char *given, struct trouble *t)
{
	char *url = NULL, hex[DIGEST_HEX_SIZE];
	struct digest id;
	int rc = url_normalise(given, &url, t);

	if (rc)
		return rc;
	rc = known_datasets_accept(keys, url, &id, t);
	if (!rc) {
		digest_to_hex(&id, hex);
		printf("%s held the dataset %.16s; whichever it holds when it is read "
		       "next is accepted\n",
			url, hex);
	} else if (rc == ERR_ABSENT) {
		trouble_set(
			t, rc, "no dataset is known at %s (see `cairn key known`)", url);
	}
	free(url);
	return rc;
}

static bool is_about_readers(const char *verb)
{
	return strcmp(verb, "known") == 0 || strcmp(verb, "forget") == 0 ||
	       strcmp(verb, "accept") == 0;
}

static int reader_verb(
	const char *keys, const char *verb, const char *url, struct trouble *t)
{
	if (strcmp(verb, "known") == 0)
		return key_known(keys, t);
	if (strcmp(verb, "forget") == 0)
		return key_forget(keys, url, t);
	return key_accept(keys, url, t);
}

static int key_of_readers(const char *verb, const char *url)
{
	bool takes_url = strcmp(verb, "known") != 0;
	struct trouble t = {0};
	char *keys;
	int rc;

	if (takes_url != (url != NULL))
		return command_use(
			"key", takes_url ? "%s takes a URL" : "%s takes no URL", verb);
	keys = known_keys_file(NULL);
	rc = keys ? reader_verb(keys, verb, url, &t)
		  : trouble_set(&t, ERR_NO_MEMORY, "out of memory");
	free(keys);
	return rc ? command_fail("key", &t) : EXIT_SUCCESS;
}

/* What a verb would take and not look at. */
static int check_operands(const char *verb, bool file, bool operand)
{
	bool list = strcmp(verb, "list") == 0;

	if (file && (list || is_about_readers(verb)))
		return command_use("key", "%s takes no --file", verb);
	if (file && operand)
		return command_use("key", "give a NAME or --file, not both");
	if (list && operand)
		return command_use("key", "list takes no NAME");
	return 0;
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
	static const char *const verbs[] = {
		"make", "show", "name", "list", "known", "accept", "forget"};
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
		return command_use("key",
			"one of make, show, name, list, known, accept, forget is needed");
	if (argc - optind > 2)
		return command_use("key", "at most one NAME or URL");
	if (check_operands(verb, file, optind + 1 < argc))
		return EXIT_USE;
	if (is_about_readers(verb))
		return key_of_readers(verb, optind + 1 < argc ? argv[optind + 1] : NULL);
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
