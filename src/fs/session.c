/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "fs/dot_cairn.h"
#include "fs/filesystem.h"
#include "fs/loop.h"
#include "fs/mount_table.h"
#include "fs/mountpoint.h"
#include "fs/operations.h"
#include "fs/parallel.h"
#include "fs/request_run.h"

#define SAID_MAX 512

struct session {
	struct fuse_session *fuse;
	struct filesystem *fs;
	char *mountpoint;			 /* absolute */
	const struct revision_source *revisions; /* may be NULL */
	bool mounted;
	bool handlers;
};

/* libfuse takes a comma for the end of an option and a backslash for an escape. */
static int append_escaped(struct bytes *out, const char *s)
{
	int rc = 0;

	for (; *s && !rc; s++) {
		if (*s == ',' || *s == '\\')
			rc = bytes_append(out, "\\", 1);
		if (!rc)
			rc = bytes_append(out, s, 1);
	}
	return rc;
}

/* An option of libfuse, after a comma. */
static int append_option(struct bytes *out, const char *option)
{
	int rc = bytes_append_string(out, ",");

	return rc ? rc : bytes_append_string(out, option);
}

static int append_own_options(const struct dataset *dataset, struct bytes *out)
{
	int rc = bytes_append_string(out,
		"ro,nosuid,nodev,default_permissions,subtype=" MOUNT_SUBTYPE ",fsname=");

	return rc ? rc : append_escaped(out, dataset->url);
}

/* The user's options come last and so overrule. */
static int append_asked_options(const struct session_options *o, struct bytes *out)
{
	int rc = 0;

	if (o->allow_other)
		rc = append_option(out, "allow_other");
	if (!rc && o->debug)
		rc = append_option(out, "debug");
	if (!rc && o->fuse_options && *o->fuse_options)
		rc = append_option(out, o->fuse_options);
	return rc;
}

/* With a NUL at the end. */
static int mount_options(
	const struct dataset *dataset, const struct session_options *o, struct bytes *out)
{
	int rc = append_own_options(dataset, out);

	if (!rc)
		rc = append_asked_options(o, out);
	return rc ? rc : bytes_append(out, "", 1);
}

static int make_fuse(struct session *s, const struct dataset *dataset,
	const struct session_options *o, struct trouble *t)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct bytes options = {0};
	int rc = mount_options(dataset, o, &options);

	if (!rc && (fuse_opt_add_arg(&args, "cairn") || fuse_opt_add_arg(&args, "-o") ||
			   fuse_opt_add_arg(&args, (const char *)options.data)))
		rc = ERR_NO_MEMORY;
	if (rc) {
		trouble_set(t, rc, "out of memory");
		goto out;
	}
	s->fuse = fuse_session_new(&args, &operations, sizeof operations, s->fs);
	if (!s->fuse)
		rc = trouble_set(t, ERR_INVALID, "the mount options '%s' are not accepted",
			o->fuse_options ? o->fuse_options : "");
out:
	bytes_release(&options);
	fuse_opt_free_args(&args);
	return rc;
}

/* The first line of what was said, without the speaker's name. */
static void first_line(FILE *said, char line[SAID_MAX])
{
	char *colon;

	rewind(said);
	if (!fgets(line, SAID_MAX, said))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	colon = strchr(line, ':');
	if (colon && (strncmp(line, "fuse", 4) == 0) && colon[1] == ' ')
		memmove(line, colon + 2, strlen(colon + 2) + 1);
}

/* libfuse and fusermount3 tell stderr why they cannot mount. For the time of the call it
 * is turned into a file, so that the reason gets into the one sentence. */
static bool mount_quietly(
	struct fuse_session *fuse, const char *mountpoint, char line[SAID_MAX])
{
	FILE *said = tmpfile();
	int saved = said ? dup(STDERR_FILENO) : -1;
	bool mounted;

	line[0] = '\0';
	if (saved >= 0)
		dup2(fileno(said), STDERR_FILENO);
	mounted = fuse_session_mount(fuse, mountpoint) == 0;
	if (saved >= 0) {
		fflush(stderr);
		dup2(saved, STDERR_FILENO);
		close(saved);
		first_line(said, line);
	}
	if (said)
		fclose(said);
	return mounted;
}

