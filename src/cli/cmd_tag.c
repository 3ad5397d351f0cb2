/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_output.h"
#include "cli/keys.h"
#include "cli/revisions.h"
#include "cli/size.h"
#include "publish/store_open.h"
#include "publish/tagging.h"
#include "util/clock.h"

enum { OPTION_KEY = OPTION_OWN, OPTION_JSON };

const struct option_help tag_options_help[] = {
	{"delete", 'd', "NAME", "take that tag off"},
	{"key", OPTION_KEY, "FILE",
		"sign with this key (default: ~/.config/cairn/keys/default.pem)"},
	{"json", OPTION_JSON, NULL, "one JSON object a line"},
	{0},
};

struct tag_arguments {
	const char *store, *name, *key;
	uint64_t revision; /* 0: the newest */
	bool is_delete, json;
};

static int print_tag_json(const char *name, uint64_t revision, const char *created,
	const char *change, struct trouble *t)
{
	int rc = json_output(json_pack("{s:s, s:o, s:s*, s:s*}", "tag", name, "revision",
				     revision ? json_output_number(revision) : json_null(),
				     "created", created, "change", change),
		JSON_COMPACT);

	return rc ? trouble_set(t, rc, "%s", error_text(rc)) : 0;
}

static int list_tags(const struct tag_arguments *a, struct trouble *t)
{
	struct known_revision newest = {0};
	struct reader_options o;
	struct revisions r;
	int rc;

	reader_options_init(&o);
	rc = revisions_open(&r, a->store, NULL, &o, &newest, t);
	if (rc)
		return rc;
	for (size_t i = 0; i < r.tag_count && !rc; i++) {
		char created[CLOCK_TEXT_SIZE];

		clock_format(r.tags[i].created, created);
		if (a->json)
			rc = print_tag_json(
				r.tags[i].name, r.tags[i].revision, created, NULL, t);
		else
			printf("%-24s revision %-8llu %s\n", r.tags[i].name,
				(unsigned long long)r.tags[i].revision, created);
	}
	if (!rc && r.unread_tags)
		rc = trouble_set(t, ERR_CORRUPT, "%u tag%s of %s cannot be used",
			r.unread_tags, r.unread_tags == 1 ? "" : "s", a->store);
	known_revision_release(&newest);
	revisions_close(&r);
	return rc;
}

static int put_tag(struct tag_arguments *a, struct store *s, struct trouble *t)
{
	struct private_key *key = NULL;
	bool moved = false;
	int rc = keys_load_own(a->key, &key, t);

	if (!rc)
		rc = tagging_set(s, a->name, &a->revision, key, &moved, t);
	private_key_free(key);
	if (rc || a->json)
		return rc ? rc
			  : print_tag_json(
				    a->name, a->revision, NULL, moved ? "put" : "none", t);
	printf("%s %s revision %llu of %s\n", a->name, moved ? "is now" : "was already",
		(unsigned long long)a->revision, a->store);
	return 0;
}

static int remove_tag(const struct tag_arguments *a, struct store *s, struct trouble *t)
{
	int rc = tagging_remove(s, a->name, t);

	if (rc || a->json)
		return rc ? rc : print_tag_json(a->name, 0, NULL, "removed", t);
	printf("%s is no tag of %s any more\n", a->name, a->store);
	return 0;
}

static int change_tag(struct tag_arguments *a, struct trouble *t)
{
	struct store_open_options options = {.access = STORE_WRITE};
	struct store *s;
	int rc = store_open(a->store, &options, &s, t);

	if (rc)
		return rc;
	rc = a->is_delete ? remove_tag(a, s, t) : put_tag(a, s, t);
	store_close(s);
	return rc;
}

static int take_operands(struct tag_arguments *a, int count, char **operands)
{
	int most = a->is_delete ? 1 : 3;

	if (count < 1 || count > most)
		return command_use("tag", "a STORE is needed, %s",
			a->is_delete ? "and nothing more with --delete"
				     : "then the tag's name and a revision");
	a->store = operands[0];
	if (count > 1)
		a->name = operands[1];
	if (count > 2 &&
		(number_parse(operands[2], REVISION_MAX, &a->revision) || a->revision == 0))
		return command_use("tag", "'%s' is not a revision number", operands[2]);
	return 0;
}

int cmd_tag(int argc, char **argv)
{
	struct tag_arguments a = {0};
	struct trouble t = {0};
	int letter, rc;

	while ((letter = command_getopt(argc, argv)) != -1) {
		if (letter == 'd') {
			a.name = optarg;
			a.is_delete = true;
		} else if (letter == OPTION_KEY) {
			a.key = optarg;
		} else {
			a.json = true;
		}
	}
	rc = take_operands(&a, argc - optind, argv + optind);
	if (rc)
		return rc;
	rc = a.name ? change_tag(&a, &t) : list_tags(&a, &t);
	return rc ? command_fail("tag", &t) : 0;
}
