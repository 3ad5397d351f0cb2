/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <dlfcn.h>
#include <stdatomic.h>

#include "unit/await.h"
#include "unit/stub_server.h"

#include "net/fetcher.h"
#include "net/redirect.h"
#include "net/serve.h"
#include "net/serve_certificate.h"
#include "util/io.h"

#define SIZE_MAX_TESTED 65536
#define SLACK (60 * NS_PER_SECOND)    /* by which a busy machine may miss a deadline */
#define NO_WAIT (120 * NS_PER_SECOND) /* no test waits for that */

static atomic_uint resolvers_hanging;
static atomic_bool resolvers_released;

static void hang_resolver(void)
{
	resolvers_hanging++;
	for (int i = 0; i < 3000 && !resolvers_released; i++)
		usleep(10000);
	resolvers_hanging--;
}

/* libcurl resolves names with this one: "hang.test" takes until it is released,
 * "other.test" is this machine. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **out)
{
	int (*real)(
		const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (host && !strcmp(host, "hang.test")) {
		hang_resolver();
		return EAI_AGAIN;
	}
	if (host && !strcmp(host, "other.test"))
		host = "127.0.0.1";
	return real(host, service, hints, out);
}

static atomic_uint files_hanging;
static atomic_bool files_released;

/* A file system whose server is gone: whatever is below "dead" takes until it is released.
 */
int stat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = dlsym(RTLD_NEXT, "stat");
	if (strstr(path, "/dead/")) {
		files_hanging++;
		while (!files_released)
			usleep(10000);
		files_hanging--;
	}
	return real(path, st);
}

struct fixture {
	struct stub_server stub;
	struct fetcher *fetcher;
	struct fetcher_options options;
	struct credentials credentials;
	struct mirrors *mirrors;
	char directory[64];
	int dead; /* the socket of dead_port(), or -1 */
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	x->dead = -1;
	stub_start(&x->stub, 0, NULL);
	assert_int_equal(mirrors_new(x->stub.url, &x->mirrors, NULL), 0);
	credentials_init(&x->credentials);
	x->options.credentials = &x->credentials;
	x->options.connections = 4;
	strcpy(x->directory, "/tmp/cairn-test-XXXXXX");
	assert_non_null(mkdtemp(x->directory));
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char command[128];

	fetcher_free(x->fetcher);
	mirrors_free(x->mirrors);
	stub_stop(&x->stub);
	if (x->dead >= 0)
		close(x->dead);
	credentials_release(&x->credentials);
	snprintf(command, sizeof command, "rm -rf %s", x->directory);
	assert_int_equal(system(command), 0);
	free(x);
	return 0;
}

/* With the options as they are now. */
static struct fetcher *start(struct fixture *x)
{
	struct trouble t = {0};

	assert_int_equal(fetcher_new(&x->options, &x->fetcher, &t), 0);
	return x->fetcher;
}

static void fetch_init(struct fetch *f, struct mirrors *m, const char *path)
{
	*f = (struct fetch){.mirrors = m, .size_max = SIZE_MAX_TESTED, .cost = 1000};
	snprintf(f->path, sizeof f->path, "%s", path);
	f->deadline = clock_monotonic() + NO_WAIT;
}

/* One blocking fetch of `path` with a deadline of `ms` (0: far away). */
static int get(struct fixture *x, struct fetch *f, const char *path, int ms)
{
	if (!x->fetcher)
		start(x);
	fetch_init(f, x->mirrors, path);
	if (ms)
		f->deadline = clock_monotonic() + ms * NS_PER_MS;
	return fetcher_get(x->fetcher, f);
}

static void assert_body(struct fetch *f, const char *text)
{
	assert_int_equal(f->error, 0);
	assert_int_equal(f->body.size, strlen(text));
	assert_memory_equal(f->body.data, text, strlen(text));
	bytes_release(&f->body);
}

static void assert_words(const struct fetch *f, const char *words)
{
	if (!strstr(f->trouble.text, words))
		fail_msg("\"%s\" lacks \"%s\"", f->trouble.text, words);
}

static void await_hanging_files(unsigned count)
{
	AWAIT(files_hanging >= count);
	assert_int_equal(files_hanging, count);
}

/* Nobody listens there, nor does another program come to, but for one that is started here.
 */
static uint16_t dead_port(struct fixture *x)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof a;
	int yes = 1;

	x->dead = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(x->dead, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	assert_int_equal(bind(x->dead, (struct sockaddr *)&a, sizeof a), 0);
	getsockname(x->dead, (struct sockaddr *)&a, &size);
	return ntohs(a.sin_port);
}

/* Whom to ask for help. */
static void test_hints(void **state)
{
	static const struct {
		const char *path, *words;
	} cases[] = {
		{"status/401", "--netrc"},
		{"status/401", "--bearer-file"},
		{"status/403", "does not exist"},
		{"status/407", "the proxy"},
		{"said/tls", "--cert"},
		{"said/http", "https://"},
	};
	struct fixture *x = *state;
	struct fetch f;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(get(x, &f, cases[i].path, 0) != 0);
		assert_words(&f, cases[i].words);
	}
	/* Behind a redirect they are not sent. */
	snprintf(x->stub.target, sizeof x->stub.target, "http://localhost:%u/status/401",
		x->stub.port);
	assert_int_equal(get(x, &f, "redirect", 0), ERR_DENIED);
	assert_words(&f, "not sent to where a redirect leads");
}

/* A proxy that is not there is not taken for the server, nor the other way round. */
static void test_dead_proxy(void **state)
{
	struct fixture *x = *state;
	struct fetch f;
	char proxy[64];

	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", dead_port(x));
	x->credentials.proxy = strdup(proxy);
	assert_int_equal(get(x, &f, "ok", 1000), ERR_UNREACHABLE);
	assert_words(&f, "the proxy cannot be reached");
}

/* A fetch whose end is noted, for those that do not block. */
struct job {
	struct fetch fetch;
	struct log_of_jobs *log;
	char name;
	int again;     /* times to be submitted once more by its own done() */
	bool releases; /* in its own done() */
};

struct log_of_jobs {
	struct fetcher *fetcher;
	pthread_mutex_t mtx;
	pthread_cond_t cond;
	unsigned count;
	char names[1024];
};

static void job_done(struct fetch *f)
{
	struct job *j = (struct job *)f;
	struct log_of_jobs *log = j->log;

	if (j->again > 0 && !f->error) {
		j->again--;
		bytes_release(&f->body);
		fetcher_release(log->fetcher, f);
		fetcher_submit(log->fetcher, f);
		return;
	}
	if (j->releases)
		fetcher_release(log->fetcher, f);
	pthread_mutex_lock(&log->mtx);
	log->names[log->count++] = j->name;
	pthread_cond_broadcast(&log->cond);
	pthread_mutex_unlock(&log->mtx);
}

static void log_init(struct log_of_jobs *log, struct fetcher *f)
{
	memset(log, 0, sizeof *log);
	log->fetcher = f;
	pthread_mutex_init(&log->mtx, NULL);
	pthread_cond_init(&log->cond, NULL);
}

static void await_jobs(struct log_of_jobs *log, unsigned count)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += AWAIT_MOST / NS_PER_SECOND;
	pthread_mutex_lock(&log->mtx);
	while (log->count < count)
		if (pthread_cond_timedwait(&log->cond, &log->mtx, &until) != 0)
			break;
	count = log->count >= count;
	pthread_mutex_unlock(&log->mtx);
	assert_true(count);
}

static void submit(struct job *j, struct log_of_jobs *log, struct mirrors *m,
	const char *path, enum fetch_priority priority)
{
	fetch_init(&j->fetch, m, path);
	j->fetch.priority = priority;
	j->fetch.done = job_done;
	j->log = log;
	j->name = path[strlen(path) - 1];
	fetcher_submit(log->fetcher, &j->fetch);
}

static void job_release(struct job *j)
{
	bytes_release(&j->fetch.body);
	fetcher_release(j->log->fetcher, &j->fetch);
}

static struct fetcher_counters count(struct fixture *x)
{
	struct fetcher_counters c;

