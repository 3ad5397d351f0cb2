/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_control.h"

#include <stdlib.h>

#include "cli/mount_state_json.h"
#include "cli/mount_trace.h"
#include "cli/mount_why.h"
#include "cli/mounts.h"

/* To stay is what some were made for: "stays" has the sentence then. */
static int control_update(void *ctx, json_t *reply, struct trouble *t)
{
	uint64_t before, revision;
	const struct running_mount *m = ctx;
	struct follow_state state;
	int rc = mount_follow_look(m->follow, &before, &revision, t);

	mount_follow_state(m->follow, &state);
	if (rc && !state.follows) {
		json_object_set_new(reply, "stays", json_string(t->text));
		before = revision = state.revision;
	} else if (rc) {
		return rc;
	}
	json_object_set_new(reply, "before", json_integer((json_int_t)before));
	json_object_set_new(reply, "revision", json_integer((json_int_t)revision));
	return 0;
}

static int control_status(void *ctx, json_t *reply, struct trouble *t)
{
	(void)t;
	mount_state_json(ctx, reply);
	return 0;
}

static int control_why(
	void *ctx, const json_t *request, struct control_stream *s, struct trouble *t)
{
	const struct running_mount *m = ctx;

	(void)request;
	return mount_why(m->session, s, t);
}

static int control_trace(
	void *ctx, const json_t *request, struct control_stream *s, struct trouble *t)
{
	const struct running_mount *m = ctx;

	(void)request;
	return mount_trace(m->session, s, t);
}

int mount_control_start(struct running_mount *m, struct control **out, struct trouble *t)
{
	static const struct control_command commands_of_mounts[] = {
		{.name = "status", .run = control_status},
		{.name = "trace", .stream = control_trace},
		{.name = "update", .run = control_update},
		{.name = "why", .stream = control_why},
		{0},
	};
	char *path = mounts_socket(m->request->session.mountpoint);
	int rc = path ? control_new(path, commands_of_mounts, m, out, t)
		      : trouble_set(t, ERR_NO_MEMORY, "out of memory");

	free(path);
	return rc;
}
