/* SPDX-License-Identifier: MIT */
/*
 * A TCP proxy on the loopback that makes a near server far, slow, or faulty:
 *
 *	proxy -t PORT [-l PORT] -c SOCKET [-d MS] [-r BITS] [-f FAULT]
 *	proxy ctl SOCKET COMMAND...
 *
 * It forwards to 127.0.0.1:PORT, and prints the port that it listens on. -d delays each
 * direction, a new connection by a round trip more; -r caps each direction, shared by
 * all connections. Commands: delay MS, rate BITS, fault FAULT (fault.h), drop (resets all
 * connections once), stats, quit.
 *
 * One thread around poll(2). Sides of a connection: 0 the client, 1 the server; what is
 * read on one goes through lines[side] to the other.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "line.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)
#define READ_SIZE (64 << 10)
#define LINE_MAX_HELD (64u << 20)	/* bytes under way per direction */
#define LINK_QUEUE_MAX (20 * NS_PER_MS) /* what a router would queue */
#define COMMAND_MAX 256

enum { CLIENT, SERVER, SIDES };

struct connection {
	struct connection *next;
	int fd[SIDES];
	struct line lines[SIDES];
	bool ended[SIDES]; /* that side will say nothing more */
	bool told[SIDES];  /* and the other has been told so */
	bool full[SIDES];  /* that side takes no more for now */
	bool stalled;
	bool cut; /* closes when the client has all that is under way */
	bool dead;
	bool had_turn;	   /* it was read from in this round */
	int64_t open_from; /* the handshake's round trip is over */
	size_t slot;	   /* in the array for poll(2), of the client's descriptor */
};

struct proxy {
	int listener, control;
	uint16_t port, target;
	int64_t delay;		  /* ns, one way */
	double rate;		  /* bits per second, 0: no cap */
	int64_t link_free[SIDES]; /* when the shared link has sent what it took */
	struct fault fault;
	struct connection *connections;
	size_t live;
	uint64_t accepted, bytes[SIDES];
	struct pollfd *polls;
	size_t poll_capacity;
	bool quit;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void listen_tcp(struct proxy *p)
{
	struct sockaddr_in a = loopback(p->port);
	socklen_t size = sizeof(a);
	int one = 1;

	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(p->listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		listen(p->listener, SOMAXCONN) != 0 ||
		getsockname(p->listener, (struct sockaddr *)&a, &size) != 0)
		die("listen");
	p->port = ntohs(a.sin_port);
	set_nonblocking(p->listener);
}

static struct sockaddr_un control_address(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(a.sun_path)) {
		fprintf(stderr, "proxy: %s: too long for a socket's path\n", path);
		exit(2);
	}
	strcpy(a.sun_path, path);
	return a;
}

static void listen_control(struct proxy *p, const char *path)
{
	struct sockaddr_un a = control_address(path);

	p->control = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(p->control, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		listen(p->control, SOMAXCONN) != 0)
		die(path);
	set_nonblocking(p->control);
}

/* Connections */

static void connection_kill(struct proxy *p, struct connection *c, bool reset)
{
	struct linger at_once = {.l_onoff = 1};

	if (c->dead)
		return;
	c->dead = true;
	p->live--;
	for (int side = 0; side < SIDES; side++) {
		if (reset)
			setsockopt(c->fd[side], SOL_SOCKET, SO_LINGER, &at_once,
				sizeof(at_once));
		close(c->fd[side]);
		line_release(&c->lines[side]);
	}
}

static void kill_all(struct proxy *p)
{
	for (struct connection *c = p->connections; c; c = c->next)
		connection_kill(p, c, true);
}

static void bury_dead(struct proxy *p)
{
	for (struct connection **at = &p->connections; *at;) {
		struct connection *c = *at;
		if (c->dead) {
			*at = c->next;
			free(c);
		} else {
			at = &c->next;
		}
	}
}

/* Those that had a turn go last: while the link is busy each round has room for one read,
 * and the first in the list would have them all. */