	fetcher_count(x->fetcher, &c);
	return c;
}

/* What it gives. */

static void test_get(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_int_equal(f.mirror, 0);
	assert_false(f.not_modified);
	assert_string_equal(f.etag, "");
	assert_body(&f, "hello");
	assert_int_equal(count(x).requests, 1);
	assert_int_equal(count(x).bytes, 5);
	assert_int_equal(count(x).active + count(x).queued, 0);
}

static void test_etag(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	assert_int_equal(get(x, &f, "etag", 0), 0);
	assert_string_equal(f.etag, STUB_ETAG);
	assert_body(&f, "tagged");
	fetch_init(&f, x->mirrors, "etag");
	strcpy(f.etag, STUB_ETAG);
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_true(f.not_modified);
	assert_int_equal(f.body.size, 0);
	assert_string_equal(f.etag, STUB_ETAG);
	/* One from a server that cannot be sent back is dropped, and one of ours too. */
	assert_int_equal(get(x, &f, "bad-etag", 0), 0);
	assert_string_equal(f.etag, "");
	assert_body(&f, "hello");
	fetch_init(&f, x->mirrors, "echo");
	strcpy(f.etag, "\"x\"\r\nEvil: yes");
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_null(memmem(f.body.data, f.body.size, "Evil", 4));
	bytes_release(&f.body);
	/* Not modified, though nothing was known. */
	assert_int_equal(get(x, &f, "status/304", 0), ERR_UNREACHABLE);
}

static void test_headers(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	start(x);
	fetch_init(&f, x->mirrors, "echo");
	f.revalidate = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_non_null(memmem(f.body.data, f.body.size, "Cache-Control: no-cache", 23));
	assert_non_null(memmem(f.body.data, f.body.size, "User-Agent: cairn/", 18));
	assert_null(memmem(f.body.data, f.body.size, "Accept-Encoding", 15));
	assert_null(memmem(f.body.data, f.body.size, "Authorization", 13));
	bytes_release(&f.body);
}

static void test_keeps_connections(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	for (int i = 0; i < 30; i++) {
		assert_int_equal(
			get(x, &f, i % 3 ? "ok" : "status/404", 0), i % 3 ? 0 : ERR_ABSENT);
		bytes_release(&f.body);
	}
	assert_int_equal(x->stub.connections, 1);
}

static void test_many_at_once(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job *jobs = calloc(500, sizeof *jobs);

	log_init(&log, start(x));
	for (int i = 0; i < 500; i++)
		submit(&jobs[i], &log, x->mirrors, "ok", (enum fetch_priority)(i % 3));
	await_jobs(&log, 500);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(jobs[i].fetch.error, 0);
		job_release(&jobs[i]);
	}
	assert_true(x->stub.open_most <= 4);
	assert_true(x->stub.connections <= 4);
	free(jobs);
}

static void test_done_submits(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job j = {.again = 20};

	log_init(&log, start(x));
	submit(&j, &log, x->mirrors, "ok", FETCH_DEMAND);
	await_jobs(&log, 1);
	assert_int_equal(j.fetch.error, 0);
	assert_int_equal(x->stub.requests, 21);
	job_release(&j);
}

/* What servers answer. */

static void test_refusals(void **state)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {{"status/404", ERR_ABSENT}, {"status/410", ERR_ABSENT},
		{"status/401", ERR_DENIED}, {"status/403", ERR_DENIED},
		{"status/407", ERR_DENIED}, {"status/400", ERR_UNREACHABLE},
		{"status/204", ERR_UNREACHABLE}, {"status/206", ERR_UNREACHABLE},
		{"status/300", ERR_UNREACHABLE}, {"status/418", ERR_UNREACHABLE}};
	struct fixture *x = *state;
	struct fetch f;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(get(x, &f, cases[i].path, 0), cases[i].error);
		assert_words(&f, x->stub.url);
		assert_words(&f, cases[i].path);
		assert_int_equal(f.mirror, -1);
		assert_null(f.body.data);
		assert_int_equal(x->stub.requests, i + 1);
	}
	assert_int_equal(count(x).retries, 0);
}

static void test_retries(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	assert_int_equal(get(x, &f, "fail/503/2", 0), 0);
	assert_body(&f, "at last");
	assert_int_equal(count(x).retries, 2);
	assert_int_equal(count(x).failures, 0);
}

static void test_impatient(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	start(x);
	fetch_init(&f, x->mirrors, "fail/500/1");
	f.impatient = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
	assert_words(&f, "500");
	assert_int_equal(x->stub.requests, 1);
}

static void test_retry_after(void **state)
{
	struct fixture *x = *state;
	int64_t began = clock_monotonic();
	struct fetch f;

	assert_int_equal(get(x, &f, "fail/429/1", 0), 0);
	assert_body(&f, "at last");
	assert_true(clock_monotonic() - began >= NS_PER_SECOND);
}

/* It belongs to the server: nobody else asks it meanwhile, and who has no time for it is
 * told at once. */
static void test_pause_of_server(void **state)
{
	struct fixture *x = *state;
	struct fetch f;
	int64_t began = clock_monotonic();

	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			get(x, &f, i ? "pause/900d" : "pause/900", 0), ERR_UNREACHABLE);
		assert_words(&f, "more seconds");
		for (int j = 0; j < 50; j++)
			assert_int_equal(get(x, &f, "ok", 0), ERR_UNREACHABLE);
		assert_int_equal(x->stub.requests, i + 1);
		mirrors_free(x->mirrors);
		assert_int_equal(mirrors_new(x->stub.url, &x->mirrors, NULL), 0);
	}
	assert_true(clock_monotonic() - began < NO_WAIT);
}

/* Fewer at a time, and with gaps, until the server bears it. */
static void test_rate_limit(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[20] = {0};

	log_init(&log, start(x));
	for (int i = 0; i < 20; i++)
		submit(&jobs[i], &log, x->mirrors, "limited/40", FETCH_DEMAND);
	await_jobs(&log, 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].fetch.error, 0);
		job_release(&jobs[i]);
	}
	assert_true(x->stub.refused <= 20);
}

/* A signature says that it is there: a server that has it not yet is asked again. */
static void test_vouched(void **state)
{
	static const char *const paths[] = {"fail/404/2", "fail/403/2"};
	struct fixture *x = *state;
	struct fetch f;

	start(x);
	for (int i = 0; i < 2; i++) {
		x->stub.requests = 0;
		fetch_init(&f, x->mirrors, paths[i]);
		f.vouched = true;
		assert_int_equal(fetcher_get(x->fetcher, &f), 0);
		assert_body(&f, "at last");
		assert_int_equal(x->stub.requests, 3);
	}
	/* On new connections, for behind one name there may be several nodes. */
	assert_true(x->stub.connections >= 5);
	fetch_init(&f, x->mirrors, "status/404");
	f.vouched = true;
	f.deadline = clock_monotonic() + 2000 * NS_PER_MS;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_ABSENT);
	assert_words(&f, "404");
}

static void test_fails_at_deadline(void **state)
{
	static const struct {
		const char *path;
		int error;
		const char *words;
	} cases[] = {
		{"fail/500/1000", ERR_UNREACHABLE, "500"},
		{"truncated", ERR_TIMEOUT, "broke off after 4 bytes"},
		{"reset", ERR_UNREACHABLE, "eset"},
		{"hang", ERR_TIMEOUT, "0 bytes"},
		{"stall", ERR_TIMEOUT, "4 bytes"},
		{"drip", ERR_TIMEOUT, "time was up"},
	};
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[6] = {0};
	int64_t began = clock_monotonic();

	x->options.connections = 8;
	log_init(&log, start(x));
	for (int i = 0; i < 6; i++) {
		submit(&jobs[i], &log, x->mirrors, cases[i].path, FETCH_DEMAND);
		fetcher_raise(
			x->fetcher, &jobs[i].fetch, FETCH_DEMAND, began + NS_PER_SECOND);
	}
	await_jobs(&log, 1);
	assert_true(clock_monotonic() - began >= 999 * NS_PER_MS);
	await_jobs(&log, 6);
	assert_true(clock_monotonic() - began < NS_PER_SECOND + SLACK);
	for (int i = 0; i < 6; i++) {
		assert_words(&jobs[i].fetch, cases[i].words);
		assert_int_equal(jobs[i].fetch.error, cases[i].error);
		assert_null(jobs[i].fetch.body.data);
	}
}

