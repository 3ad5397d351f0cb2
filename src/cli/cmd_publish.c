/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <getopt.h>
#include <jansson.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/keys.h"
#include "cli/profile_file.h"
#include "cli/progress.h"
#include "cli/publish_changes.h"
#include "cli/publish_values.h"
#include "cli/size.h"
#include "format/json_byte_string.h"
#include "publish/publish.h"
#include "publish/store_location.h"
#include "util/clock.h"
#include "util/home.h"
#include "util/io.h"
#include "util/printable.h"

#define EXIT_SKIPPED 3 /* published without what cannot be read */
#define NAMES_TOLD 100 /* of those for which nothing is published */
#define LEVEL_MAX 19
#define JOBS_MAX 256
#define TAGS_MAX 64

enum {
	OPTION_NAME = 300,
	OPTION_TAG,
	OPTION_EXPIRES,
	OPTION_MIRROR,
	OPTION_NO_MIRRORS,
	OPTION_KEY,
	OPTION_NEW_KEY,
	OPTION_LEVEL,
	OPTION_MEMORY,
	OPTION_EXCLUDE,
	OPTION_EXCLUDE_FROM,
	OPTION_INCLUDE,
	OPTION_SKIP_UNREADABLE,
	OPTION_ONE_FILE_SYSTEM,
	OPTION_MTIME,
	OPTION_CLAMP_MTIME,
	OPTION_OWNER,
	OPTION_GROUP,
	OPTION_MODE,
	OPTION_NO_INDEX,
	OPTION_PROFILE,
	OPTION_NO_PROFILE,
	OPTION_VERIFY,
	OPTION_JSON
};

const struct option_help publish_options_help[] = {
	{"name", OPTION_NAME, "NAME",
		"the dataset's name (default: the store's, else SOURCE's)"},
	{"message", 'm', "TEXT", "a line about this revision"},
	{"tag", OPTION_TAG, "TAG", "a name for this revision; may be repeated"},
	{"expires", OPTION_EXPIRES, "TIME",
		"readers refuse it afterwards: 30d, 2027-01-31 (default: never)"},
	{"mirror", OPTION_MIRROR, "URL",
		"where else readers find the store; may be repeated"},
	{"no-mirrors", OPTION_NO_MIRRORS, NULL, "without those of the last revision"},
	{"key", OPTION_KEY, "FILE",
		"sign with this key (default: ~/.config/cairn/keys/default.pem)"},
	{"new-key", OPTION_NEW_KEY, NULL,
		"the store was signed by another key: sign with this one from now on"},
	{"jobs", 'j', "N", "threads (default: one per processor)"},
	{"level", OPTION_LEVEL, "N", "zstd's compression level, 1 to 19 (default: 3)"},
	{"memory", OPTION_MEMORY, "SIZE",
		"memory to use (default: 256M, in a container at most half)"},
	{"exclude", OPTION_EXCLUDE, "PATTERN",
		"leave out what matches, as in .gitignore; may be repeated"},
	{"exclude-from", OPTION_EXCLUDE_FROM, "FILE",
		"leave out what the patterns in this file match; may be repeated"},
	{"include", OPTION_INCLUDE, "PATTERN",
		"take what matches though it is excluded; may be repeated"},
	{"skip-unreadable", OPTION_SKIP_UNREADABLE, NULL,
		"publish without what cannot be read, and list it: exit 3"},
	{"one-file-system", OPTION_ONE_FILE_SYSTEM, NULL,
		"do not enter what is mounted in SOURCE"},
	{"mtime", OPTION_MTIME, "TIME|FILE",
		"the modification time of everything: a time, or that of a file"},
	{"clamp-mtime", OPTION_CLAMP_MTIME, NULL, "only of what is newer than --mtime"},
	{"owner", OPTION_OWNER, "USER", "the owner of everything: a name or a number"},
	{"group", OPTION_GROUP, "GROUP", "the group of everything: a name or a number"},
	{"mode", OPTION_MODE, "CHANGES", "permissions, as chmod(1) changes them"},
	{"profile", OPTION_PROFILE, "FILE",
		"what programs read first, for -o profile=auto: of cairn trace"},
	{"no-profile", OPTION_NO_PROFILE, NULL, "without that of the last revision"},
	{"dry-run", 'n', NULL, "say what would change, and write nothing"},
	{"verbose", 'v', NULL, "with --dry-run: name each change"},
	{"no-index", OPTION_NO_INDEX, NULL,
		"read every file, also those that look unchanged"},
	{"verify", OPTION_VERIFY, NULL,
		"decode every blob that is there already, before relying on it"},
	{"json", OPTION_JSON, NULL, "print the summary as JSON"},
	{0},
};

