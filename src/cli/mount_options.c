/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_options.h"

#include <string.h>
#include <unistd.h>

#include "cli/metrics_where.h"
#include "cli/size.h"

#define SECONDS_PER_DAY 86400
#define SCRUB_DAYS_DEFAULT 7
#define SCRUB_DAYS_MAX 3650
#define FOLLOW_DEFAULT 60   /* seconds */
#define FOLLOW_MAX 31536000 /* a year */

/* What mount(8) and fstab may pass that means nothing here, or what we do anyway. */
static const char *const ignored[] = {"ro", "defaults", "auto", "noauto", "user", "nouser",
	"users", "owner", "group", "_netdev", "nofail", "nosuid", "nodev", "async", "atime",
	"relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime",
	"diratime", "nodiratime", "iversion", "noiversion", "silent", "loud", "mand",
	"nomand", "default_permissions", NULL};
static const char *const ignored_prefixes[] = {"x-", "X-", "comment=", "user=", NULL};
/* For libfuse as they are. */
static const char *const passed[] = {"exec", "noexec", "noatime", "sync", "dirsync", NULL};
static const char *const passed_prefixes[] = {
	"context=", "fscontext=", "defcontext=", "rootcontext=", NULL};

void mount_request_init(struct mount_request *m)
{
	memset(m, 0, sizeof *m);
	reader_options_init(&m->reader);
	m->follow = FOLLOW_DEFAULT;
	m->reader.scrub = SCRUB_DAYS_DEFAULT * SECONDS_PER_DAY;
}

void mount_request_release(struct mount_request *m)
{
	reader_options_release(&m->reader);
	bytes_release(&m->fuse_options);
}

