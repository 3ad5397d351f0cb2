/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/status_ask.h"

#include "control/control_ask.h"
#include "fs/mount_ask.h"
#include "util/clock.h"
#include "util/thread.h"

/* For the answer, once the mount has said that it is there: it may have to look at a disk
 * that is busy. */
#define ANSWER_WAIT (5 * NS_PER_SECOND)
#define ASKED_AT_A_TIME 256

/* Nobody listens: is there nobody any more? The kernel knows. */
static void ask_kernel(struct status_answer *a)
{
	const char *at = a->mount->mountpoint;

	if (mount_ask_state(at) == ERR_ABSENT)
		trouble_set(&a->trouble, ERR_ABSENT,
			"the process of the mount on %s is gone: cairn umount %s", at, at);
	else if (!a->mount->socket)
		trouble_set(&a->trouble, ERR_UNREACHABLE,
			"which process has the mount on %s is not known", at);
}

static void *status_ask_one(void *arg)
{
	struct status_answer *a = arg;
	int rc = ERR_UNREACHABLE;

	if (a->mount->socket)
		rc = control_ask(a->mount->socket, a->mount->mountpoint, "status",
			ANSWER_WAIT, &a->reply, &a->trouble);
	if (rc)
		a->reply = NULL;
	if (rc == ERR_UNREACHABLE)
		ask_kernel(a);
	return NULL;
}

/* Up to ASKED_AT_A_TIME. */
static void status_ask_some(struct status_answer *answers, size_t count)
{
	pthread_t threads[ASKED_AT_A_TIME];
	size_t started = 0;

	while (started < count &&
		!thread_start(&threads[started], NULL, status_ask_one, &answers[started]))
		started++;
	for (size_t i = started; i < count; i++)
		status_ask_one(&answers[i]);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

void status_ask(const struct mount_record *mounts, size_t count, struct status_answer *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (struct status_answer){.mount = &mounts[i]};
	for (size_t i = 0; i < count; i += ASKED_AT_A_TIME)
		status_ask_some(
			out + i, count - i < ASKED_AT_A_TIME ? count - i : ASKED_AT_A_TIME);
}

void status_answers_release(struct status_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_decref(answers[i].reply);
}