struct arguments {
	struct publish_options o;
	const char *key, *profile;
	bool no_index, json;
	uint64_t number;
	struct ignore *ignore;
	struct overrides overrides;
	bool clamp, no_mirrors;
	struct publish_changes changes;
	const char *tags[TAGS_MAX];
	const char *mirrors[MANIFEST_MIRRORS_MAX];
	struct unreadable unreadable;
};

/* An option that may be repeated; 0 or EXIT_USE. */
static int take_another(const char **list, size_t *count, size_t most, const char *what)
{
	if (*count == most)
		return command_use("publish", "at most %zu %s can be given", most, what);
	list[(*count)++] = optarg;
	return 0;
}

/* An option about what is published instead of what there is; 0 or EXIT_USE. */
static int take_override(struct arguments *a, int letter)
{
	struct trouble t = {0};

	if (letter == OPTION_MTIME)
		publish_values_mtime(optarg, &a->overrides, &t);
	else if (letter == OPTION_OWNER)
		publish_values_owner(optarg, &a->overrides, &t);
	else if (letter == OPTION_GROUP)
		publish_values_group(optarg, &a->overrides, &t);
	else if (letter == OPTION_MODE)
		publish_values_mode(optarg, &a->overrides, &t);
	else /* OPTION_EXPIRES */
		publish_values_expires(
			optarg, clock_realtime() / NS_PER_SECOND, &a->o.expires, &t);
	return t.code ? command_use("publish", "%s", t.text) : 0;
}

static int need_ignore(struct arguments *a)
{
	if (!a->ignore)
		a->ignore = ignore_new();
	a->o.ignore = a->ignore;
	return a->ignore ? 0 : ERR_NO_MEMORY;
}

static int take_pattern(
	struct arguments *a, int (*add)(struct ignore *g, const char *pattern))
{
	int rc = need_ignore(a);

	if (!rc)
		rc = add(a->ignore, optarg);
	if (rc == ERR_INVALID)
		return command_use("publish", "no name can match the pattern '%s'", optarg);
	return rc ? command_use(
			    "publish", "the pattern '%.100s': %s", optarg, error_text(rc))
		  : 0;
}

/* "-" is standard input. */
static int take_pattern_file(struct arguments *a)
{
	const char *path = strcmp(optarg, "-") == 0 ? "/dev/stdin" : optarg;
	struct bytes text = {0};
	int rc = need_ignore(a);

	if (!rc)
		rc = io_read_file(AT_FDCWD, path, IGNORE_FILE_SIZE_MAX, &text);
	if (!rc)
		rc = ignore_exclude_lines(a->ignore, span_of_bytes(&text));
	bytes_release(&text);
	return rc ? command_use("publish", "cannot read the patterns in %s: %s", optarg,
			    error_text(rc))
		  : 0;
}

/* An option with a number or a list; 0 or EXIT_USE. */
static int take_value(struct arguments *a, int letter)
{
	switch (letter) {
	case 'j':
		if (number_parse(optarg, JOBS_MAX, &a->number) || a->number == 0)
			return command_use(
				"publish", "--jobs takes a number from 1 to %d", JOBS_MAX);
		a->o.jobs = (unsigned)a->number;
		return 0;
	case OPTION_LEVEL:
		if (number_parse(optarg, LEVEL_MAX, &a->number) || a->number == 0)
			return command_use("publish", "--level takes a number from 1 to %d",
				LEVEL_MAX);
		a->o.level = (int)a->number;
		return 0;
	case OPTION_MEMORY:
		if (size_parse(optarg, &a->o.memory))
			return command_use(
				"publish", "--memory takes a size, such as 512M");
		return 0;
	case OPTION_EXCLUDE_FROM:
		return take_pattern_file(a);
	case OPTION_INCLUDE:
		return take_pattern(a, ignore_include);
	case OPTION_EXCLUDE:
		return take_pattern(a, ignore_exclude);
	case OPTION_TAG:
		return take_another(a->tags, &a->o.tag_count, TAGS_MAX, "tags");
	case OPTION_MIRROR:
		return take_another(
			a->mirrors, &a->o.mirror_count, MANIFEST_MIRRORS_MAX, "mirrors");
	default:
		return take_override(a, letter);
	}
}

