/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/serve_clients.h"

#define MANY 12

struct fixture {
	struct serve_clients *clients;
	struct serve_client *client[MANY];
	int ours[MANY], theirs[MANY];
};

static int setup(void **state)
{
	const struct serve_client_limits limits = {
		.total = 6, .per_address = 4, .header_ns = 10, .idle_ns = 100};
	struct fixture *x = calloc(1, sizeof *x);

	x->clients = serve_clients_new(&limits);
	assert_non_null(x->clients);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i < MANY; i++) {
		if (!x->client[i])
			continue;
		serve_clients_closed(x->clients, x->client[i]);
		close(x->ours[i]);
		close(x->theirs[i]);
	}
	serve_clients_free(x->clients);
	free(x);
	return 0;
}

static void open_client(struct fixture *x, int i, const char *address, int64_t now)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	int pair[2];

	if (!is_v4)
		assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	x->ours[i] = pair[0];
	x->theirs[i] = pair[1];
	x->client[i] = serve_clients_opened(x->clients, pair[0],
		is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, now);
	assert_non_null(x->client[i]);
}

static bool is_shut(const struct fixture *x, int i)
{
	char byte;

	return recv(x->theirs[i], &byte, 1, MSG_DONTWAIT) == 0;
}

/* Bit i: client i is shut. */
static unsigned all_shut(const struct fixture *x)
{
	unsigned shut = 0;

	for (int i = 0; i < MANY; i++)
		if (x->client[i] && is_shut(x, i))
			shut |= 1u << i;
	return shut;
}

static void test_late(void **state)
{
	struct fixture *x = *state;

	open_client(x, 0, "10.0.0.1", 0);
	open_client(x, 1, "10.0.0.1", 5);
	serve_clients_sweep(x->clients, 10);
	assert_int_equal(all_shut(x), 0);
	serve_clients_sweep(x->clients, 11);
	assert_int_equal(all_shut(x), 1);
	/* Its request may take as long as it takes, and the next one a while to come. */
	serve_clients_asked(x->clients, x->client[1]);
	serve_clients_sweep(x->clients, 1000);
	serve_clients_answered(x->clients, x->client[1], 1000);
	serve_clients_sweep(x->clients, 1100);
	assert_int_equal(all_shut(x), 1);
	serve_clients_sweep(x->clients, 1101);
	assert_int_equal(all_shut(x), 3);
}

static void test_address_full(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i < 4; i++)
		open_client(x, i, "10.0.0.1", i);
	open_client(x, 4, "10.0.0.2", 4);
	assert_int_equal(all_shut(x), 0);
	serve_clients_asked(x->clients, x->client[0]);
	open_client(x, 5, "10.0.0.1", 5);
	assert_int_equal(all_shut(x), 1u << 1);
	/* Those who are being answered stay; then it is the newcomer who goes. */
	for (int i = 2; i <= 5; i++)
		serve_clients_asked(x->clients, x->client[i]);
	open_client(x, 6, "10.0.0.1", 6);
	assert_int_equal(all_shut(x), 1u << 1 | 1u << 6);
}

static void test_all_full(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i < 3; i++)
		open_client(x, i, "10.0.0.1", i);
	for (int i = 3; i < 6; i++)
		open_client(x, i, "10.0.0.2", i);
	open_client(x, 6, "10.0.0.3", 6);
	assert_int_equal(all_shut(x), 1);
	serve_clients_answered(x->clients, x->client[1], 7);
	open_client(x, 7, "10.0.0.3", 8);
	assert_int_equal(all_shut(x), 1 | 1u << 2);
}

static void test_networks(void **state)
{
	struct fixture *x = *state;

	open_client(x, 0, "2001:db8::1", 0);
	open_client(x, 1, "2001:db8::2", 1);
	open_client(x, 2, "2001:db8:0:0:ffff::3", 2);
	open_client(x, 3, "::ffff:10.0.0.1", 3);
	open_client(x, 4, "2001:db8::1", 4);
	assert_int_equal(all_shut(x), 0);
	open_client(x, 5, "2001:db8::5", 5);
	assert_int_equal(all_shut(x), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_late),
		TEST(test_address_full),
		TEST(test_all_full),
		TEST(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