/* Whether it went on for twice the time that ends a stalled one. */
static bool drips_to_the_end(struct fixture *x)
{
	struct log_of_jobs log;
	struct job job = {0};
	unsigned requests = stub_requests(&x->stub);
	bool to_the_end;

	log_init(&log, x->fetcher);
	submit(&job, &log, x->mirrors, "drip", FETCH_DEMAND);
	stub_await(&x->stub, requests + 1);
	fetcher_raise(
		x->fetcher, &job.fetch, FETCH_DEMAND, clock_monotonic() + 300 * NS_PER_MS);
	await_jobs(&log, 1);
	assert_int_equal(job.fetch.error, ERR_TIMEOUT);
	to_the_end = strstr(job.fetch.trouble.text, "time was up") != NULL;
	job_release(&job);
	return to_the_end;
}

static void test_stall_timeout(void **state)
{
	static const char *const paths[] = {"hang", "stall"};
	struct fixture *x = *state;
	struct fetch f;

	x->options.stall_timeout = 150 * NS_PER_MS;
	start(x);
	for (int i = 0; i < 2; i++) {
		int64_t began = clock_monotonic();

		fetch_init(&f, x->mirrors, paths[i]);
		f.impatient = true;
		assert_int_equal(fetcher_get(x->fetcher, &f), ERR_TIMEOUT);
		assert_words(&f, "silent");
		assert_true(clock_monotonic() - began < 150 * NS_PER_MS + SLACK);
	}
	/* One that never stops to send is not stalled; on a busy machine it stops at times.
	 */
	AWAIT(drips_to_the_end(x));
}

/* Twelve at once, of which the first, one for each slot, are answered when the others are
 * under way. */
static void ask_twelve(struct fixture *x, struct log_of_jobs *log, unsigned connections)
{
	struct job jobs[12] = {0};
	unsigned done = log->count, requests;

	requests = x->stub.requests;
	x->stub.gate_open = false;
	for (unsigned i = 0; i < x->stub.slots; i++)
		submit(&jobs[i], log, x->mirrors, "gate/a", FETCH_DEMAND);
	stub_await(&x->stub, requests + x->stub.slots);
	for (unsigned i = x->stub.slots; i < 12; i++)
		submit(&jobs[i], log, x->mirrors, "ok",
			i % 2 ? FETCH_DEMAND : FETCH_PREFETCH);
	for (int i = 0; i < 12; i++)
		fetcher_raise(x->fetcher, &jobs[i].fetch, FETCH_PREFETCH,
			clock_monotonic() + NO_WAIT);
	AWAIT(x->stub.connections >= connections);
	stub_open_gate(&x->stub);
	await_jobs(log, done + 12);
	for (int i = 0; i < 12; i++) {
		if (jobs[i].fetch.error)
			fail_msg("%s", jobs[i].fetch.trouble.text);
		job_release(&jobs[i]);
	}
	assert_int_equal(x->stub.connections, connections);
}

/* A server that serves few connections at a time, each for as long as it is open, of which
 * some are idle ones of ours. */
static void assert_few_slots(struct fixture *x, unsigned slots)
{
	struct log_of_jobs log;

	x->stub.slots = slots;
	x->options.connections = 6;
	x->options.connect_timeout = x->options.stall_timeout = 600 * NS_PER_MS;
	log_init(&log, start(x));
	ask_twelve(x, &log, 6);
	/* It has been learnt how many it serves. */
	ask_twelve(x, &log, 6);
}

static void test_one_slot(void **state)
{
	assert_few_slots(*state, 1);
}

static void test_two_slots(void **state)
{
	assert_few_slots(*state, 2);
}

static void test_too_long(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	assert_int_equal(get(x, &f, "long", 0), ERR_LIMIT);
	assert_words(&f, "65536");
	assert_int_equal(get(x, &f, "flood", 0), ERR_LIMIT);
	fetch_init(&f, x->mirrors, "ok");
	f.size_max = 5;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_body(&f, "hello");
	fetch_init(&f, x->mirrors, "ok");
	f.size_max = 4;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_LIMIT);
	assert_null(f.body.data);
}

static void assert_whole_body(struct fetch *f, size_t size)
{
	if (f->error)
		fail_msg("%s", f->trouble.text);
	assert_int_equal(f->body.size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal((char)f->body.data[i], stub_byte(i));
	bytes_release(&f->body);
}

/* Headers that do not end are an error at once, whatever kind of answer they are of. */
static void test_endless_headers(void **state)
{
	static const char *const paths[] = {
		"head/90000", "head/300000", "heads", "interim"};
	struct fixture *x = *state;
	struct fetch f;

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(get(x, &f, paths[i], 0), ERR_UNREACHABLE);
		assert_words(&f, "header of the server's answer");
		assert_int_equal(x->stub.requests, i + 1);
	}
	assert_int_equal(get(x, &f, "head/20000", 0), 0);
	assert_body(&f, "ok");
}

/* A page that is longer than most waits for the memory that it takes. */
static void test_longer_than_most(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[3] = {0};

	x->options.memory = 3 * SIZE_MAX_TESTED;
	log_init(&log, start(x));
	for (int i = 0; i < 3; i++) {
		fetch_init(&jobs[i].fetch, x->mirrors, "body/60000/0/0/r");
		jobs[i].fetch.resumable = i > 0;
		jobs[i].fetch.done = job_done;
		jobs[i].log = &log;
		fetcher_submit(x->fetcher, &jobs[i].fetch);
	}
	/* One at a time. */
	for (unsigned i = 0; i < 3; i++) {
		struct job *done = NULL;

		await_jobs(&log, i + 1);
		usleep(20000);
		assert_int_equal(log.count, i + 1);
		for (int j = 0; j < 3; j++)
			if (jobs[j].fetch.body.data)
				done = &jobs[j];
		assert_non_null(done);
		assert_int_equal(done->fetch.cost, 2 * SIZE_MAX_TESTED);
		assert_whole_body(&done->fetch, 60000);
		fetcher_release(x->fetcher, &done->fetch);
	}
	assert_int_equal(x->stub.requests, 6);
}

/* Progress. */

static int get_resumable(struct fixture *x, struct fetch *f, const char *path)
{
	if (!x->fetcher)
		start(x);
	fetch_init(f, x->mirrors, path);
	f->resumable = true;
	f->cost = 2 * SIZE_MAX_TESTED;
	return fetcher_get(x->fetcher, f);
}

/* Nothing that has come is asked for again. */
static void test_resumes(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	get_resumable(x, &f, "body/60000/20000/2/r");
	assert_whole_body(&f, 60000);
	assert_true(f.pieced);
	assert_int_equal(x->stub.requests, 3);
	assert_int_equal(x->stub.sent, 60000);
	assert_int_equal(count(x).bytes, 60000);
}

static void test_resumes_at_another_mirror(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	struct fetch f;

	stub_start(&other, 0, NULL);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	get_resumable(x, &f, "body/60000/20000/1/r");
	assert_whole_body(&f, 60000);
	assert_true(x->stub.requests > 0 && other.requests > 0);
	assert_int_equal(x->stub.sent + other.sent, 60000);
	stub_stop(&other);
}

/* A server gives the part that was asked for, or all; of an empty file it gives none. */
static void test_beginnings(void **state)
{
	static const struct {
		const char *path;
		uint64_t whole;
	} cases[] = {{"body/60000/60000/0/r", 60000}, {"body/60000/60000/0/i", 60000},
		{"body/60000/60000/0/n", UINT64_MAX}};
	struct fixture *x = *state;
	struct fetch f;

	start(x);
	for (int i = 0; i < 3; i++) {
		fetch_init(&f, x->mirrors, cases[i].path);
		f.beginning = 100;
		assert_int_equal(fetcher_get(x->fetcher, &f), 0);
		assert_int_equal(f.body.size, i == 0 ? 100 : i == 1 ? 60000 : 0);
		assert_int_equal(f.whole, cases[i].whole);
		assert_false(f.pieced);
		bytes_release(&f.body);
	}
	/* who did not ask for a part takes none */
	fetch_init(&f, x->mirrors, "status/206");
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
}

