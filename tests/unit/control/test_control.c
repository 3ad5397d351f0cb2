/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/small_store.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "control/control.h"
#include "control/control_ask.h"
#include "control/control_line.h"
#include "util/clock.h"

#define PADDING "................................................................"
#define WAIT (30 * NS_PER_SECOND)

struct fixture {
	char directory[PATH_SIZE_MAX];
	char path[2 * PATH_SIZE_MAX];
	struct control *control;
	int number;
	atomic_int streams_ended;
};

static int double_it(void *ctx, json_t *reply, struct trouble *t)
{
	(void)t;
	json_object_set_new(
		reply, "number", json_integer(2 * ((struct fixture *)ctx)->number));
	return 0;
}

static int fail_it(void *ctx, json_t *reply, struct trouble *t)
{
	(void)ctx, (void)reply;
	return trouble_set(t, ERR_EXPIRED, "it is too late");
}

/* A path in it is not UTF-8. */
static int fail_oddly(void *ctx, json_t *reply, struct trouble *t)
{
	(void)ctx, (void)reply;
	return trouble_set(t, ERR_EXPIRED, "no \xff");
}

/* More than a socket has room for. */
static int tell_much(void *ctx, json_t *reply, struct trouble *t)
{
	static char much[4 << 20];

	(void)ctx, (void)t;
	memset(much, 'x', sizeof much - 1);
	json_object_set_new(reply, "much", json_string(much));
	return 0;
}

/* As many lines as are asked for; then, if "hold" is there, until the other end is gone. */
static int stream_it(
	void *ctx, const json_t *request, struct control_stream *s, struct trouble *t)
{
	json_int_t lines = json_integer_value(json_object_get(request, "lines"));
	struct pollfd p = {.fd = control_stream_fd(s), .events = POLLIN};
	int rc = 0;

	for (json_int_t i = 0; !rc && (i < lines || lines < 0); i++) {
		json_t *line = json_pack("{s:I,s:s}", "line", i, "padding", PADDING);

		rc = control_stream_send(s, line);
		json_decref(line);
	}
	if (!rc && json_object_get(request, "hold"))
		poll(&p, 1, -1);
	atomic_fetch_add(&((struct fixture *)ctx)->streams_ended, 1);
	return rc ? trouble_set(t, rc, "nobody takes it") : 0;
}

static const struct control_command commands[] = {
	{.name = "much", .run = tell_much},
	{.name = "double", .run = double_it},
	{.name = "fail", .run = fail_it},
	{.name = "fail oddly", .run = fail_oddly},
	{.name = "stream", .stream = stream_it},
	{0},
};

static void setup(struct fixture *f, const char *below)
{
	struct trouble t = {0};

	memset(f, 0, sizeof *f);
	make_temporary(f->directory);
	snprintf(f->path, sizeof f->path, "%s/%s", f->directory, below);
	assert_int_equal(mkdir(f->path, 0700) && errno != EEXIST, 0);
	strcat(f->path, "/socket");
	f->number = 21;
	if (control_new(f->path, commands, f, &f->control, &t))
		fail_msg("%s", t.text);
}

static void teardown(struct fixture *f)
{
	control_free(f->control);
	assert_int_equal(access(f->path, F_OK), -1);
	remove_tree(f->directory);
}

static void assert_doubled(struct fixture *f)
{
	struct trouble t = {0};
	json_t *reply;

	if (control_ask(f->path, "/mnt", "double", WAIT, &reply, &t))
		fail_msg("%s", t.text);
	assert_int_equal(json_integer_value(json_object_get(reply, "number")), 42);
	json_decref(reply);
}

static int connect_to(struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(control_at(fd, f->path, connect), 0);
	return fd;
}

static void a_command_is_answered(void **state)
{
	struct trouble t = {0};
	struct fixture f;
	struct stat st;
	json_t *reply;

	(void)state;
	setup(&f, ".");
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	for (int i = 0; i < 40; i++) /* more than at a time */
		assert_doubled(&f);
	assert_int_equal(
		control_ask(f.path, "/mnt", "fail", WAIT, &reply, &t), ERR_EXPIRED);
	assert_string_equal(t.text, "it is too late");
	assert_int_equal(
		control_ask(f.path, "/mnt", "fail oddly", WAIT, &reply, &t), ERR_EXPIRED);
	assert_string_equal(t.text, "no ?");
	assert_int_equal(
		control_ask(f.path, "/mnt", "dance", WAIT, &reply, &t), ERR_UNSUPPORTED);
	teardown(&f);
}

static int count_line(void *ctx, const json_t *line)
{
	json_int_t *seen = ctx;

	assert_int_equal(json_integer_value(json_object_get(line, "line")), *seen);
	return ++*seen == 5000 ? ERR_LIMIT : 0;
}

static int ask_stream(struct fixture *f, int lines, json_int_t *seen, struct trouble *t)
{
	json_t *request = json_pack("{s:s,s:i}", "command", "stream", "lines", lines);
	int rc;

	*seen = 0;
	rc = control_ask_lines(f->path, "/mnt", request, WAIT, count_line, seen, t);
	json_decref(request);
	return rc;
}