static bool is_one_of(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static bool begins_with_one_of(const char *const *prefixes, const char *word)
{
	for (; *prefixes; prefixes++)
		if (strncmp(*prefixes, word, strlen(*prefixes)) == 0)
			return true;
	return false;
}

static int pass(struct mount_request *m, const char *word)
{
	int rc = 0;

	if (m->fuse_options.size)
		rc = bytes_append(&m->fuse_options, ",", 1);
	if (!rc)
		rc = bytes_append_string(&m->fuse_options, word);
	return rc ? command_use("mount", "out of memory") : 0;
}

static int size_word(const char *name, const char *value, uint64_t *out)
{
	if (!value || size_parse(value, out))
		return command_use(
			"mount", "-o %s needs a size, such as %s=64M", name, name);
	return 0;
}

/* 0 stands for the default in what takes it: it is not what somebody means by it. */
static int amount_word(const char *name, const char *value, uint64_t *out)
{
	int status = size_word(name, value, out);

	if (!status && *out == 0)
		return command_use("mount",
			"-o %s=0 is too little: give a size, such as %s=64M", name, name);
	return status;
}

/* "no" would be taken for yes. */
static int flag_word(const char *name, const char *value, bool *out)
{
	if (value)
		return command_use(
			"mount", "-o %s takes no value: leave out '=%s'", name, value);
	*out = true;
	return 0;
}

static int open_word(struct mount_request *m, const char *value)
{
	if (!value || open_mode_parse(value, &m->session.open_mode))
		return command_use(
			"mount", "-o open= needs one of auto, elide, passthrough, plain");
	return 0;
}

static int verify_word(struct mount_request *m, const char *value)
{
	static const char *const names[] = {[CACHE_VERIFY_AUTO] = "auto",
		[CACHE_VERIFY_OPEN] = "open",
		[CACHE_VERIFY_EPOCH] = "epoch"};

	for (size_t i = 0; value && i < sizeof names / sizeof *names; i++)
		if (strcmp(value, names[i]) == 0) {
			m->reader.verify = (enum cache_verify_when)i;
			return 0;
		}
	return command_use("mount", "-o verify= needs one of auto, open, epoch");
}

static int scrub_word(struct mount_request *m, const char *value)
{
	uint64_t days = 0;

	if (!value || (strcmp(value, "off") != 0 &&
			      (number_parse(value, SCRUB_DAYS_MAX, &days) || days == 0)))
		return command_use("mount",
			"-o scrub= needs a number of days, 1 to %d, or off",
			SCRUB_DAYS_MAX);
	m->reader.scrub = (int64_t)days * SECONDS_PER_DAY;
	return 0;
}

static int follow_word(struct mount_request *m, const char *value)
{
	uint64_t seconds = 0;

	if (!value || (strcmp(value, "off") != 0 &&
			      (number_parse(value, FOLLOW_MAX, &seconds) || seconds == 0)))
		return command_use("mount",
			"-o follow= needs a number of seconds, 1 to %d, or off",
			FOLLOW_MAX);
	m->follow = (int64_t)seconds;
	return 0;
}

static int metrics_word(struct mount_request *m, const char *value)
{
	if (!value || metrics_where_check(value))
		return command_use("mount",
			"-o metrics= needs HOST:PORT, or the absolute path of a file");
	m->metrics = value;
	return 0;
}

static int profile_word(struct mount_request *m, const char *value)
{
	bool is_auto = value && strcmp(value, "auto") == 0;

	if (!value || (*value != '/' && !is_auto && strcmp(value, "off") != 0))
		return command_use("mount",
			"-o profile= needs auto, off, or the absolute path of a file");
	m->profile = *value != 'o';
	m->profile_file = *value == '/' ? value : NULL;
	return 0;
}

/* Words that only a mount has: true when it was one, with its result in *status. */
static bool own_word(
	struct mount_request *m, const char *word, const char *value, int *status)
{
	struct reader_options *r = &m->reader;

	*status = 0;
	if (strcmp(word, "allow_other") == 0)
		*status = flag_word(word, value, &m->session.allow_other);
	else if (strcmp(word, "nonempty") == 0)
		*status = flag_word(word, value, &m->session.nonempty);
	else if (strcmp(word, "xattrs") == 0)
		*status = flag_word(word, value, &m->session.xattrs);
	else if (strcmp(word, "debug") == 0)
		*status = flag_word(word, value, &m->session.debug),
		m->foreground |= m->session.debug;
	else if (strcmp(word, "revisions") == 0)
		*status = flag_word(word, value, &m->revisions);
	else if (strcmp(word, "open") == 0)
		*status = open_word(m, value);
	else if (strcmp(word, "verify") == 0)
		*status = verify_word(m, value);
	else if (strcmp(word, "follow") == 0)
		*status = follow_word(m, value);
	else if (strcmp(word, "metrics") == 0)
		*status = metrics_word(m, value);
	else if (strcmp(word, "profile") == 0)
		*status = profile_word(m, value);
	else if (strcmp(word, "scrub") == 0)
		*status = scrub_word(m, value);
	else if (strcmp(word, "memory") == 0)
		*status = amount_word(word, value, &r->memory);
	else if (strcmp(word, "readahead") == 0)
		*status = amount_word(word, value, &m->session.readahead);
	else if (strcmp(word, "quota") == 0)
		r->set_quota = true, *status = size_word(word, value, &r->quota);
	else if (strcmp(word, "floor") == 0)
		r->set_floor = true, *status = size_word(word, value, &r->floor);
	else
		return false;
	return true;
}

/* The tools' shared options by their long names, since fstab has only -o. */
static bool shared_word(
	struct mount_request *m, const char *word, const char *value, int *status)
{
	static const struct option_help shared[] = {READER_OPTIONS_HELP, {0}};
	const struct option_help *o = shared;
	bool taken = false;

	while (o->name && strcmp(o->name, word) != 0)
		o++;
	if (!o->name)
		return false;
	if (o->value && (!value || !*value))
		*status = command_use("mount", "-o %s needs a value", word);
	else if (!o->value && value)
		*status = flag_word(word, value, &taken);
	else
		*status = reader_option(&m->reader, "mount", o->letter, value, &taken);
	return true;
}

/* nosuid and nodev hold unless root says otherwise. */
static int risky_word(struct mount_request *m, const char *word)
{
	if (geteuid() != 0)
		return command_use("mount", "only root may mount with -o %s", word);
	return pass(m, word);
}

static int one_word(struct mount_request *m, char *word)
{
	char *value = strchr(word, '=');
	int status = 0;

	if (!*word || is_one_of(ignored, word) ||
		begins_with_one_of(ignored_prefixes, word))
		return 0;
	if (is_one_of(passed, word) || begins_with_one_of(passed_prefixes, word))
		return pass(m, word);
	if (strcmp(word, "suid") == 0 || strcmp(word, "dev") == 0)
		return risky_word(m, word);
	if (strcmp(word, "rw") == 0)
		return command_use(
			"mount", "a dataset can only be mounted read-only: leave out rw");
	if (value)
		*value++ = '\0';
	if (own_word(m, word, value, &status) || shared_word(m, word, value, &status))
		return status;
	return command_use("mount", "unknown option -o %s", word);
}

int mount_request_words(struct mount_request *m, char *text)
{
	char *word;
	int status = 0;

	while (!status && (word = strsep(&text, ",")))
		status = one_word(m, word);
	return status;
}

int mount_request_finish(struct mount_request *m)
{
	int rc = bytes_append(&m->fuse_options, "", 1);

	if (rc)
		return rc;
	m->session.fuse_options = (const char *)m->fuse_options.data;
	m->session.deadline_ns = m->reader.dataset.deadline_ns;
	return 0;
}