/* Servers that send all instead, the wrong part, or nothing. */
static void test_restarts_where_it_must(void **state)
{
	static const char *const paths[] = {
		"body/60000/20000/1/i", "body/60000/20000/1/w", "body/60000/20000/1/n"};
	struct fixture *x = *state;
	struct fetch f;

	for (int i = 0; i < 3; i++) {
		x->stub.requests = 0;
		get_resumable(x, &f, paths[i]);
		assert_whole_body(&f, 60000);
		assert_false(f.pieced);
		assert_int_equal(x->stub.requests, i ? 3 : 2);
	}
	/* What may change between two answers is never pieced together. */
	x->stub.requests = 0;
	x->stub.sent = 0;
	fetch_init(&f, x->mirrors, "body/60000/20000/1/r");
	f.cost = SIZE_MAX_TESTED;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_whole_body(&f, 60000);
	assert_int_equal(x->stub.sent, 80000);
	/* Nor does a part of it make it longer than it may be. */
	x->stub.requests = 0;
	fetch_init(&f, x->mirrors, "body/60000/20000/1/r");
	f.resumable = true;
	f.size_max = 50000;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_LIMIT);
}

/* One that begins anew each time, and breaks off at the same byte, is asked less and less
 * often. */
static void test_no_haste_without_progress(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	start(x);
	fetch_init(&f, x->mirrors, "body/60000/20000/999/i");
	f.resumable = true;
	f.cost = 2 * SIZE_MAX_TESTED;
	f.deadline = clock_monotonic() + 2 * NS_PER_SECOND;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_TIMEOUT);
	/* After at least 50, 100, 200, 400 and 800 ms. */
	assert_in_range(x->stub.requests, 2, 8);
}

static void test_no_part_where_none_was_asked_for(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	assert_int_equal(get_resumable(x, &f, "status/206"), ERR_UNREACHABLE);
	assert_words(&f, "206");
}

/* Four in a row on one slow connection, of which each takes a second. */
static void test_deadline_without_progress(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[4] = {0};

	x->options.connections = 1;
	log_init(&log, start(x));
	for (int i = 0; i < 4; i++) {
		fetch_init(&jobs[i].fetch, x->mirrors, "pace/50000/1000");
		jobs[i].fetch.cost = SIZE_MAX_TESTED;
		jobs[i].fetch.patience = 3 * NS_PER_SECOND;
		jobs[i].fetch.deadline = clock_monotonic() + jobs[i].fetch.patience;
		jobs[i].fetch.done = job_done;
		jobs[i].log = &log;
		jobs[i].releases = true;
		fetcher_submit(x->fetcher, &jobs[i].fetch);
	}
	await_jobs(&log, 4);
	for (int i = 0; i < 4; i++)
		assert_whole_body(&jobs[i].fetch, 50000);
	assert_int_equal(x->stub.requests, 4);
	/* A trickle is no progress. */
	fetch_init(&jobs[0].fetch, x->mirrors, "drip");
	jobs[0].fetch.patience = NS_PER_SECOND;
	jobs[0].fetch.deadline = clock_monotonic() + NS_PER_SECOND;
	assert_int_equal(fetcher_get(x->fetcher, &jobs[0].fetch), ERR_TIMEOUT);
}

/* A line that is slow is not made slower by second tries at the other mirror. */
static void test_slow_line_is_not_doubled(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	struct fetch f;

	stub_start(&other, 0, NULL);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	start(x);
	for (int i = 0; i < 2; i++) {
		fetch_init(&f, x->mirrors, "pace/60000/600");
		f.cost = SIZE_MAX_TESTED;
		assert_int_equal(fetcher_get(x->fetcher, &f), 0);
		assert_whole_body(&f, 60000);
	}
	assert_int_equal(count(x).doubled, 0);
	assert_int_equal(x->stub.sent + other.sent, 120000);
	stub_stop(&other);
}

/* Mirrors. */

static void test_next_mirror(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	struct fetch f;

	stub_start(&other, 0, NULL);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	/* Each stub counts for itself: the second has had one request when it answers. */
	assert_int_equal(get(x, &f, "fail/404/1", 0), ERR_ABSENT);
	assert_int_equal(x->stub.requests + other.requests, 2);
	/* The first has had as many as it fails; what it says then is asked of it no more.
	 */
	assert_int_equal(get(x, &f, "fail/403/2", 0), ERR_DENIED);
	/* The one that fails is left for the other at once. */
	x->stub.requests = 0;
	other.requests = 100;
	assert_int_equal(get(x, &f, "fail/500/50", 0), 0);
	assert_int_equal(f.mirror, 1);
	assert_body(&f, "at last");
	stub_stop(&other);
}

static void test_avoid(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	struct fetch f;

	stub_start(&other, 0, NULL);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	start(x);
	fetch_init(&f, x->mirrors, "ok");
	f.avoid = 1;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_int_equal(f.mirror, 1);
	assert_body(&f, "hello");
	fetch_init(&f, x->mirrors, "ok");
	f.avoid = 3;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
	assert_words(&f, "no mirror left");
	stub_stop(&other);
}

/* Two servers whose gates are shut, and a fetch that has been doubled to the second. */
static void double_gate(struct fixture *x, struct stub_server *other, struct job *job,
	struct log_of_jobs *log)
{
	stub_start(other, 0, NULL);
	assert_int_equal(mirrors_add(x->mirrors, other->url), 0);
	log_init(log, start(x));
	submit(job, log, x->mirrors, "gate/a", FETCH_DEMAND);
	stub_await(&x->stub, 1);
	stub_await(other, 1);
	assert_int_equal(count(x).doubled, 1);
	assert_int_equal(count(x).active, 2);
}

/* A mirror that takes requests and does not answer costs some patience, once. */
static void test_stalled_mirror(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	int64_t began = clock_monotonic();
	struct fetch f;

	stub_start(&other, 0, NULL);
	stub_open_gate(&other);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	assert_int_equal(get(x, &f, "gate/a", 0), 0);
	assert_int_equal(f.mirror, 1);
	assert_body(&f, "gate");
	assert_true(clock_monotonic() - began < 10 * NS_PER_SECOND);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(get(x, &f, "gate/b", 0), 0);
		assert_int_equal(f.mirror, 1);
		assert_body(&f, "gate");
	}
	stub_await(&x->stub, 1); /* whose thread may still be at it */
	assert_int_equal(x->stub.requests, 1);
	assert_int_equal(count(x).doubled, 1);
	assert_int_equal(count(x).active, 0);
	stub_stop(&other);
}

static void test_first_of_two_answers(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct stub_server other;
	struct job job = {0};

	double_gate(x, &other, &job, &log);
	stub_open_gate(&x->stub);
	await_jobs(&log, 1);
	assert_int_equal(job.fetch.error, 0);
	assert_int_equal(job.fetch.mirror, 0);
	assert_int_equal(count(x).active, 0);
	job_release(&job);
	stub_stop(&other);
}

static void test_cancel_both_of_two(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct stub_server other;
	struct job job = {0};

	double_gate(x, &other, &job, &log);
	fetcher_cancel(x->fetcher, &job.fetch);
	await_jobs(&log, 1);
	assert_int_equal(job.fetch.error, ERR_INTERRUPTED);
	assert_int_equal(count(x).active, 0);
	job_release(&job);
	stub_stop(&other);
}

/* That the second has nothing does not end the first. */
static void test_second_of_two_fails(void **state)
{
	struct fixture *x = *state;
	char url[80];
	struct fetch f;

	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "%s/hang", x->stub.url);
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	snprintf(url, sizeof url, "%s/status/404", x->stub.url);
	assert_int_equal(mirrors_add(x->mirrors, url), 0);
	assert_int_equal(get(x, &f, "a", 2000), ERR_TIMEOUT);
	assert_words(&f, "hang/a");
	assert_int_equal(count(x).doubled, 1);
	assert_int_equal(x->stub.requests, 2);
	assert_int_equal(count(x).active, 0);
}

