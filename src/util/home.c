/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/home.h"

#define PASSWD_BUFFER_SIZE 16384

static char *home_join(const char *base, const char *below)
{
	char *path;

	return asprintf(&path, "%s%s", base, below) < 0 ? NULL : path;
}

/* A variable that holds an absolute path; the specification ignores others. */
static const char *absolute(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : NULL;
}

/* `home` as the user database has it, for services that run without $HOME. */
static char *join_home(const char *below, const char *fallback)
{
	char *buffer = malloc(PASSWD_BUFFER_SIZE), *path;
	struct passwd entry, *found = NULL;

	if (!buffer)
		return NULL;
	if (getpwuid_r(geteuid(), &entry, buffer, PASSWD_BUFFER_SIZE, &found))
		found = NULL;
	if (found && found->pw_dir[0] == '/')
		path = home_join(found->pw_dir, below);
	else
		path = strdup(fallback);
	free(buffer);
	return path;
}

char *home_config_directory(void)
{
	const char *base = absolute("XDG_CONFIG_HOME");

	if (base)
		return home_join(base, "/cairn");
	base = absolute("HOME");
	if (base)
		return home_join(base, "/.config/cairn");
	return join_home("/.config/cairn", "/etc/cairn");
}

char *home_cache_directory(void)
{
	const char *base = absolute("XDG_CACHE_HOME");

	if (base)
		return home_join(base, "/cairn");
	base = absolute("HOME");
	if (base)
		return home_join(base, "/.cache/cairn");
	if (geteuid() == 0)
		return strdup("/var/cache/cairn");
	return join_home("/.cache/cairn", "/var/cache/cairn");
}