static int take_option(struct arguments *a, int letter)
{
	if (letter == OPTION_NAME)
		a->o.name = optarg;
	else if (letter == 'm')
		a->o.message = optarg;
	else if (letter == OPTION_KEY)
		a->key = optarg;
	else if (letter == 'n')
		a->o.dry_run = true;
	else if (letter == 'v')
		a->changes.names = true;
	else if (letter == OPTION_CLAMP_MTIME)
		a->clamp = true;
	else if (letter == OPTION_NO_MIRRORS)
		a->no_mirrors = true;
	else if (letter == OPTION_NEW_KEY)
		a->o.new_key = true;
	else if (letter == OPTION_ONE_FILE_SYSTEM)
		a->o.one_file_system = true;
	else if (letter == OPTION_SKIP_UNREADABLE)
		a->o.skip_unreadable = true;
	else if (letter == OPTION_PROFILE)
		a->profile = optarg;
	else if (letter == OPTION_NO_PROFILE)
		a->o.no_profile = true;
	else if (letter == OPTION_NO_INDEX)
		a->no_index = true;
	else if (letter == OPTION_VERIFY)
		a->o.verify = true;
	else if (letter == OPTION_JSON)
		a->json = true;
	else
		return take_value(a, letter);
	return 0;
}

/* What options mean together, and SOURCE_DATE_EPOCH with them. */
static int finish_arguments(struct arguments *a)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	struct trouble t = {0};

	if (a->profile && a->o.no_profile)
		return command_use(
			"publish", "--profile and --no-profile exclude each other");
	if (a->no_mirrors && a->o.mirror_count > 0)
		return command_use(
			"publish", "--mirror and --no-mirrors exclude each other");
	if (a->clamp && !a->overrides.has_mtime)
		return command_use("publish", "--clamp-mtime goes with --mtime");
	a->overrides.clamp = a->clamp;
	a->o.has_created = epoch && *epoch != '\0';
	if (a->o.has_created &&
		publish_values_epoch(epoch, &a->overrides, &a->o.created, &t))
		return command_use("publish", "%s", t.text);
	a->o.tags = a->tags;
	if (a->no_mirrors || a->o.mirror_count > 0)
		a->o.mirrors = a->mirrors;
	a->o.overrides = &a->overrides;
	a->changes.json = a->json;
	a->o.change = publish_changes_tell;
	a->o.change_ctx = &a->changes;
	return 0;
}

static int take_arguments(struct arguments *a, int argc, char **argv)
{
	int letter, rc = 0;

	while (!rc && (letter = command_getopt(argc, argv)) != -1)
		rc = take_option(a, letter);
	if (rc)
		return rc;
	if (argc - optind != 2) {
		command_use(
			"publish", "a SOURCE directory and a STORE directory are needed");
		return EXIT_USE;
	}
	a->o.source = argv[optind];
	a->o.store = argv[optind + 1];
	return finish_arguments(a);
}