static void test_dead_mirror(void **state)
{
	struct fixture *x = *state;
	char url[64];
	struct fetch f;

	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "http://127.0.0.1:%u", dead_port(x));
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	assert_int_equal(mirrors_add(x->mirrors, x->stub.url), 0);
	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_int_equal(f.mirror, 1);
	assert_body(&f, "hello");
	/* That one says no and the other nothing is not that it does not exist. */
	fetch_init(&f, x->mirrors, "status/404");
	f.impatient = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
	assert_int_equal(get(x, &f, "status/404", 1000), ERR_UNREACHABLE);
}

static void test_server_comes_back(void **state)
{
	struct fixture *x = *state;
	struct stub_server late;
	struct log_of_jobs log;
	struct job jobs[20] = {0};
	char url[64];
	uint16_t port = dead_port(x);
	int64_t began;

	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	log_init(&log, start(x));
	for (int i = 0; i < 20; i++)
		submit(&jobs[i], &log, x->mirrors, "ok", FETCH_DEMAND);
	usleep(400000);
	assert_int_equal(log.count, 0);
	stub_start(&late, port, NULL);
	began = clock_monotonic();
	await_jobs(&log, 20);
	assert_true(clock_monotonic() - began < SLACK);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].fetch.error, 0);
		job_release(&jobs[i]);
	}
	fetcher_free(x->fetcher);
	x->fetcher = NULL;
	stub_stop(&late);
}

static void test_no_server_at_all(void **state)
{
	struct fixture *x = *state;
	char url[64];
	struct fetch f;
	int64_t began;

	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "http://127.0.0.1:%u", dead_port(x));
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	for (int i = 0; i < 2; i++) {
		began = clock_monotonic();
		assert_int_equal(get(x, &f, "ok", 1000), ERR_UNREACHABLE);
		assert_words(&f, url);
		began = clock_monotonic() - began;
		assert_true(began > 999 * NS_PER_MS && began < NS_PER_SECOND + SLACK);
	}
	/* Where the mirror is backed off from for longer than the deadline gets his one
	 * try. */
	assert_int_equal(get(x, &f, "ok", 50), ERR_UNREACHABLE);
	began = clock_monotonic();
	fetch_init(&f, x->mirrors, "ok");
	f.impatient = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
	assert_true(clock_monotonic() - began < SLACK);
}

/* That it is not there is known after a second; before, that there was no time to see. */
static void test_resolver_hangs(void **state)
{
	struct fixture *x = *state;
	struct mirrors *hanging;
	struct log_of_jobs log;
	struct job jobs[2] = {0};
	struct fetch f;
	int64_t now = clock_monotonic();

	assert_int_equal(mirrors_new("http://hang.test/", &hanging, NULL), 0);
	log_init(&log, start(x));
	for (int i = 0; i < 2; i++) {
		submit(&jobs[i], &log, hanging, "ok", FETCH_DEMAND);
		fetcher_raise(x->fetcher, &jobs[i].fetch, FETCH_DEMAND,
			now + (300 + 2700 * i) * NS_PER_MS);
	}
	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_body(&f, "hello");
	await_jobs(&log, 2);
	assert_int_equal(jobs[0].fetch.error, ERR_TIMEOUT);
	assert_int_equal(jobs[1].fetch.error, ERR_UNREACHABLE);
	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_body(&f, "hello");
	assert_true(resolvers_hanging > 0);
	resolvers_released = true;
	for (int i = 0; i < 2; i++)
		job_release(&jobs[i]);
	mirrors_free(hanging);
}

/* Redirects and credentials. */

static void test_redirect(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	struct fetch f;

	stub_start(&other, 0, NULL);
	snprintf(x->stub.target, sizeof x->stub.target, "%s/ok", other.url);
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_string_equal(f.etag, "");
	assert_body(&f, "hello");
	assert_int_equal(f.mirror, 0);
	assert_int_equal(f.server, MIRRORS_MAX);
	/* Not followed, and not asked again. */
	strcpy(x->stub.target, "/redirect");
	assert_int_equal(get(x, &f, "redirect", 0), ERR_UNREACHABLE);
	assert_words(&f, "circle");
	strcpy(x->stub.target, "file:///etc/passwd");
	assert_int_equal(get(x, &f, "redirect", 0), ERR_UNREACHABLE);
	assert_words(&f, "does not follow");
	strcpy(x->stub.target, "http://a:b");
	assert_int_equal(get(x, &f, "redirect", 0), ERR_UNREACHABLE);
	assert_words(&f, "no URL");
	strcpy(x->stub.target, "");
	assert_int_equal(get(x, &f, "redirect", 0), ERR_UNREACHABLE);
	assert_words(&f, "without saying where");
	strcpy(x->stub.target, "redirect/more");
	assert_int_equal(get(x, &f, "redirect/302/a", 0), ERR_UNREACHABLE);
	assert_words(&f, "too often");
	assert_int_equal(x->stub.requests, 1 + 5 + REDIRECTS_MAX);
	stub_stop(&other);
}

static void test_redirect_statuses(void **state)
{
	static const char *const paths[] = {"redirect/301", "redirect/302", "redirect/303",
		"redirect/307", "redirect/308", "redirect-flood"};
	static const char *const targets[] = {
		"/ok", "../ok", "ok?a=b", "//HOST/ok", "/ok#x"};
	struct fixture *x = *state;
	struct fetch f;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		strcpy(x->stub.target, "/ok");
		assert_int_equal(get(x, &f, paths[i], 0), 0);
		assert_int_equal(f.server, 0);
		assert_body(&f, "hello");
	}
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		if (strstr(targets[i], "HOST"))
			snprintf(x->stub.target, sizeof x->stub.target, "%s/ok",
				strstr(x->stub.url, "//"));
		else
			strcpy(x->stub.target, targets[i]);
		assert_int_equal(get(x, &f, "redirect", 0), 0);
		assert_body(&f, "hello");
	}
	assert_int_equal(get(x, &f, "status/300", 0), ERR_UNREACHABLE);
	assert_int_equal(get(x, &f, "status/305", 0), ERR_UNREACHABLE);
}

/* A redirect leads to a server that fails: the mirror is well, the other one is not. */
static void test_fault_behind_redirect(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	struct fetch f;
	int64_t wait = -1;

	stub_start(&other, 0, NULL);
	snprintf(x->stub.target, sizeof x->stub.target, "http://127.0.0.1:%u/x?secret",
		dead_port(x));
	assert_int_equal(get(x, &f, "redirect", 1500), ERR_UNREACHABLE);
	assert_words(&f, "redirect (redirected to http://127.0.0.1:");
	assert_null(strstr(f.trouble.text, "secret"));
	assert_int_equal(mirrors_choose(x->mirrors, 0, clock_monotonic(), &wait), 0);
	assert_int_equal(wait, 0);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	assert_int_equal(get(x, &f, "ok", 0), 0);
	bytes_release(&f.body);
	/* One that leads to a mirror has that one blamed, however good it was. */
	snprintf(x->stub.target, sizeof x->stub.target, "%s/status/500", other.url);
	fetch_init(&f, x->mirrors, "redirect");
	f.avoid = 2;
	f.impatient = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
	mirrors_led(x->mirrors, 0, mirrors_origin(x->mirrors, 0));
	mirrors_succeeded(x->mirrors, 1, 1, 1 << 20);
	assert_int_equal(mirrors_choose(x->mirrors, 0, clock_monotonic(), &wait), 0);
	stub_stop(&other);
}

static void write_file(
	struct fixture *x, const char *name, const char *text, char path[128])
{
	snprintf(path, 128, "%s/%s", x->directory, name);
	assert_int_equal(io_replace_file(AT_FDCWD, path, span_of_string(text), 0600, 0), 0);
}

