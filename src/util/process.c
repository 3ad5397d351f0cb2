/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "util/process.h"

#include <stdio.h>
#include <string.h>

static FILE *open_proc(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	return fopen(path, "re");
}

static pid_t process_find(pid_t thread)
{
	FILE *status = open_proc(thread, "status");
	char line[256];
	long pid = 0;

	while (status && pid == 0 && fgets(line, sizeof line, status))
		if (sscanf(line, "Tgid: %ld", &pid) != 1)
			pid = 0;
	if (status)
		fclose(status);
	return (pid_t)pid;
}

void process_of_thread(pid_t thread, struct process_info *out)
{
	FILE *comm;

	*out = (struct process_info){.pid = thread > 0 ? process_find(thread) : 0};
	comm = out->pid ? open_proc(out->pid, "comm") : NULL;
	if (!comm)
		return;
	if (fgets(out->name, sizeof out->name, comm))
		out->name[strcspn(out->name, "\n")] = '\0';
	fclose(comm);
}
