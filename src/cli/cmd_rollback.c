/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/keys.h"
#include "cli/progress.h"
#include "cli/size.h"
#include "publish/rollback.h"
#include "publish/store_open.h"

enum { OPTION_KEY = 300, OPTION_TAG_IT, OPTION_JSON };

const struct option_help rollback_options_help[] = {
	{"message", 'm', "TEXT", "a line about the new revision"},
	{"tag", OPTION_TAG_IT, "TAG", "a name for the new revision"},
	{"key", OPTION_KEY, "FILE",
		"sign with this key (default: ~/.config/cairn/keys/default.pem)"},
	{"json", OPTION_JSON, NULL, "print the summary as JSON"},
	{0},
};

struct rollback_arguments {
	struct rollback_options o;
	const char *store, *key;
	bool json;
};

static void rollback_show_progress(void *ctx, uint64_t blobs)
{
	char note[64];

	snprintf(note, sizeof note, "%llu blobs are there", (unsigned long long)blobs);
	progress_say(ctx, note);
}

static int rollback_print(const struct rollback_arguments *a,
	const struct rollback_result *r, struct trouble *t)
{
	char root[DIGEST_HEX_SIZE], bytes[SIZE_TEXT];
	int rc;

	if (!a->json && r->unchanged)
		printf("nothing to do: revision %llu of %s holds what revision %llu held\n",
			(unsigned long long)r->revision, a->store,
			(unsigned long long)a->o.revision);
	else if (!a->json)
		printf("published revision %llu to %s: revision %llu again, %llu entries, "
		       "%s\n",
			(unsigned long long)r->revision, a->store,
			(unsigned long long)a->o.revision,
			(unsigned long long)r->totals.entries,
			size_text(r->totals.bytes, bytes));
	if (!a->json)
		return 0;
	digest_to_hex(&r->root, root);
	rc = json_output(
		json_pack("{s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o}", "revision",
			json_output_number(r->revision), "from",
			json_output_number(a->o.revision), "unchanged", (int)r->unchanged,
			"root", root, "blobs", json_output_number(r->blobs), "entries",
			json_output_number(r->totals.entries), "files",
			json_output_number(r->totals.files), "bytes",
			json_output_number(r->totals.bytes)),
		JSON_INDENT(1));
	return rc ? trouble_set(t, rc, "it is published; the summary cannot be printed: %s",
			    error_text(rc))
		  : 0;
}

static int rollback_start(struct rollback_arguments *a, struct trouble *t)
{
	struct store_open_options options = {.access = STORE_WRITE};
	struct rollback_result result;
	struct private_key *key = NULL;
	struct progress *progress;
	int rc = keys_load_own(a->key, &key, t);

	if (!rc)
		rc = store_open(a->store, &options, &a->o.store, t);
	if (!rc) {
		progress = progress_new("rollback");
		a->o.key = key;
		a->o.progress = rollback_show_progress;
		a->o.ctx = progress;
		rc = rollback(&a->o, &result, t);
		progress_end(progress);
	}
	store_close(a->o.store);
	private_key_free(key);
	return rc ? rc : rollback_print(a, &result, t);
}

int cmd_rollback(int argc, char **argv)
{
	struct rollback_arguments a = {0};
	struct trouble t = {0};
	int letter;

	while ((letter = command_getopt(argc, argv)) != -1) {
		if (letter == 'm')
			a.o.message = optarg;
		else if (letter == OPTION_TAG_IT)
			a.o.tag = optarg;
		else if (letter == OPTION_KEY)
			a.key = optarg;
		else
			a.json = true;
	}
	if (argc - optind != 2)
		return command_use("rollback", "a STORE and a revision number are needed");
	a.store = argv[optind];
	if (number_parse(argv[optind + 1], REVISION_MAX, &a.o.revision) || !a.o.revision)
		return command_use(
			"rollback", "'%s' is not a revision number", argv[optind + 1]);
	return rollback_start(&a, &t) ? command_fail("rollback", &t) : 0;
}