static bool body_has(struct fetch *f, const char *text)
{
	bool has = memmem(f->body.data, f->body.size, text, strlen(text)) != NULL;

	assert_int_equal(f->error, 0);
	bytes_release(&f->body);
	return has;
}

static void test_bearer(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	char path[128];
	struct fetch f;

	stub_start(&other, 0, NULL);
	write_file(x, "token", "tok1\n", path);
	x->credentials.bearer_file = strdup(path);
	assert_int_equal(get(x, &f, "echo", 0), 0);
	assert_true(body_has(&f, "Authorization: Bearer tok1\r\n"));
	/* Not by a redirect to another host or port, not to a mirror elsewhere. */
	snprintf(x->stub.target, sizeof x->stub.target, "%s/echo", other.url);
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_false(body_has(&f, "Bearer"));
	snprintf(x->stub.target, sizeof x->stub.target, "http://localhost:%u/echo",
		x->stub.port);
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_false(body_has(&f, "Bearer"));
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	fetch_init(&f, x->mirrors, "echo");
	f.avoid = 1;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_false(body_has(&f, "Bearer"));
	stub_stop(&other);
}

static void use_bearer(struct fixture *x, const char *text, char path[128])
{
	write_file(x, "token", text, path);
	x->credentials.bearer_file = strdup(path);
}

/* Its file is read again when the server refuses it, at once, and one more request is made
 * only where there is another token. */
static void test_bearer_is_renewed(void **state)
{
	struct fixture *x = *state;
	char path[128];
	struct fetch f;

	use_bearer(x, "tok1\n", path);
	assert_int_equal(get(x, &f, "token/tok1", 0), 0);
	assert_body(&f, "hello");
	write_file(x, "token", "tok2\nsecond line", path);
	assert_int_equal(get(x, &f, "token/tok2", 0), 0);
	assert_body(&f, "hello");
	assert_int_equal(x->stub.requests, 3);
	assert_int_equal(get(x, &f, "token/tok1", 0), ERR_DENIED);
	assert_words(&f, path);
	assert_int_equal(x->stub.requests, 4);
	assert_int_equal(get(x, &f, "token/tok2", 0), 0);
	assert_body(&f, "hello");
}

/* While the file is being written or gone, the last token goes on as long as it is good. */
static void test_last_bearer_goes_on(void **state)
{
	struct fixture *x = *state;
	char path[128];
	struct fetch f;

	use_bearer(x, "tok1\n", path);
	assert_int_equal(get(x, &f, "token/tok1", 0), 0);
	assert_body(&f, "hello");
	write_file(x, "token", "", path);
	assert_int_equal(get(x, &f, "token/tok2", 0), ERR_DENIED);
	assert_words(&f, "by now the bearer token file");
	assert_int_equal(get(x, &f, "token/tok1", 0), 0);
	assert_body(&f, "hello");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(get(x, &f, "token/tok2", 0), ERR_DENIED);
	assert_words(&f, "does not exist");
	write_file(x, "token", "tok2", path);
	assert_int_equal(get(x, &f, "token/tok2", 0), 0);
	assert_body(&f, "hello");
}

static void test_no_bearer_at_all(void **state)
{
	struct fixture *x = *state;
	char path[128];
	struct fetch f;

	use_bearer(x, "\n", path);
	assert_int_equal(get(x, &f, "token/tok1", 0), ERR_DENIED);
	assert_words(&f, "does not hold a token");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	sleep(1);
	assert_int_equal(get(x, &f, "token/tok1", 0), ERR_DENIED);
	assert_words(&f, "no regular file");
	assert_int_equal(x->stub.requests, 0);
}

/* A file whose file system is gone holds up those who need the token, until their
 * deadline, and nobody else; and who has a token goes on. */
static void test_bearer_that_hangs(void **state)
{
	struct fixture *x = *state;
	struct stub_server other;
	char path[128];
	struct fetch f;

	snprintf(path, sizeof path, "%s/dead", x->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(x, "dead/token", "tok1", path);
	x->credentials.bearer_file = strdup(path);
	stub_start(&other, 0, NULL);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	files_released = false;
	start(x);
	fetch_init(&f, x->mirrors, "token/tok1");
	f.avoid = 2;
	f.deadline = clock_monotonic() + 1000 * NS_PER_MS;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_TIMEOUT);
	assert_words(&f, "its file system does not answer");
	fetch_init(&f, x->mirrors, "ok");
	f.avoid = 1;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_body(&f, "hello");
	files_released = true;
	fetch_init(&f, x->mirrors, "token/tok1");
	f.avoid = 2;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_body(&f, "hello");
	files_released = false;
	sleep(1);
	for (int i = 0; i < 3; i++) {
		fetch_init(&f, x->mirrors, "token/tok1");
		f.avoid = 2;
		assert_int_equal(fetcher_get(x->fetcher, &f), 0);
		assert_body(&f, "hello");
	}
	await_hanging_files(1);
	fetcher_free(x->fetcher);
	x->fetcher = NULL;
	files_released = true;
	while (files_hanging > 0)
		usleep(1000);
	stub_stop(&other);
}

static void use_tls(struct fixture *x, struct stub_server *secure)
{
	char path[128];

	assert_int_equal(serve_certificate_make(x->directory, "127.0.0.1", NULL), 0);
	stub_start(secure, 0, x->directory);
	mirrors_free(x->mirrors);
	assert_int_equal(mirrors_new(secure->url, &x->mirrors, NULL), 0);
	snprintf(path, sizeof path, "%s/ca.pem", x->directory);
	x->credentials.cacert = strdup(path);
}

/* Makes a client certificate, which the stub takes whoever signed it. */
static void use_client_certificate(struct fixture *x)
{
	char path[128];

	snprintf(path, sizeof path, "%s/cert.pem", x->directory);
	x->credentials.client_cert = strdup(path);
	snprintf(path, sizeof path, "%s/key.pem", x->directory);
	x->credentials.client_key = strdup(path);
}

/* It is shown to the origin that it was given for, not where that redirects to. */
static void test_client_certificate(void **state)
{
	struct fixture *x = *state;
	struct stub_server secure, other;
	struct fetch f;

	use_tls(x, &secure);
	use_client_certificate(x);
	stub_start(&other, 0, x->directory);
	strcpy(secure.target, "/ok");
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_body(&f, "hello");
	assert_true(secure.certificates > 0);
	snprintf(secure.target, sizeof secure.target, "%s/redirect", other.url);
	snprintf(other.target, sizeof other.target, "%s/ok", secure.url);
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_body(&f, "hello");
	assert_int_equal(other.requests, 1);
	assert_int_equal(other.certificates, 0);
	/* Nor when it leads back: that connection is another one, without. */
	assert_int_equal(secure.certificates, secure.connections - 1);
	assert_int_equal(mirrors_add(x->mirrors, other.url), 0);
	fetch_init(&f, x->mirrors, "ok");
	f.avoid = 1;
	assert_int_equal(fetcher_get(x->fetcher, &f), 0);
	assert_body(&f, "hello");
	assert_int_equal(other.certificates, 0);
	stub_stop(&other);
	stub_stop(&secure);
}

/* From http to https, with neither token nor password. */
static void test_redirect_to_tls(void **state)
{
	struct fixture *x = *state;
	struct stub_server secure;
	char path[128];
	struct fetch f;

	use_tls(x, &secure);
	mirrors_free(x->mirrors);
	assert_int_equal(mirrors_new(x->stub.url, &x->mirrors, NULL), 0);
	write_file(x, ".netrc", "default login someone password something\n", path);
	setenv("HOME", x->directory, 1);
	x->credentials.netrc = true;
	assert_int_equal(get(x, &f, "echo", 0), 0);
	assert_true(body_has(&f, "Authorization: Basic"));
	snprintf(x->stub.target, sizeof x->stub.target, "%s/echo", secure.url);
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_false(body_has(&f, "Authorization"));
	/* Nor with what the redirect would have us be. */
	snprintf(x->stub.target, sizeof x->stub.target, "https://a:b@127.0.0.1:%u/echo",
		secure.port);
	assert_int_equal(get(x, &f, "redirect", 0), 0);
	assert_false(body_has(&f, "Authorization"));
	stub_stop(&secure);
}