/* Lines come one by one; who has enough goes, and the other end notices. */
static void a_stream_is_heard_to_its_end(void **state)
{
	struct trouble t = {0};
	struct fixture f;
	json_int_t seen;

	(void)state;
	setup(&f, ".");
	assert_int_equal(ask_stream(&f, 0, &seen, &t), 0);
	assert_int_equal(seen, 0);
	assert_int_equal(ask_stream(&f, 1000, &seen, &t), 0);
	assert_int_equal(seen, 1000);
	assert_int_equal(ask_stream(&f, -1, &seen, &t), ERR_LIMIT);
	AWAIT(atomic_load(&f.streams_ended) == 3);
	assert_doubled(&f);
	teardown(&f);
}

/* Sends a request and takes no word of the answer. */
static int stream_to_nobody(struct fixture *f, const char *request)
{
	int fd = connect_to(f);

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	return fd;
}

/* The end waits neither for who takes nothing nor for who waits for more. */
static void the_end_ends_streams(void **state)
{
	struct fixture f;
	int fd[2];

	(void)state;
	setup(&f, ".");
	fd[0] = stream_to_nobody(&f, "{\"command\": \"stream\", \"lines\": -1}\n");
	fd[1] = stream_to_nobody(
		&f, "{\"command\": \"stream\", \"lines\": 1, \"hold\": true}\n");
	assert_doubled(&f);
	usleep(20000);
	teardown(&f);
	close(fd[0]);
	close(fd[1]);
}

/* A mount that was let go of lazily ends when another is on its place. */
static void the_end_of_one_is_not_that_of_the_next(void **state)
{
	struct trouble t = {0};
	struct fixture f;
	struct control *before;

	(void)state;
	setup(&f, ".");
	before = f.control;
	assert_int_equal(control_new(f.path, commands, &f, &f.control, &t), 0);
	control_free(before);
	assert_doubled(&f);
	teardown(&f);
}

static void a_long_path_is_no_trouble(void **state)
{
	struct fixture f;
	char below[150];

	(void)state;
	memset(below, 'x', sizeof below - 1);
	below[sizeof below - 1] = '\0';
	setup(&f, below);
	assert_doubled(&f);
	teardown(&f);
}

/* Nonsense ends a connection, silence stops nobody, and neither outlives the end. */
static void who_says_nothing_stops_nobody(void **state)
{
	static const char nonsense[] = "{\"command\": nonsense\n";
	struct bytes rest = {0};
	struct fixture f;
	json_t *hello;
	int silent[4], fd;

	(void)state;
	setup(&f, ".");
	for (int i = 0; i < 4; i++)
		silent[i] = connect_to(&f);
	assert_doubled(&f);
	fd = connect_to(&f);
	assert_int_equal(control_receive(fd, 0, &rest, &hello), 0);
	assert_int_equal(json_integer_value(json_object_get(hello, "pid")), getpid());
	json_decref(hello);
	assert_int_equal(send(fd, nonsense, strlen(nonsense), 0), strlen(nonsense));
	assert_int_equal(control_receive(fd, 0, &rest, &hello), ERR_ABSENT);
	close(fd);
	teardown(&f);
	for (int i = 0; i < 4; i++)
		close(silent[i]);
	bytes_release(&rest);
}

/* The end of a mount does not wait for somebody who was stopped while he was answered. */
static void who_takes_nothing_stops_nobody(void **state)
{
	static const char request[] = "{\"command\":\"much\"}\n";
	struct fixture f;
	char answer[128];
	int fd;

	(void)state;
	setup(&f, ".");
	fd = connect_to(&f);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	assert_true(recv(fd, answer, sizeof answer, 0) > 0);
	teardown(&f);
	close(fd);
}

/* A process that is stopped takes connections, and says nothing. */
static void who_hangs_is_said_to(void **state)
{
	struct trouble t = {0};
	struct fixture f;
	json_t *reply;
	int fd;

	(void)state;
	setup(&f, ".");
	control_free(f.control);
	f.control = NULL;
	assert_int_equal(
		control_ask(f.path, "/mnt", "double", WAIT, &reply, &t), ERR_UNREACHABLE);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(control_at(fd, f.path, bind), 0);
	assert_int_equal(
		control_ask(f.path, "/mnt", "double", WAIT, &reply, &t), ERR_UNREACHABLE);
	assert_non_null(strstr(t.text, "cairn umount /mnt"));
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(
		control_ask(f.path, "/mnt", "double", WAIT, &reply, &t), ERR_TIMEOUT);
	assert_non_null(strstr(t.text, "hangs or is stopped"));
	/* Those that went away are still in its queue, which takes no more then. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(control_ask(f.path, "/mnt", "double", WAIT, &reply, &t),
			ERR_TIMEOUT);
	close(fd);
	unlink(f.path);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_answered),
		cmocka_unit_test(a_stream_is_heard_to_its_end),
		cmocka_unit_test(the_end_ends_streams),
		cmocka_unit_test(the_end_of_one_is_not_that_of_the_next),
		cmocka_unit_test(a_long_path_is_no_trouble),
		cmocka_unit_test(who_says_nothing_stops_nobody),
		cmocka_unit_test(who_takes_nothing_stops_nobody),
		cmocka_unit_test(who_hangs_is_said_to),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