static int mount_fuse(struct session *s, struct trouble *t)
{
	char line[SAID_MAX];

	s->mounted = mount_quietly(s->fuse, s->mountpoint, line);
	if (s->mounted) {
		if (!parallel_ensure(s->fuse))
			log_warning(s->fs->log,
				"this libfuse cannot have two lookups in one "
				"directory at a time: who waits for the server "
				"there stops others");
		return 0;
	}
	return trouble_set(t, ERR_DENIED, "the system refused the mount on %s: %s",
		s->mountpoint, line[0] ? line : "it gave no reason");
}

int session_new(struct dataset *dataset, const struct session_options *options,
	struct session **out, struct trouble *t)
{
	const struct filesystem_options fs = {options->log, options->deadline_ns,
		options->readahead, options->open_mode, options->xattrs};
	struct session *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	rc = mountpoint_check(options->mountpoint, options->nonempty, &s->mountpoint, t);
	if (rc)
		goto out;
	rc = mountpoint_permitted(options->allow_other, t);
	if (rc)
		goto out;
	s->revisions = options->revisions;
	rc = filesystem_new(dataset, &fs, &s->fs);
	if (rc) {
		trouble_set(t, rc, "out of memory");
		goto out;
	}
	rc = make_fuse(s, dataset, options, t);
	if (rc)
		goto out;
	/* Before there is a mount to be left behind by a signal. */
	if (fuse_set_signal_handlers(s->fuse)) {
		rc = trouble_errno(t, "no signal handlers could be set");
		goto out;
	}
	s->handlers = true;
	rc = mount_fuse(s, t);
out:
	if (rc)
		session_free(s);
	else
		*out = s;
	return rc;
}

int session_run(struct session *s, void (*ready)(void *ctx), void *ctx)
{
	int rc;

	s->fs->ready = ready;
	s->fs->ready_ctx = ctx;
	if (s->revisions && dot_cairn_begin(s->fs, s->revisions))
		log_warning(s->fs->log,
			"no thread could be started: there is no " DOT_CAIRN_NAME
			" in this mount");
	rc = loop_run(s->fuse);
	/* The loop has taken back its exit mark; with it, late replies are not complained
	 * of. */
	fuse_session_exit(s->fuse);
	/* While they can still be answered: unmounting closes the device. */
	dot_cairn_end(s->fs);
	request_run_end(s->fs);
	return rc;
}

int session_update(struct session *s, const struct manifest *next, struct update_told *told,
	struct trouble *t)
{
	return update_run(s->fs, s->fuse, next, told, t);
}

int session_finish_update(struct session *s, struct trouble *t)
{
	struct update_told told;

	return update_finish(s->fs, s->fuse, &told, t);
}

void session_look(struct session *s, struct session_state *out)
{
	struct filesystem *fs = s->fs;
	unsigned side;
	const struct view *view = views_enter(&fs->views, &side);

	*out = (struct session_state){.revision = view->revision, .totals = view->totals};
	views_leave(&fs->views, side);
	out->parked = parked_list_count(&fs->parked);
	out->introduced = atomic_load(&fs->open_chosen);
	if (out->introduced) {
		out->open = fs->open_choice;
		out->elides_opendir = fs->elides_opendir;
	}
}

const struct meters *session_meters(const struct session *s)
{
	return &s->fs->meters;
}

struct trace *session_trace(struct session *s)
{
	return &s->fs->trace;
}

int session_look_parked(struct session *s, unsigned *count, parked_look_fn each, void *ctx)
{
	int rc = request_run_look(s->fs, count, each, ctx);

	return rc ? rc : dot_cairn_look(s->fs, count, each, ctx);
}

void session_failure(struct session *s, struct trouble *out)
{
	failures_last(&s->fs->failures, out);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	if (s->mounted)
		fuse_session_unmount(s->fuse);
	if (s->handlers)
		fuse_remove_signal_handlers(s->fuse);
	if (s->fuse)
		fuse_session_destroy(s->fuse);
	if (s->fs)
		dot_cairn_free(s->fs);
	filesystem_free(s->fs);
	free(s->mountpoint);
	free(s);
}