/* The file of a CA that signed nothing here. */
static void use_other_ca(struct fixture *x, char path[128])
{
	snprintf(path, 128, "%s/other", x->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(serve_certificate_make(path, "127.0.0.1", NULL), 0);
	strcat(path, "/ca.pem");
}

static void test_tls(void **state)
{
	struct fixture *x = *state;
	struct stub_server secure;
	struct mirrors *named;
	char *cacert;
	char path[128];
	struct fetch f;

	use_tls(x, &secure);
	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_body(&f, "hello");
	/* Never from https to http. */
	snprintf(secure.target, sizeof secure.target, "%s/ok", x->stub.url);
	assert_int_equal(get(x, &f, "redirect", 0), ERR_UNREACHABLE);
	assert_words(&f, "does not follow");
	assert_int_equal(x->stub.requests, 0);
	/* The name of another. */
	snprintf(path, sizeof path, "https://other.test:%u", secure.port);
	assert_int_equal(mirrors_new(path, &named, NULL), 0);
	fetch_init(&f, named, "ok");
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNTRUSTED);
	assert_words(&f, "is for another host");
	assert_null(strstr(f.trouble.text, "--cacert"));
	mirrors_free(named);
	/* Without its CA: not asked twice. */
	fetcher_free(x->fetcher);
	cacert = x->credentials.cacert;
	x->credentials.cacert = NULL;
	start(x);
	assert_int_equal(get(x, &f, "ok", 0), ERR_UNTRUSTED);
	assert_words(&f, "--cacert");
	assert_int_equal(count(x).requests, 1);
	fetcher_free(x->fetcher);
	use_other_ca(x, path);
	x->credentials.cacert = path;
	start(x);
	assert_int_equal(get(x, &f, "ok", 0), ERR_UNTRUSTED);
	assert_words(&f, "given with --cacert does not hold");
	fetcher_free(x->fetcher);
	write_file(x, "junk.pem", "junk", path);
	x->credentials.cacert = strdup(path);
	start(x);
	assert_int_equal(get(x, &f, "ok", 0), ERR_UNTRUSTED);
	free(cacert);
	stub_stop(&secure);
}

static void test_tls_hangs(void **state)
{
	struct fixture *x = *state;
	char url[64];
	struct fetch f;
	int64_t began = clock_monotonic();

	/* A server that takes the connection and does not speak TLS. */
	x->options.connect_timeout = 300 * NS_PER_MS;
	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "https://127.0.0.1:%u", x->stub.port);
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	start(x);
	fetch_init(&f, x->mirrors, "ok");
	f.impatient = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_UNREACHABLE);
	assert_true(clock_monotonic() - began < 300 * NS_PER_MS + SLACK);
}

static void test_file(void **state)
{
	struct fixture *x = *state;
	char url[96], path[128];
	struct fetch f;

	write_file(x, "here", "local", path);
	write_file(x, "empty", "", path);
	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "file://%s", x->directory);
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	assert_int_equal(get(x, &f, "here", 0), 0);
	assert_body(&f, "local");
	assert_int_equal(get(x, &f, "empty", 0), 0);
	assert_int_equal(f.body.size, 0);
	bytes_release(&f.body);
	assert_int_equal(get(x, &f, "there", 0), ERR_ABSENT);
	assert_words(&f, "there");
	assert_int_equal(get(x, &f, "here/below", 0), ERR_ABSENT);
	fetch_init(&f, x->mirrors, "here");
	f.size_max = 4;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_LIMIT);
}

/* It hangs those who read it, until their deadline, and nobody else. */
static void test_dead_file_system(void **state)
{
	struct fixture *x = *state;
	struct mirrors *dead, *live;
	struct log_of_jobs log;
	struct job jobs[20] = {0};
	char url[96], path[128];
	struct fetch f;

	write_file(x, "here", "local", path);
	snprintf(url, sizeof url, "file://%s/dead", x->directory);
	assert_int_equal(mirrors_new(url, &dead, NULL), 0);
	snprintf(url, sizeof url, "file://%s", x->directory);
	assert_int_equal(mirrors_new(url, &live, NULL), 0);
	x->options.connections = 16;
	log_init(&log, start(x));
	files_released = false;
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof path, "file-%d", i);
		submit(&jobs[i], &log, dead, path, FETCH_DEMAND);
		fetcher_raise(x->fetcher, &jobs[i].fetch, FETCH_DEMAND,
			clock_monotonic() + 2 * NS_PER_SECOND);
	}
	for (int i = 0; i < 10; i++) {
		fetch_init(&f, live, "here");
		assert_int_equal(fetcher_get(x->fetcher, &f), 0);
		assert_body(&f, "local");
		assert_int_equal(get(x, &f, "ok", 0), 0);
		assert_body(&f, "hello");
	}
	await_jobs(&log, 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].fetch.error, ERR_TIMEOUT);
		job_release(&jobs[i]);
	}
	/* No more threads than these for it; whoever comes now hears so at once. */
	await_hanging_files(8);
	fetch_init(&f, dead, "another");
	f.impatient = true;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_TIMEOUT);
	assert_words(&f, "does not answer");
	assert_int_equal(files_hanging, 8);
	/* Nor does the end wait for them. */
	fetcher_free(x->fetcher);
	x->fetcher = NULL;
	files_released = true;
	while (files_hanging > 0)
		usleep(1000);
	mirrors_free(dead);
	mirrors_free(live);
}

