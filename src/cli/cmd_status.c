/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/output.h"
#include "cli/status_ask.h"
#include "cli/status_table.h"
#include "cli/status_text.h"
#include "cli/terminal.h"
#include "util/clock.h"

#define CLEAR_SCREEN "\033[H\033[2J"
#define SCREEN_BUFFER 65536 /* bytes: a screen goes out at once */

enum { OPTION_JSON = 300 };

const struct option_help status_options_help[] = {
	{"json", OPTION_JSON, NULL, "print JSON for programs"},
	{"watch", 'w', NULL, "again each second, until it is interrupted"},
	{0},
};

struct status {
	bool json, watch;
	FILE *out;	  /* where text goes: stdout, or a screen that is made up */
	const char *name; /* NULL: all mounts */
	json_t *before;	  /* what the one said last, when it is watched; or NULL */
	int64_t looked;	  /* then, CLOCK_MONOTONIC ns */
};

static int status_out_of_memory(void)
{
	struct trouble t = {.code = ERR_NO_MEMORY};

	return command_fail("status", &t);
}

static int print_json(const struct status *s, json_t *value)
{
	if (json_output(value, s->watch ? JSON_COMPACT : JSON_INDENT(1)))
		return EXIT_FAILURE; /* command_end() says why, if anybody listens */
	return EXIT_SUCCESS;
}

static int print_one(struct status *s, json_t *reply)
{
	int64_t now = clock_monotonic();

	if (s->json)
		return print_json(s, json_incref(reply));
	status_text(s->out, reply, s->before, now - s->looked);
	if (s->watch && !isatty(STDOUT_FILENO))
		putchar('\n');
	json_decref(s->before);
	s->before = json_incref(reply);
	s->looked = now;
	return EXIT_SUCCESS;
}

static int status_of_one(struct status *s, const struct mount_record *m)
{
	struct status_answer answer;
	int status;

	status_ask(m, 1, &answer);
	status = answer.reply ? print_one(s, answer.reply)
			      : command_fail("status", &answer.trouble);
	status_answers_release(&answer, 1);
	return status;
}

/* Of root, that of any user, but its own before what others' notes say is there. */
static const struct mount_record *find_literally(
	const struct mounts_list *l, const char *name)
{
	const struct mount_record *found = NULL;

	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i].mountpoint, name) &&
			(!found || l->items[i].owner == geteuid()))
			found = &l->items[i];
	return found;
}

/* One whose process is gone, as a rule. */
static int status_of_unnoted(struct status *s, const struct mounts_list *l)
{
	char *real = mounts_resolve(s->name);
	const struct mount_record *m = real ? find_literally(l, real) : NULL;
	struct trouble t = {0};

	free(real);
	if (m)
		return status_of_one(s, m);
	trouble_set(&t, ERR_ABSENT, "%s: no mount of yours is there", s->name);
	return command_fail("status", &t);
}

/* What lies below a mount point means the mount. */
static int status_of_named(struct status *s)
{
	struct mounts_list l;
	const struct mount_record *literal;
	struct mount_record m;
	char *below;
	int status;

	if (mounts_list(&l))
		return status_out_of_memory();
	literal = find_literally(&l, s->name);
	if (literal) {
		status = status_of_one(s, literal);
	} else if (mounts_find(s->name, &m, &below)) {
		status = status_of_unnoted(s, &l);
	} else {
		status = status_of_one(s, &m);
		free(below);
		mount_record_release(&m);
	}
	mounts_list_free(&l);
	return status;
}

static int print_all(const struct status *s, const struct status_answer *answers, size_t n)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < n; i++)
		if (!answers[i].reply)
			status = EXIT_FAILURE;
	if (s->json)
		return print_json(s, status_table_json(answers, n)) ? EXIT_FAILURE : status;
	if (!n)
		fputs(geteuid() ? "no mount of yours\n" : "no mount\n", s->out);
	else if (status_table(s->out, answers, n))
		return status_out_of_memory();
	if (s->watch && !isatty(STDOUT_FILENO))
		putchar('\n');
	return status;
}

static int status_of_all(const struct status *s)
{
	struct status_answer *answers;
	struct mounts_list l;
	int status;

	if (mounts_list(&l))
		return status_out_of_memory();
	answers = calloc(l.count + 1, sizeof *answers);
	if (answers) {
		status_ask(l.items, l.count, answers);
		status = print_all(s, answers, l.count);
		status_answers_release(answers, l.count);
	} else {
		status = status_out_of_memory();
	}
	free(answers);
	mounts_list_free(&l);
	return status;
}

static int status_look(struct status *s)
{
	return s->name ? status_of_named(s) : status_of_all(s);
}

/* Looks in place of what is on the terminal. */
static int status_screen(struct status *s)
{
	char *text = NULL;
	size_t size = 0;
	int status;

	s->out = open_memstream(&text, &size);
	if (!s->out)
		return status_out_of_memory();
	status = status_look(s);
	if (fclose(s->out))
		status = status_out_of_memory();
	s->out = stdout;
	/* Why there is nothing stands below what was there last. */
	if (size) {
		fputs(CLEAR_SCREEN, stdout);
		terminal_put_lines(stdout, text, terminal_columns(STDOUT_FILENO));
	}
	free(text);
	return status;
}

/* Until the one mount ends, or nobody reads any more. */
static int status_watch(struct status *s)
{
	static const struct timespec second = {.tv_sec = 1};
	static char buffer[SCREEN_BUFFER];
	bool screen = isatty(STDOUT_FILENO) && !s->json;
	int status;

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	for (;;) {
		status = screen ? status_screen(s) : status_look(s);
		(void)fflush(stdout);
		if ((status && s->name) || output_is_lost())
			return status;
		while (nanosleep(&second, NULL) && errno == EINTR)
			continue;
	}
}

int cmd_status(int argc, char **argv)
{
	struct status s = {.out = stdout};
	int letter, status;

	while ((letter = command_getopt(argc, argv)) != -1) {
		s.json |= letter == OPTION_JSON;
		s.watch |= letter == 'w';
	}
	if (argc - optind > 1)
		return command_use("status", "one MOUNTPOINT, or none for all of them");
	s.name = argv[optind];
	status = s.watch ? status_watch(&s) : status_look(&s);
	json_decref(s.before);
	return status;
}
