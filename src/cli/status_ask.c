/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/status_ask.h"

#include "control/control_ask.h"
#include "util/clock.h"
#include "util/thread.h"

/* For the answer, once the mount has said that it is there: it may have to look at a disk
 * that is busy. */
#define ANSWER_WAIT (5 * NS_PER_SECOND)
#define ASKED_AT_A_TIME 64

static void *status_ask_one(void *arg)
{
	struct status_answer *a = arg;

	if (control_ask(a->mount->socket, a->mount->mountpoint, "status", ANSWER_WAIT,
		    &a->reply, &a->trouble))
		a->reply = NULL;
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