/* A slip in a name should not leave a new key behind. */
static int check_names(const struct publish_options *o, struct trouble *t)
{
	int fd = open(o->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store_location store;
	int rc;

	if (fd < 0)
		return trouble_errno(t, "cannot open the source %s", o->source);
	close(fd);
	rc = store_location_find(o->store, &store, t);
	if (!rc)
		store_location_release(&store);
	return rc;
}

/* Who only asks needs none, and makes none. */
static int dry_key(const char *given, struct private_key **key, struct trouble *t)
{
	char *path;
	int rc;

	if (given)
		return keys_load(given, key, t);
	path = keys_path("default", t);
	if (!path)
		return t->code;
	rc = keys_load(path, key, t);
	free(path);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* The user's own key is made when it is first needed. */
static int default_key(struct private_key **key, struct trouble *t)
{
	char *path = keys_path("default", t), text[PUBLIC_KEY_TEXT_SIZE];
	struct public_key public;
	int rc;

	if (!path)
		return t->code;
	rc = keys_load(path, key, t);
	if (rc == ERR_ABSENT) {
		rc = keys_make(path, key, t);
		if (!rc) {
			public = private_key_public(*key);
			public_key_to_text(&public, text);
			fprintf(stderr,
				"made the signing key %s; its public key, for "
				"cairn mount --trust, is %s\n",
				path, text);
		}
	}
	free(path);
	return rc;
}

static int publish_find_key(
	const struct arguments *a, struct private_key **key, struct trouble *t)
{
	if (a->o.dry_run)
		return dry_key(a->key, key, t);
	return a->key ? keys_load(a->key, key, t) : default_key(key, t);
}

static void show_progress(void *ctx, const struct publish_progress *p)
{
	char note[96], size[SIZE_TEXT];

	if (p->recovering)
		snprintf(note, sizeof note, "%llu blobs of an interrupted publish",
			(unsigned long long)p->entries);
	else if (p->counting)
		snprintf(note, sizeof note, "%llu entries to look at",
			(unsigned long long)p->entries_total);
	else
		snprintf(note, sizeof note, "%llu of %llu entries, %s new",
			(unsigned long long)p->entries,
			(unsigned long long)p->entries_total,
			size_text(p->new_bytes, size));
	progress_say(ctx, note);
	progress_set_total(ctx, p->counting || p->recovering ? 0 : p->bytes_total);
	progress_set(ctx, p->bytes);
}

static double seconds(const struct publish_result *r)
{
	return (double)r->took_ns / (double)NS_PER_SECOND;
}

static void print_text(const struct arguments *a, const struct publish_result *r)
{
	char bytes[SIZE_TEXT], stored[SIZE_TEXT], new[SIZE_TEXT];

	if (a->o.dry_run && r->unchanged) {
		printf("nothing would change: revision %llu of %s stands\n",
			(unsigned long long)r->revision, a->o.store);
	} else if (a->o.dry_run) {
		printf("would publish revision %llu to %s: ",
			(unsigned long long)r->revision, a->o.store);
		publish_changes_print(&a->changes);
		printf("\n");
	} else if (r->unchanged)
		printf("nothing changed: revision %llu of %s stands\n",
			(unsigned long long)r->revision, a->o.store);
	else
		printf("published revision %llu to %s\n", (unsigned long long)r->revision,
			a->o.store);
	printf("%llu entries, %llu files, %s (%s stored)\n",
		(unsigned long long)r->totals.entries, (unsigned long long)r->totals.files,
		size_text(r->totals.bytes, bytes), size_text(r->totals.stored, stored));
	printf("%llu new blobs, %s new, in %.1f s\n", (unsigned long long)r->new_blobs,
		size_text(r->new_bytes, new), seconds(r));
	if (r->vanished > 0)
		printf("%llu names vanished meanwhile and are left out\n",
			(unsigned long long)r->vanished);
	if (a->unreadable.count > 0)
		printf("%llu names could not be read and are left out\n",
			(unsigned long long)a->unreadable.count);
}

/* On stderr, a note for each name, `most` at most. */
static void print_unreadable(const struct unreadable *u, uint64_t most)
{
	const char *path, *reason;
	uint64_t told = 0;
	size_t at = 0;

	while (told < most && unreadable_next(u, &at, &path, &reason)) {
		char *line;

		if (asprintf(&line, "cannot read '%s': %s", path, reason) < 0)
			break;
		printable_clean(line);
		fprintf(stderr, "cairn: %s\n", line);
		free(line);
		told++;
	}
	if (u->count > told)
		fprintf(stderr, "cairn: and %llu more\n",
			(unsigned long long)(u->count - told));
}

static json_t *unreadable_json(const struct unreadable *u)
{
	json_t *list = json_array();
	const char *path, *reason;
	size_t at = 0;

	while (list && unreadable_next(u, &at, &path, &reason))
		json_array_append_new(list, json_pack("{s:o, s:o}", "path",
						    json_byte_string(span_of_string(path)),
						    "reason", json_output_words(reason)));
	return list;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static int publish_json(
	const struct arguments *a, const struct publish_result *r, struct trouble *t)
{
	char root[DIGEST_HEX_SIZE];
	json_t *o;
	int rc;

	digest_to_hex(&r->root, root);
	o = json_pack("{s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		      "s:o, s:f, "
		      "s:o, s:o, s:o}",
		"store", json_byte_string(span_of_string(a->o.store)), "revision",
		number(r->revision), "unchanged", (int)r->unchanged, "root", root,
		"entries", number(r->totals.entries), "files", number(r->totals.files),
		"bytes", number(r->totals.bytes), "objects", number(r->totals.objects),
		"stored", number(r->totals.stored), "new_blobs", number(r->new_blobs),
		"new_bytes", number(r->new_bytes), "delta_blobs", number(r->delta_blobs),
		"damaged_blobs", number(r->damaged_blobs), "read_bytes",
		number(r->read_bytes), "seconds", seconds(r), "vanished",
		number(r->vanished), "unreadable_count", number(a->unreadable.count),
		"unreadable", unreadable_json(&a->unreadable));
	if (o && a->o.dry_run)
		json_object_set_new(o, "changes", publish_changes_json(&a->changes));
	/* with the changes: a line for each, and this for the last */
	rc = json_output(o, a->o.dry_run ? JSON_COMPACT : JSON_INDENT(1));
	if (rc)
		trouble_set(t, rc, "%s: it is published; the summary cannot be printed: %s",
			a->o.store, error_text(rc));
	return rc;
}

/* The index is a cache: what it holds can be found again. */
static char *index_directory(void)
{
	char *cache = home_cache_directory(), *path = NULL;

	if (cache && asprintf(&path, "%s-publish", cache) < 0)
		path = NULL;
	free(cache);
	return path;
}

static int publish_run(
	struct arguments *a, const struct private_key *key, struct trouble *t)
{
	struct progress *progress = progress_new("publish");
	char *index = a->no_index ? NULL : index_directory();
	struct publish_result result;
	int rc;

	a->o.key = key;
	a->o.index_dir = index;
	a->o.unreadable = &a->unreadable;
	a->o.temporary = getenv("TMPDIR");
	if (!a->o.temporary || *a->o.temporary != '/')
		a->o.temporary = "/var/tmp"; /* /tmp may be memory */
	a->o.log = log_new_stderr(LOG_LEVEL_WARNING);
	log_before_line(a->o.log, progress_hide);
	if (progress) {
		a->o.progress = show_progress;
		a->o.ctx = progress;
	}
	rc = publish(&a->o, &result, t);
	progress_end(progress);
	if (!rc)
		print_unreadable(&a->unreadable, UINT64_MAX);
	else if (a->unreadable.count > 1)
		print_unreadable(&a->unreadable, NAMES_TOLD);
	if (!rc && a->json)
		rc = publish_json(a, &result, t);
	else if (!rc)
		print_text(a, &result);
	log_free(a->o.log);
	free(index);
	return rc;
}

int cmd_publish(int argc, char **argv)
{
	struct arguments *a = calloc(1, sizeof *a);
	struct private_key *key = NULL;
	struct profile *profile = NULL;
	struct trouble t = {.code = ERR_NO_MEMORY};
	int status;

	if (!a)
		return command_fail("publish", &t);
	status = take_arguments(a, argc, argv);
	if (!status) {
		int rc = check_names(&a->o, &t);

		if (!rc && a->profile)
			rc = profile_file_read(a->profile, &profile, &t);
		a->o.profile = profile;
		if (!rc)
			rc = publish_find_key(a, &key, &t);
		if (!rc)
			rc = publish_run(a, key, &t);
		if (rc)
			status = command_fail("publish", &t);
		else
			status = a->unreadable.count > 0 ? EXIT_SKIPPED : EXIT_SUCCESS;
	}
	if (key)
		private_key_free(key);
	profile_free(profile);
	ignore_free(a->ignore);
	unreadable_release(&a->unreadable);
	free(a);
	return status;
}
