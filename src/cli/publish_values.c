/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/duration.h"
#include "cli/publish_values.h"
#include "cli/size.h"
#include "cli/time_words.h"
#include "publish/attributes.h"
#include "util/clock.h"

#define EPOCH_MAX UINT64_C(253402300799) /* the end of the year 9999 */

static int take_mtime_of(const char *path, struct overrides *out, struct trouble *t)
{
	struct entry e = {0};
	struct stat st;

	if (stat(path, &st) != 0)
		return trouble_errno(t, "--mtime %s", path);
	attributes_stat(&st, &e);
	out->mtime = e.mtime;
	out->mtime_nsec = e.mtime_nsec;
	return 0;
}

int publish_values_mtime(const char *text, struct overrides *out, struct trouble *t)
{
	int rc;

	if (*text == '/' || *text == '.')
		rc = take_mtime_of(text, out, t);
	else if (time_words_parse(text, &out->mtime, &out->mtime_nsec))
		rc = trouble_set(t, ERR_INVALID,
			"--mtime takes a time such as 2026-11-27T06:14:01Z or @1795760041, "
			"or "
			"a file that has it, such as ./README: not '%s'",
			text);
	else
		rc = 0;
	out->has_mtime |= !rc;
	return rc;
}

/* The number of a name. */
typedef int (*id_of_fn)(const char *name, uint32_t *id);

static int id_of_user(const char *name, uint32_t *id)
{
	const struct passwd *user = getpwnam(name);

	if (user)
		*id = user->pw_uid;
	return user ? 0 : ERR_ABSENT;
}

static int id_of_group(const char *name, uint32_t *id)
{
	const struct group *group = getgrnam(name);

	if (group)
		*id = group->gr_gid;
	return group ? 0 : ERR_ABSENT;
}

static int id_parse(const char *text, id_of_fn id_of, uint32_t *out)
{
	const char *colon = strchr(text, ':'), *digits = colon ? colon + 1 : text;
	uint64_t number;

	if (!colon && *text == '+')
		digits = text + 1;
	else if (!colon && id_of(text, out) == 0)
		return 0;
	if (*digits < '0' || *digits > '9' || number_parse(digits, UINT32_MAX - 1, &number))
		return ERR_INVALID;
	*out = (uint32_t)number;
	return 0;
}

int publish_values_owner(const char *text, struct overrides *out, struct trouble *t)
{
	if (id_parse(text, id_of_user, &out->uid))
		return trouble_set(t, ERR_INVALID,
			"--owner takes a user of this machine or a number: not '%s'", text);
	out->has_uid = true;
	return 0;
}

int publish_values_group(const char *text, struct overrides *out, struct trouble *t)
{
	if (id_parse(text, id_of_group, &out->gid))
		return trouble_set(t, ERR_INVALID,
			"--group takes a group of this machine or a number: not '%s'",
			text);
	out->has_gid = true;
	return 0;
}

int publish_values_mode(const char *text, struct overrides *out, struct trouble *t)
{
	if (mode_change_parse(text, &out->mode))
		return trouble_set(t, ERR_INVALID,
			"--mode takes what chmod does, such as u=rwX,go=rX or 755: not "
			"'%s'",
			text);
	return 0;
}

int publish_values_expires(
	const char *text, int64_t now, int64_t *expires, struct trouble *t)
{
	uint64_t duration;
	uint32_t fraction;
	int64_t at;

	if (duration_parse(text, &duration) == 0)
		at = duration <= EPOCH_MAX ? now + (int64_t)duration : INT64_MAX;
	else if (time_words_parse(text, &at, &fraction))
		return trouble_set(t, ERR_INVALID,
			"--expires takes how long, such as 30d, or until when, such as "
			"2027-01-31: not '%s'",
			text);
	if (at <= now)
		return trouble_set(t, ERR_INVALID, "--expires %s has passed already", text);
	if (at > (int64_t)EPOCH_MAX)
		return trouble_set(t, ERR_INVALID, "--expires %s is too far away", text);
	*expires = at;
	return 0;
}

int publish_values_epoch(
	const char *text, struct overrides *out, int64_t *created, struct trouble *t)
{
	uint64_t seconds;

	if (*text < '0' || *text > '9' || number_parse(text, EPOCH_MAX, &seconds))
		return trouble_set(t, ERR_INVALID,
			"SOURCE_DATE_EPOCH is '%s', not a number of seconds since 1970",
			text);
	*created = (int64_t)seconds;
	if (out->has_mtime)
		return 0;
	out->has_mtime = out->clamp = true;
	out->mtime = *created;
	out->mtime_nsec = 0;
	return 0;
}
