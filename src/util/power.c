/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/io.h"
#include "util/power.h"

#define VALUE_MAX 256

/* Does the attribute say just that? */
static bool supply_says(
	int fd, const char *supply, const char *attribute, const char *value)
{
	char path[512];
	struct bytes text = {0};
	bool same = false;

	if (snprintf(path, sizeof path, "%s/%s", supply, attribute) < (int)sizeof path &&
		!io_read_file(fd, path, VALUE_MAX, &text))
		same = text.size > strlen(value) &&
		       memcmp(text.data, value, strlen(value)) == 0 &&
		       text.data[strlen(value)] == '\n';
	bytes_release(&text);
	return same;
}

bool power_is_battery(const char *supplies)
{
	DIR *dir = opendir(supplies);
	const struct dirent *e;
	bool discharged = false, mains = false;
	int fd;

	if (!dir)
		return false;
	fd = dirfd(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (supply_says(fd, e->d_name, "type", "Mains"))
			mains = mains || supply_says(fd, e->d_name, "online", "1");
		else if (!supply_says(fd, e->d_name, "scope", "Device"))
			discharged = discharged ||
				     supply_says(fd, e->d_name, "status", "Discharging");
	}
	closedir(dir);
	return discharged && !mains;
}
