/* SPDX-License-Identifier: MIT */
#include "unit/await.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/text_server.h"

#define ANSWER_MAX 4096

struct fixture {
	struct text_server *server;
	unsigned made;
	int error; /* that is met in making it */
};

static int make_it(void *ctx, char **text, size_t *size)
{
	struct fixture *f = ctx;
	int n;

	if (f->error)
		return f->error;
	n = asprintf(text, "made %u\n", ++f->made);
	assert_true(n > 0);
	*size = (size_t)n;
	return 0;
}

static void setup(struct fixture *f)
{
	const struct text_server_options o = {.host = "127.0.0.1",
		.path = "/text",
		.type = "text/x-test",
		.make = make_it,
		.ctx = f};
	struct trouble t = {0};

	*f = (struct fixture){0};
	if (text_server_start(&o, &f->server, &t) == ERR_UNSUPPORTED)
		skip();
	if (t.code)
		fail_msg("%s", t.text);
	assert_true(text_server_port(f->server) > 0);
}

/* The whole answer to a request, until the connection is closed. */
static void ask(struct fixture *f, const char *request, char answer[ANSWER_MAX])
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(text_server_port(f->server))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t size = 0;
	ssize_t n;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	while (size < ANSWER_MAX - 1 &&
		(n = recv(fd, answer + size, ANSWER_MAX - 1 - size, 0)) > 0)
		size += (size_t)n;
	answer[size] = '\0';
	close(fd);
}

static void has(const char *answer, const char *want)
{
	if (!strstr(answer, want))
		fail_msg("no '%s' in %s", want, answer);
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void each_who_asks_gets_a_new_one(void **state)
{
	char answer[ANSWER_MAX];
	struct fixture f;

	(void)state;
	setup(&f);
	ask(&f, "GET /text" END, answer);
	has(answer, "HTTP/1.1 200 ");
	has(answer, "text/x-test");
	has(answer, "\r\n\r\nmade 1\n");
	ask(&f, "GET /text" END, answer);
	has(answer, "\r\n\r\nmade 2\n");
	ask(&f, "HEAD /text" END, answer);
	has(answer, "HTTP/1.1 200 ");
	assert_null(strstr(answer, "made"));
	text_server_stop(f.server);
}

static void nothing_else_is_there(void **state)
{
	char answer[ANSWER_MAX];
	struct fixture f;

	(void)state;
	setup(&f);
	ask(&f, "GET /" END, answer);
	has(answer, "HTTP/1.1 404 ");
	ask(&f, "GET /../text" END, answer);
	has(answer, "HTTP/1.1 404 ");
	ask(&f,
		"POST /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
		"3\r\n\r\nabc",
		answer);
	has(answer, "HTTP/1.1 405 ");
	assert_int_equal(f.made, 0);
	f.error = ERR_NO_MEMORY;
	ask(&f, "GET /text" END, answer);
	has(answer, "HTTP/1.1 500 ");
	text_server_stop(f.server);
	text_server_stop(NULL);
}

static void a_port_that_is_taken_is_said(void **state)
{
	struct text_server_options o = {.host = "127.0.0.1", .path = "/", .make = make_it};
	struct text_server *other;
	struct trouble t = {0};
	struct fixture f;

	(void)state;
	setup(&f);
	o.port = text_server_port(f.server);
	assert_true(text_server_start(&o, &other, &t) < 0);
	has(t.text, "cannot listen on 127.0.0.1 port");
	text_server_stop(f.server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_who_asks_gets_a_new_one),
		cmocka_unit_test(nothing_else_is_there),
		cmocka_unit_test(a_port_that_is_taken_is_said),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