static void take_turns(struct proxy *p)
{
	struct connection *had = NULL, **last = &had, **at = &p->connections;

	while (*at) {
		struct connection *c = *at;
		if (!c->had_turn) {
			at = &c->next;
			continue;
		}
		c->had_turn = false;
		*at = c->next;
		*last = c;
		last = &c->next;
	}
	*last = NULL;
	*at = had;
}

static void accept_one(struct proxy *p, int64_t now)
{
	struct sockaddr_in a = loopback(p->target);
	int one = 1, client = accept(p->listener, NULL, NULL);
	struct connection *c;

	if (client < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		die("memory");
	c->fd[CLIENT] = client;
	c->fd[SERVER] = socket(AF_INET, SOCK_STREAM, 0);
	for (int side = 0; side < SIDES; side++) {
		set_nonblocking(c->fd[side]);
		setsockopt(c->fd[side], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	c->open_from = now + 2 * p->delay;
	c->next = p->connections;
	p->connections = c;
	p->live++;
	p->accepted++;
	if (connect(c->fd[SERVER], (struct sockaddr *)&a, sizeof(a)) != 0 &&
		errno != EINPROGRESS)
		connection_kill(p, c, true);
}

/* Data */

/* When it may be read from that side again: the link's queue is not full any more. */
static int64_t read_due(const struct proxy *p, const struct connection *c, int side)
{
	if (c->ended[side] || c->cut || c->lines[side].held >= LINE_MAX_HELD)
		return NEVER;
	return p->link_free[side] - LINK_QUEUE_MAX;
}

/* When bytes that were read now arrive on the other side. */
static int64_t arrival_time(
	struct proxy *p, struct connection *c, int side, size_t size, int64_t now)
{
	int64_t leaves = now;

	if (side == CLIENT && leaves < c->open_from)
		leaves = c->open_from;
	if (p->rate > 0) {
		if (p->link_free[side] > leaves)
			leaves = p->link_free[side];
		leaves += (int64_t)((double)size * 8 * NS_PER_SECOND / p->rate);
		p->link_free[side] = leaves;
	}
	return leaves + p->delay;
}

static void pass_on(struct proxy *p, struct connection *c, int side, uint8_t *data,
	size_t size, int64_t now)
{
	enum fault_kind fault = FAULT_NONE;

	if (p->fault.kind == FAULT_BLACKHOLE || (side == SERVER && c->stalled))
		return;
	if (side == SERVER)
		fault = fault_strike(&p->fault, data, &size);
	p->bytes[side] += size;
	if (size && line_put(&c->lines[side], data, size,
			    arrival_time(p, c, side, size, now)) != 0)
		die("memory");
	if (fault == FAULT_RESET)
		connection_kill(p, c, true);
	else if (fault == FAULT_TRUNCATE)
		c->cut = true;
	else if (fault == FAULT_STALL)
		c->stalled = true;
}

/* With a rate cap, a read takes about 2 ms of the link, so that connections share it. */
static size_t read_size(const struct proxy *p)
{
	double fair = p->rate / 8 / 500;
	if (p->rate <= 0 || fair > READ_SIZE)
		return READ_SIZE;
	return fair < 1448 ? 1448 : (size_t)fair;
}

static void take_in(struct proxy *p, struct connection *c, int side, int64_t now)
{
	uint8_t buffer[READ_SIZE];
	ssize_t n = recv(c->fd[side], buffer, read_size(p), 0);

	c->had_turn = true;
	if (n > 0)
		pass_on(p, c, side, buffer, (size_t)n, now);
	else if (n == 0)
		c->ended[side] = true;
	else if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
		connection_kill(p, c, true);
}

static void deliver(struct proxy *p, struct connection *c, int side, int64_t now)
{
	int other = !side;

	c->full[other] = false;
	if (line_deliver(&c->lines[side], c->fd[other], now) != 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)
			c->full[other] = true;
		else
			connection_kill(p, c, true);
		return;
	}
	if (c->lines[side].head || c->told[side])
		return;
	if (c->ended[side] && !c->stalled && p->fault.kind != FAULT_BLACKHOLE) {
		shutdown(c->fd[other], SHUT_WR);
		c->told[side] = true;
	}
}

static void connection_step(struct proxy *p, struct connection *c, int64_t now)
{
	for (int side = 0; side < SIDES; side++) {
		short events = p->polls[c->slot + (size_t)side].revents;
		if (!c->dead && events & (POLLIN | POLLHUP | POLLERR) &&
			read_due(p, c, side) <= now)
			take_in(p, c, side, now);
	}
	for (int side = 0; side < SIDES; side++)
		if (!c->dead)
			deliver(p, c, side, now);
	if (!c->dead &&
		((c->cut && !c->lines[SERVER].head) ||
			(c->ended[CLIENT] && c->ended[SERVER]) ||
			(c->ended[CLIENT] &&
				(c->stalled || p->fault.kind == FAULT_BLACKHOLE)))) {
		if (!c->lines[CLIENT].head && !c->lines[SERVER].head)
			connection_kill(p, c, false);
	}
}

/* Control */

static void set_fault(struct proxy *p, const struct fault *fault)
{
	bool refuse = fault->kind == FAULT_REFUSE;

	if (refuse && p->listener >= 0) {
		close(p->listener);
		p->listener = -1;
	} else if (!refuse && p->listener < 0) {
		listen_tcp(p);
	}
	/* Bytes that a black hole swallowed, or a stall held back, are gone for good. */
	for (struct connection *c = p->connections; c; c = c->next)
		if (refuse || c->stalled || p->fault.kind == FAULT_BLACKHOLE)
			connection_kill(p, c, true);
	p->fault = *fault;
}

static const char *command_run(struct proxy *p, const char *text, char *answer, size_t size)
{
	struct fault fault;

	if (sscanf(text, "delay %" SCNd64, &p->delay) == 1)
		p->delay *= NS_PER_MS;
	else if (strncmp(text, "rate ", 5) == 0)
		p->rate = strtod(text + 5, NULL);
	else if (strncmp(text, "fault ", 6) == 0 && fault_parse(text + 6, &fault) == 0)
		set_fault(p, &fault);
	else if (strcmp(text, "drop") == 0)
		kill_all(p);
	else if (strcmp(text, "quit") == 0)
		p->quit = true;
	else if (strcmp(text, "stats") != 0)
		return "unknown command\n";
	snprintf(answer, size,
		"accepted %" PRIu64 " live %zu up %" PRIu64 " down %" PRIu64
		" struck %" PRIu64 "\n",
		p->accepted, p->live, p->bytes[CLIENT], p->bytes[SERVER], p->fault.struck);
	return answer;
}

/* A command is one write on a connection of its own; whoever sends it is on this machine.
 */
static void control_one(struct proxy *p)
{
	struct timeval patience = {.tv_sec = 2};
	char command[COMMAND_MAX], answer[COMMAND_MAX];
	const char *text;
	int fd = accept(p->control, NULL, NULL);
	ssize_t n;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	n = recv(fd, command, sizeof(command) - 1, 0);
	if (n > 0) {
		command[n] = '\0';
		text = command_run(p, command, answer, sizeof(answer));
		send(fd, text, strlen(text), MSG_NOSIGNAL);
	}
	close(fd);
}

static int control_send(int argc, char **argv)
{
	struct sockaddr_un a = control_address(argv[0]);
	char text[COMMAND_MAX] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t size = 0;
	ssize_t n;

	for (int i = 1; i < argc && size < sizeof(text); i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s",
			i > 1 ? " " : "", argv[i]);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		send(fd, text, strlen(text), 0) < 0)
		die(argv[0]);
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		die(argv[0]);
	text[n] = '\0';
	fputs(text, stdout);
	close(fd);
	return strncmp(text, "unknown", 7) == 0;
}

/* The loop */

static void poll_add(struct proxy *p, size_t *count, int fd, short events)
{
	if (*count == p->poll_capacity) {
		p->poll_capacity = 2 * p->poll_capacity + 64;
		p->polls = realloc(p->polls, p->poll_capacity * sizeof(*p->polls));
		if (!p->polls)
			die("memory");
	}
	p->polls[(*count)++] = (struct pollfd){.fd = fd, .events = events};
}

/* Fills the array; returns when something is due even if no descriptor is ready. */
static int64_t poll_fill(struct proxy *p, size_t *count, int64_t now)
{
	int64_t next = NEVER;

	*count = 0;
	poll_add(p, count, p->listener, POLLIN);
	poll_add(p, count, p->control, POLLIN);
	for (struct connection *c = p->connections; c; c = c->next) {
		c->slot = *count;
		for (int side = 0; side < SIDES; side++) {
			int64_t readable = read_due(p, c, side);
			short events = readable <= now ? POLLIN : 0;
			if (readable > now && readable < next)
				next = readable;
			if (c->full[side])
				events |= POLLOUT;
			else if (line_due(&c->lines[!side]) < next)
				next = line_due(&c->lines[!side]);
			/* without events, a hung-up peer would wake poll(2) for ever */
			poll_add(p, count, events ? c->fd[side] : -1, events);
		}
	}
	return next;
}

static void wait_for(struct proxy *p, size_t count, int64_t next, int64_t now)
{
	struct timespec wait = {0};

	if (next > now) {
		wait.tv_sec = (next - now) / NS_PER_SECOND;
		wait.tv_nsec = (next - now) % NS_PER_SECOND;
	}
	if (ppoll(p->polls, count, next == NEVER ? NULL : &wait, NULL) < 0 &&
		errno != EINTR)
		die("poll");
}

static void serve(struct proxy *p)
{
	while (!p->quit) {
		size_t count;
		int64_t now = now_ns(), next = poll_fill(p, &count, now);

		wait_for(p, count, next, now);
		now = now_ns();
		for (struct connection *c = p->connections; c; c = c->next)
			connection_step(p, c, now);
		if (p->listener >= 0 && p->polls[0].revents)
			accept_one(p, now);
		if (p->polls[1].revents)
			control_one(p);
		bury_dead(p);
		take_turns(p);
	}
	kill_all(p);
	bury_dead(p);
	free(p->polls);
}

static int use(void)
{
	fputs("use: proxy -t PORT -c SOCKET [-l PORT] [-d MS] [-r BITS] [-f FAULT]\n"
	      "     proxy ctl SOCKET COMMAND...\n",
		stderr);
	return 2;
}

static bool option(struct proxy *p, int letter, const char *value, const char **socket_path)
{
	switch (letter) {
	case 't':
		p->target = (uint16_t)atoi(value);
		return p->target != 0;
	case 'l':
		p->port = (uint16_t)atoi(value);
		return true;
	case 'c':
		*socket_path = value;
		return true;
	case 'd':
		p->delay = (int64_t)(atof(value) * NS_PER_MS);
		return true;
	case 'r':
		p->rate = strtod(value, NULL);
		return true;
	case 'f':
		return fault_parse(value, &p->fault) == 0;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct proxy p = {.listener = -1};
	struct rlimit files;
	const char *socket_path = NULL;
	int letter;

	if (argc > 3 && strcmp(argv[1], "ctl") == 0)
		return control_send(argc - 2, argv + 2);
	while ((letter = getopt(argc, argv, "t:l:c:d:r:f:")) != -1)
		if (!option(&p, letter, optarg, &socket_path))
			return use();
	if (!p.target || !socket_path || optind != argc)
		return use();
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	listen_tcp(&p);
	listen_control(&p, socket_path);
	printf("%u\n", p.port);
	fflush(stdout);
	if (p.fault.kind == FAULT_REFUSE) {
		close(p.listener);
		p.listener = -1;
	}
	serve(&p);
	unlink(socket_path);
	return 0;
}