/* Nor is a FIFO waited for. */
static void test_no_regular_file(void **state)
{
	struct fixture *x = *state;
	char url[96], path[128];
	struct fetch f;

	snprintf(path, sizeof path, "%s/fifo", x->directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	mirrors_free(x->mirrors);
	snprintf(url, sizeof url, "file://%s", x->directory);
	assert_int_equal(mirrors_new(url, &x->mirrors, NULL), 0);
	assert_int_equal(get(x, &f, "fifo", 0), ERR_IO);
	assert_words(&f, "not a regular file");
}

/* Who goes when. */

static void test_priorities(void **state)
{
	static const char *const paths[] = {
		"gate/a", "gate/p", "gate/q", "gate/r", "gate/d"};
	static const enum fetch_priority priorities[] = {FETCH_PREFETCH, FETCH_PREFETCH,
		FETCH_PREFETCH, FETCH_READAHEAD, FETCH_DEMAND};
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[5] = {0};

	x->options.connections = 1;
	log_init(&log, start(x));
	for (int i = 0; i < 5; i++) {
		submit(&jobs[i], &log, x->mirrors, paths[i], priorities[i]);
		if (i == 0)
			stub_await(&x->stub, 1);
	}
	fetcher_raise(x->fetcher, &jobs[2].fetch, FETCH_DEMAND, DEADLINE_NONE);
	stub_open_gate(&x->stub);
	await_jobs(&log, 5);
	assert_string_equal(x->stub.order, "adqrp");
	for (int i = 0; i < 5; i++)
		job_release(&jobs[i]);
}

static void test_demand_finds_memory(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[5] = {0};

	/* Four connections, of which readahead takes three. */
	log_init(&log, start(x));
	for (int i = 0; i < 4; i++)
		submit(&jobs[i], &log, x->mirrors, "gate/r", FETCH_READAHEAD);
	stub_await(&x->stub, 3);
	submit(&jobs[4], &log, x->mirrors, "gate/d", FETCH_DEMAND);
	stub_await(&x->stub, 4);
	assert_non_null(strchr(x->stub.order, 'd'));
	assert_int_equal(count(x).active, 4);
	assert_int_equal(count(x).queued, 1);
	stub_open_gate(&x->stub);
	await_jobs(&log, 5);
	for (int i = 0; i < 5; i++)
		job_release(&jobs[i]);
}

static void test_memory(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[5] = {0};

	/* Readahead fills its three quarters; nothing is released. */
	x->options.memory = 4000;
	log_init(&log, start(x));
	for (int i = 0; i < 4; i++)
		submit(&jobs[i], &log, x->mirrors, "ok", FETCH_READAHEAD);
	await_jobs(&log, 3);
	usleep(30000);
	assert_int_equal(log.count, 3);
	submit(&jobs[4], &log, x->mirrors, "ok", FETCH_DEMAND);
	await_jobs(&log, 4);
	assert_int_equal(jobs[4].fetch.error, 0);
	assert_int_equal(count(x).queued, 1);
	for (int i = 0; i < 3; i++)
		job_release(&jobs[i]);
	await_jobs(&log, 5);
	job_release(&jobs[3]);
	job_release(&jobs[4]);
}

static void test_failures_hold_no_memory(void **state)
{
	struct fixture *x = *state;
	struct fetch f;

	x->options.memory = 1;
	start(x);
	for (int i = 0; i < 5; i++)
		assert_int_equal(get(x, &f, "status/404", 0), ERR_ABSENT);
	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_body(&f, "hello");
	assert_int_equal(get(x, &f, "ok", 0), 0);
	assert_body(&f, "hello");
}

static void test_deadline_in_queue(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job first = {0};
	struct fetch f;

	x->options.connections = 1;
	log_init(&log, start(x));
	submit(&first, &log, x->mirrors, "gate/a", FETCH_DEMAND);
	stub_await(&x->stub, 1);
	assert_int_equal(get(x, &f, "ok", 100), ERR_TIMEOUT);
	assert_words(&f, "turn");
	/* One that has passed already. */
	fetch_init(&f, x->mirrors, "ok");
	f.deadline = 0;
	assert_int_equal(fetcher_get(x->fetcher, &f), ERR_TIMEOUT);
	stub_open_gate(&x->stub);
	await_jobs(&log, 1);
	job_release(&first);
}

/* What has come of it counts, until it is over. */
static void test_arriving(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job job = {0};

	log_init(&log, start(x));
	submit(&job, &log, x->mirrors, "stall", FETCH_DEMAND);
	AWAIT(fetcher_arriving(x->fetcher) == 4);
	fetcher_cancel(x->fetcher, &job.fetch);
	await_jobs(&log, 1);
	AWAIT(fetcher_arriving(x->fetcher) == 0);
	job_release(&job);
}

static void test_cancel(void **state)
{
	struct fixture *x = *state;
	struct log_of_jobs log;
	struct job jobs[3] = {0};
	int64_t began;

	x->options.connections = 1;
	log_init(&log, start(x));
	submit(&jobs[0], &log, x->mirrors, "hang", FETCH_DEMAND);
	stub_await(&x->stub, 1);
	submit(&jobs[1], &log, x->mirrors, "ok", FETCH_DEMAND);
	submit(&jobs[2], &log, x->mirrors, "ok", FETCH_DEMAND);
	began = clock_monotonic();
	fetcher_cancel(x->fetcher, &jobs[1].fetch);
	await_jobs(&log, 1);
	assert_int_equal(jobs[1].fetch.error, ERR_INTERRUPTED);
	fetcher_cancel(x->fetcher, &jobs[0].fetch);
	await_jobs(&log, 3);
	assert_true(clock_monotonic() - began < SLACK);
	assert_int_equal(jobs[0].fetch.error, ERR_INTERRUPTED);
	assert_int_equal(jobs[2].fetch.error, 0);
	fetcher_cancel(x->fetcher, &jobs[2].fetch); /* harmless */
	for (int i = 0; i < 3; i++)
		job_release(&jobs[i]);
	assert_int_equal(count(x).failures, 0);
}

static void test_free_ends_all(void **state)
{
	struct fixture *x = *state;
	struct mirrors *dead;
	struct log_of_jobs log;
	struct job jobs[12] = {0};
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u", dead_port(x));
	assert_int_equal(mirrors_new(url, &dead, NULL), 0);
	log_init(&log, start(x));
	for (int i = 0; i < 12; i++)
		submit(&jobs[i], &log, i % 3 ? x->mirrors : dead, "hang", FETCH_READAHEAD);
	stub_await(&x->stub, 3);
	fetcher_free(x->fetcher);
	x->fetcher = NULL;
	assert_int_equal(log.count, 12);
	for (int i = 0; i < 12; i++)
		assert_int_equal(jobs[i].fetch.error, ERR_INTERRUPTED);
	mirrors_free(dead);
}

/* From many threads at once, for the thread sanitizer. */

struct hammer {
	struct fixture *x;
	unsigned seed;
};

static void *hammer_main(void *arg)
{
	struct hammer *h = arg;
	struct log_of_jobs log;
	struct job jobs[20] = {0};

	log_init(&log, h->x->fetcher);
	for (int i = 0; i < 20; i++) {
		jobs[i].releases = true;
		submit(&jobs[i], &log, h->x->mirrors, i % 5 ? "ok" : "drip",
			(enum fetch_priority)(i % 3));
	}
	for (int i = 0; i < 20; i++) {
		if (i % 4 == 0)
			fetcher_raise(h->x->fetcher, &jobs[i].fetch, FETCH_DEMAND,
				clock_monotonic() + 50 * NS_PER_MS);
		if (i % 5 == 0)
			fetcher_cancel(h->x->fetcher, &jobs[i].fetch);
	}
	await_jobs(&log, 20);
	for (int i = 0; i < 20; i++)
		job_release(&jobs[i]);
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *x = *state;
	struct hammer hammers[4];
	pthread_t threads[4];

	x->options.memory = 8000;
	start(x);
	for (unsigned i = 0; i < 4; i++) {
		hammers[i] = (struct hammer){x, i};
		pthread_create(&threads[i], NULL, hammer_main, &hammers[i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count(x).active + count(x).queued, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_etag),
		TEST(test_headers),
		TEST(test_keeps_connections),
		TEST(test_many_at_once),
		TEST(test_done_submits),
		TEST(test_refusals),
		TEST(test_retries),
		TEST(test_impatient),
		TEST(test_retry_after),
		TEST(test_pause_of_server),
		TEST(test_rate_limit),
		TEST(test_vouched),
		TEST(test_fails_at_deadline),
		TEST(test_stall_timeout),
		TEST(test_one_slot),
		TEST(test_two_slots),
		TEST(test_too_long),
		TEST(test_hints),
		TEST(test_dead_proxy),
		TEST(test_endless_headers),
		TEST(test_longer_than_most),
		TEST(test_resumes),
		TEST(test_resumes_at_another_mirror),
		TEST(test_beginnings),
		TEST(test_restarts_where_it_must),
		TEST(test_no_haste_without_progress),
		TEST(test_no_part_where_none_was_asked_for),
		TEST(test_deadline_without_progress),
		TEST(test_slow_line_is_not_doubled),
		TEST(test_next_mirror),
		TEST(test_avoid),
		TEST(test_stalled_mirror),
		TEST(test_arriving),
		TEST(test_first_of_two_answers),
		TEST(test_cancel_both_of_two),
		TEST(test_second_of_two_fails),
		TEST(test_dead_mirror),
		TEST(test_server_comes_back),
		TEST(test_no_server_at_all),
		TEST(test_resolver_hangs),
		TEST(test_redirect),
		TEST(test_redirect_statuses),
		TEST(test_fault_behind_redirect),
		TEST(test_bearer),
		TEST(test_bearer_is_renewed),
		TEST(test_last_bearer_goes_on),
		TEST(test_no_bearer_at_all),
		TEST(test_bearer_that_hangs),
		TEST(test_client_certificate),
		TEST(test_redirect_to_tls),
		TEST(test_tls),
		TEST(test_tls_hangs),
		TEST(test_file),
		TEST(test_no_regular_file),
		TEST(test_dead_file_system),
		TEST(test_priorities),
		TEST(test_demand_finds_memory),
		TEST(test_memory),
		TEST(test_failures_hold_no_memory),
		TEST(test_deadline_in_queue),
		TEST(test_cancel),
		TEST(test_free_ends_all),
		TEST(test_threads),
	};

	signal(SIGPIPE, SIG_IGN);
	end_at_failure();
	cmocka_set_test_filter(getenv("CMOCKA_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
