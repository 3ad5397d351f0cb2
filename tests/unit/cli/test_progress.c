/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/progress.h"
#include "unit/await.h"

static int own;	     /* stderr, as it was */
static int terminal; /* what stderr is, from the other side */
static char seen[1 << 16];
static size_t seen_size;
static atomic_uint_fast64_t done;

static void set_columns(unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};

	assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
}

static int set_up(void **state)
{
	int side;

	(void)state;
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal));
	side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(side >= 0);
	assert_int_equal(dup2(side, STDERR_FILENO), STDERR_FILENO);
	close(side);
	return 0;
}

/* Has it come, since the last forget()? */
static bool comes(const char *text)
{
	ssize_t n = read(terminal, seen + seen_size, sizeof seen - 1 - seen_size);

	if (n > 0)
		seen_size += (size_t)n;
	seen[seen_size] = '\0';
	return strstr(seen, text) != NULL;
}

/* The widest that was put between two returns. */
static size_t widest(void)
{
	size_t most = 0;

	for (char *at = seen; *at; at += strspn(at, "\r\n")) {
		size_t n = strcspn(at, "\r\n");

		most = n > most ? n : most;
		at += n;
	}
	return most;
}

static void forget(void)
{
	seen_size = 0;
	seen[0] = '\0';
}

static uint64_t how_far(void *ctx)
{
	assert_ptr_equal(ctx, &done);
	return atomic_load(&done);
}

/* The tool's thread does nothing: what is done is drawn all the same. */
static void test_follows(void **state)
{
	struct progress *p;

	(void)state;
	set_columns(40);
	p = progress_new("get");
	assert_non_null(p);
	progress_set_total(p, 100 << 20);
	progress_watch(p, how_far, &done);
	AWAIT(comes("  0% 0 B"));
	atomic_store(&done, 30 << 20);
	AWAIT(comes(" 30% 30.0 MiB"));
	assert_true(widest() <= 39);
	set_columns(200);
	AWAIT(comes("[####"));
	assert_true(widest() > 39 && widest() <= 199);
	atomic_store(&done, 200 << 20);
	AWAIT(comes("100% 100 MiB of 100 MiB"));
	progress_end(p);
}

static void test_makes_room_for_words(void **state)
{
	struct progress *p;

	(void)state;
	set_columns(80);
	p = progress_new("verify");
	progress_set(p, 3 << 20);
	AWAIT(comes("verify 3.0 MiB"));
	progress_say(p, "thinking");
	AWAIT(comes("thinking"));
	forget();
	progress_hide();
	AWAIT(comes("\r   "));
	AWAIT(comes(" \r"));
	AWAIT(comes("thinking")); /* it comes back */
	forget();
	progress_end(p);
	AWAIT(comes(" \r"));
	progress_hide(); /* there is none */
}

static void test_ctrl_c_leaves_nothing_behind(void **state)
{
	int status;
	pid_t child;

	(void)state;
	set_columns(40);
	child = fork();
	if (child == 0) {
		/* Who runs tests in the background has it ignored. */
		signal(SIGINT, SIG_DFL);
		progress_set_total(progress_new("get"), 1 << 30);
		for (;;)
			pause();
	}
	AWAIT(comes("get   0% 0 B"));
	forget();
	assert_int_equal(kill(child, SIGINT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	AWAIT(comes("   \r"));
	/* "^C" was put behind it: the cursor is not in the next line yet. */
	assert_true(widest() <= 39);
	assert_string_equal(strrchr(seen, ' '), " \r");
}

static void test_only_on_a_terminal(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	assert_null(progress_new("get"));
	progress_watch(NULL, how_far, &done);
	progress_set(NULL, 1);
	progress_set_total(NULL, 1);
	progress_say(NULL, "nothing");
	progress_end(NULL);
	close(ends[0]);
	close(ends[1]);
}

static int tear_down(void **state)
{
	(void)state;
	forget();
	dup2(own, STDERR_FILENO);
	close(terminal);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_follows),
		TEST(test_makes_room_for_words),
		TEST(test_ctrl_c_leaves_nothing_behind),
		TEST(test_only_on_a_terminal),
	};

	end_at_failure();
	own = dup(STDERR_FILENO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
