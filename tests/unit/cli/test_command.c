/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_output.h"

#define ARGUMENTS_MAX 16

static void test_finds_commands(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->name; c++)
		assert_ptr_equal(command_find(c->name), c);
	assert_null(command_find(""));
	assert_null(command_find("publis"));
	assert_null(command_find("publish "));
}

/* What getopt_long(3) and people would trip over. */
static void test_tables_are_sound(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->name; c++) {
		assert_non_null(c->use);
		assert_non_null(c->run);
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		for (const struct option_help *o = c->options; o->name; o++) {
			assert_true(strcmp(o->name, "help") != 0);
			/* -h is help, but where du(1) has it for sizes. */
			assert_true(o->letter != 'h' || strcmp(c->name, "du") == 0);
			assert_true(
				o->letter > 255 || (o->letter > ' ' && o->letter < 127));
			assert_true(strlen(o->name) < 30 && o->help[0]);
			for (const struct option_help *p = c->options; p < o; p++) {
				assert_string_not_equal(p->name, o->name);
				assert_int_not_equal(p->letter, o->letter);
			}
		}
	}
}

/* The letters that come out, one after another, and the operands behind a colon. */
static void options_of(const char *line, char out[256])
{
	static char text[256];
	char *argv[ARGUMENTS_MAX] = {NULL}, *rest = text;
	int argc = 0, letter;

	strcpy(text, line);
	while (argc < ARGUMENTS_MAX - 1 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	optind = 0;
	out[0] = '\0';
	while ((letter = command_getopt(argc, argv)) != -1) {
		if (letter < 256)
			sprintf(out + strlen(out), "%c ", letter);
		else
			sprintf(out + strlen(out), "%s ", optarg ? optarg : "+");
	}
	strcat(out, ":");
	for (; optind < argc; optind++)
		strcat(strcat(out, " "), argv[optind]);
	assert_string_equal(argv[0], "ls"); /* as it was */
}

static void test_takes_options_anywhere(void **state)
{
	char out[256];

	(void)state;
	options_of("ls", out);
	assert_string_equal(out, ":");
	options_of("ls -l url path -R", out);
	assert_string_equal(out, "l R : url path");
	options_of("ls url --cache dir --tag=x -lR --netrc", out);
	assert_string_equal(out, "dir x l R + : url");
	options_of("ls url -- -l", out);
	assert_string_equal(out, ": url -l");
	options_of("ls - --long", out);
	assert_string_equal(out, "l : -");
}

/* The status and the first line (of stdout or stderr) of a command line. */
static int run(const char *line, int stream, char first[256])
{
	char out[256];
	int ends[2], status;
	FILE *f;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], stream);
		options_of(line, out);
		_exit(99);
	}
	close(ends[1]);
	f = fdopen(ends[0], "r");
	first[0] = '\0';
	(void)!fgets(first, 256, f);
	while (fgets(out, sizeof out, f))
		;
	fclose(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_ends_with_the_right_status(void **state)
{
	char first[256];

	(void)state;
	assert_int_equal(run("ls --help", STDOUT_FILENO, first), 0);
	assert_string_equal(first, "usage: cairn ls URL [PATH...] [OPTIONS]\n");
	assert_int_equal(run("ls url -h", STDOUT_FILENO, first), 0);
	assert_int_equal(run("ls --nonsense", STDERR_FILENO, first), EXIT_USE);
	assert_string_equal(first, "cairn ls: unrecognized option '--nonsense'\n");
	assert_int_equal(run("ls --tag", STDERR_FILENO, first), EXIT_USE);
	assert_int_equal(run("ls --long=x", STDERR_FILENO, first), EXIT_USE);
	assert_int_equal(run("ls -Z", STDERR_FILENO, first), EXIT_USE);
	assert_int_equal(run("ls --c x", STDERR_FILENO, first), EXIT_USE); /* ambiguous */
}

static void test_failures(void **state)
{
	struct trouble t = {.code = ERR_TIMEOUT, .text = ""};

	(void)state;
	assert_int_equal(command_fail("ls", &t), EXIT_FAILURE);
	assert_int_equal(command_use("ls", "so %s", "not"), EXIT_USE);
}

static int fail_with_a_newline(void)
{
	struct trouble t = {.code = ERR_ABSENT, .text = "no 'a\n\033[2Jb'"};

	return command_fail("ls", &t);
}

/* What `say` writes to stderr, its first line. */
static void listen(int (*say)(void), int status, char first[256])
{
	int ends[2], saved = dup(STDERR_FILENO);
	FILE *f;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	assert_int_equal(say(), status);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	f = fdopen(ends[0], "r");
	first[0] = '\0';
	(void)!fgets(first, 256, f);
	fclose(f);
}

static void test_names_cannot_forge_lines(void **state)
{
	char first[256];

	(void)state;
	listen(fail_with_a_newline, EXIT_FAILURE, first);
	assert_string_equal(first, "cairn ls: no 'a??[2Jb'\n");
}

/* What `cairn ls` with that many lines says and comes to when its output goes there. */
static int end_with_output_to(int fd, int lines)
{
	json_t *words = json_string("a line of a few words");
	struct trouble t = {.code = ERR_IO};
	int status = EXIT_SUCCESS;

	dup2(fd, STDOUT_FILENO);
	signal(SIGPIPE, SIG_IGN);
	for (; lines && !status; lines--)
		if (json_output(json_incref(words), JSON_ENCODE_ANY))
			status = command_fail("ls", &t);
	json_decref(words);
	return command_end("ls", status);
}

/* The same in a process of its own. */
static int end_of_output_to(int fd, int lines, char said[256])
{
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		_exit(end_with_output_to(fd, lines));
	}
	close(ends[1]);
	n = read(ends[0], said, 255);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* The buffer holds the first; of the other the first write fails long before the end. */
static const int line_counts[] = {1, 10000};

static void test_output_that_is_lost(void **state)
{
	int null = open("/dev/null", O_WRONLY), full = open("/dev/full", O_WRONLY);
	char said[256];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(end_of_output_to(null, line_counts[i], said), 0);
		assert_string_equal(said, "");
		if (full < 0)
			continue;
		assert_int_equal(
			end_of_output_to(full, line_counts[i], said), EXIT_FAILURE);
		assert_string_equal(said, "cairn ls: cannot write to the standard output: "
					  "No space left on device\n");
	}
	close(null);
	close(full);
}

static void test_reader_that_went_away(void **state)
{
	char said[256];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			end_of_output_to(ends[1], line_counts[i], said), EXIT_FAILURE);
		assert_string_equal(said, "");
	}
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_commands),
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_takes_options_anywhere),
		cmocka_unit_test(test_ends_with_the_right_status),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_names_cannot_forge_lines),
		cmocka_unit_test(test_output_that_is_lost),
		cmocka_unit_test(test_reader_that_went_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
