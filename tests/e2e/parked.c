/* SPDX-License-Identifier: MIT */
/*
 * Readers that wait for a server which never answers, and what that means to others:
 *
 *	parked load [-w WAY] [-n READERS] [-r ROUNDS] [-l RATE,TAIL,MS] WAITING [CACHED]
 *	parked beside [-w WAY] [-n READERS] [-l RATE,TAIL,MS] WAITING [CACHED]
 *	parked wait [-w WAY] [-n READERS] WAITING
 *
 * A reader is a process that needs one of the files WAITING/0, WAITING/1, ... in this WAY:
 * read (the default), mmap, or stat.
 *
 * `load` takes turns: in one, the works below are done on CACHED with nobody waiting, in
 * the next with READERS parked, which then are interrupted, one half each by itself, the
 * other half all at once. Fails when with parked readers a work has less than RATE of its
 * pace, or a 99th percentile above TAIL times that without (medians over the rounds), or
 * when a reader takes longer than MS milliseconds to end. CACHED has a directory `list`
 * and a file `file`; each work asks the file system itself, whatever the kernel remembers.
 * Without CACHED only the interrupts are measured.
 *
 * `beside` does each work some times with READERS parked, all of whom must wait still when
 * all works are done, and interrupts them as `load` does: it measures no pace, so it tells
 * the same on a busy machine.
 *
 * `wait` starts READERS, says "begun" when each has opened what it opens, and tells how
 * they ended: one line per errno (0: well), with how many, and the first and last in
 * milliseconds from the beginning.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READERS_MAX 10000
#define ROUNDS_MAX 20
#define SAMPLES_MAX 200000 /* of a work in a turn */
#define TURN_MS 250	   /* of a work in a turn */
#define PATH_SIZE 4096
#define BLOCK (64 << 10)
#define BESIDE 20      /* times that `beside` does each work */
#define BEGIN_MS 30000 /* that a busy machine has to start the readers */
#define SETTLE_MS 300  /* from "about to read" to "parked" */
#define SIGBUS_ENDED EFAULT

struct request {
	const char *waiting, *cached;
	int (*need)(const char *path, atomic_uint *begun); /* 0 or an errno */
	unsigned readers, rounds;
	double rate, tail, interrupt_ms;
};

static void die(const char *what)
{
	fprintf(stderr, "parked: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* As a reader does: its exit status is an errno. */
static void ended(const char *what, int status)
{
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	die(what);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static double quantile(double *v, size_t count, double q)
{
	qsort(v, count, sizeof *v, compare_doubles);
	return v[(size_t)(q * (double)(count - 1))];
}

/* ---- readers ---- */

/* What each needs comes after it has `begun`. */

static int open_and_begin(const char *path, atomic_uint *begun)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	atomic_fetch_add(begun, 1);
	return fd;
}

static int need_read(const char *path, atomic_uint *begun)
{
	int fd = open_and_begin(path, begun);
	char byte;

	if (fd < 0 || read(fd, &byte, 1) < 0)
		return errno;
	return 0;
}

static void on_bus_error(int sig)
{
	(void)sig;
	_exit(SIGBUS_ENDED);
}

static int need_mmap(const char *path, atomic_uint *begun)
{
	int fd = open_and_begin(path, begun);
	volatile const char *p;

	if (fd < 0)
		return errno;
	p = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return errno;
	signal(SIGBUS, on_bus_error);
	(void)*p;
	return 0;
}

static int need_stat(const char *path, atomic_uint *begun)
{
	struct stat st;

	atomic_fetch_add(begun, 1);
	return stat(path, &st) ? errno : 0;
}

struct readers {
	atomic_uint *begun; /* shared with them */
	unsigned count;
	pid_t pids[READERS_MAX]; /* 0: has ended */
};

static void reader_main(const struct request *q, unsigned index, atomic_uint *begun)
{
	char path[PATH_SIZE];

	/* what runs a test in the background may have had it ignored */
	signal(SIGINT, SIG_DFL);
	/* a test that fails leaves nobody waiting */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof path, "%s/%u", q->waiting, index);
	_exit(q->need(path, begun));
}

static void readers_start(struct readers *r, const struct request *q)
{
	fflush(NULL);
	atomic_store(r->begun, 0);
	for (r->count = 0; r->count < q->readers; r->count++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			reader_main(q, r->count, r->begun);
		r->pids[r->count] = pid;
	}
}

static void readers_await_begin(const struct readers *r)
{
	double end = now_ms() + BEGIN_MS;

	while (atomic_load(r->begun) < r->count && now_ms() < end)
		sleep_ms(10);
}

static void readers_must_wait(const struct readers *r)
{
	int status;

	for (unsigned i = 0; i < r->count; i++)
		if (waitpid(r->pids[i], &status, WNOHANG) != 0)
			ended("a reader does not wait", status);
}

static void readers_park(struct readers *r, const struct request *q)
{
	readers_start(r, q);
	readers_await_begin(r);
	sleep_ms(SETTLE_MS);
	readers_must_wait(r);
}

/* Milliseconds until the reader has ended, by the signal. */
static double reap(pid_t pid, double begin)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGINT)
		ended("a reader ended by itself", status);
	return now_ms() - begin;
}

/* In `took`, one each, the milliseconds to their ends. */
static void readers_interrupt(struct readers *r, double *took)
{
	unsigned half = r->count / 2, i;
	double begin;

	for (i = 0; i < half; i++) {
		begin = now_ms();
		kill(r->pids[i], SIGINT);
		took[i] = reap(r->pids[i], begin);
	}
	begin = now_ms();
	for (i = half; i < r->count; i++)
		kill(r->pids[i], SIGINT);
	for (i = half; i < r->count; i++)
		took[i] = reap(r->pids[i], begin);
}

/* ---- works ---- */

/* Attributes that the kernel knows are asked for again. */
static void work_stat(const char *cached)
{
	char path[PATH_SIZE];
	struct statx st;

	snprintf(path, sizeof path, "%s/file", cached);
	if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st))
		die(path);
}

/* The kernel keeps listings and contents in its page cache: out with them first. */
static void forget_pages(int fd)
{
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (errno)
		die("posix_fadvise");
}

static void work_list(const char *cached)
{
	char path[PATH_SIZE];
	unsigned entries = 0;
	DIR *d;

	snprintf(path, sizeof path, "%s/list", cached);
	d = opendir(path);
	if (!d)
		die(path);
	forget_pages(dirfd(d));
	while (readdir(d))
		entries++;
	closedir(d);
	if (entries < 3)
		errno = ENOENT, die(path);
}

static void work_read(const char *cached)
{
	static char block[BLOCK];
	char path[PATH_SIZE];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/file", cached);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	forget_pages(fd);
	while ((n = read(fd, block, sizeof block)) > 0)
		;
	if (n < 0)
		die(path);
	close(fd);
}

static const struct work {
	const char *name;
	void (*run)(const char *cached);
} works[] = {{"stat", work_stat}, {"list", work_list}, {"read", work_read}};
enum { WORKS = sizeof works / sizeof works[0] };

struct figures {
	double rate; /* per second */
	double tail; /* the 99th percentile, ms */
};

static struct figures measure(const struct work *w, const char *cached)
{
	static double samples[SAMPLES_MAX];
	double begin = now_ms(), at = begin, next;
	size_t count = 0;

	while (at < begin + TURN_MS && count < SAMPLES_MAX) {
		w->run(cached);
		next = now_ms();
		samples[count++] = next - at;
		at = next;
	}
	return (struct figures){
		(double)count * 1e3 / (at - begin), quantile(samples, count, 0.99)};
}

/* ---- load ---- */

struct turns {
	struct figures idle[WORKS][ROUNDS_MAX], parked[WORKS][ROUNDS_MAX];
	double interrupts[ROUNDS_MAX * READERS_MAX];
	size_t interrupted;
};

static void one_round(
	const struct request *q, struct readers *r, struct turns *t, unsigned round)
{
	for (unsigned w = 0; q->cached && w < WORKS; w++)
		t->idle[w][round] = measure(&works[w], q->cached);
	readers_park(r, q);
	for (unsigned w = 0; q->cached && w < WORKS; w++)
		t->parked[w][round] = measure(&works[w], q->cached);
	readers_interrupt(r, t->interrupts + t->interrupted);
	t->interrupted += r->count;
}

static double median_rate(const struct figures *f, unsigned rounds)
{
	double v[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		v[i] = f[i].rate;
	return quantile(v, rounds, 0.5);
}

static double median_tail(const struct figures *f, unsigned rounds)
{
	double v[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		v[i] = f[i].tail;
	return quantile(v, rounds, 0.5);
}

static bool judge_work(const struct request *q, const struct turns *t, unsigned w)
{
	struct figures idle = {
		median_rate(t->idle[w], q->rounds), median_tail(t->idle[w], q->rounds)};
	struct figures parked = {
		median_rate(t->parked[w], q->rounds), median_tail(t->parked[w], q->rounds)};
	double rate = parked.rate / idle.rate, tail = parked.tail / idle.tail;

	printf("%s: %.0f/s, p99 %.3f ms; with %u parked %.0f/s, p99 %.3f ms: "
	       "rate %.2f, tail %.2f\n",
		works[w].name, idle.rate, idle.tail, q->readers, parked.rate, parked.tail,
		rate, tail);
	return rate >= q->rate && tail <= q->tail;
}

static bool judge_interrupts(const struct request *q, struct turns *t)
{
	double *v = t->interrupts;
	double median = quantile(v, t->interrupted, 0.5);

	printf("interrupts: %zu, median %.2f ms, p99 %.2f ms, longest %.2f ms\n",
		t->interrupted, median, quantile(v, t->interrupted, 0.99),
		v[t->interrupted - 1]);
	return v[t->interrupted - 1] <= q->interrupt_ms;
}

static int load(const struct request *q, struct readers *r)
{
	static struct turns t;
	bool good = true;

	for (unsigned round = 0; round < q->rounds; round++)
		one_round(q, r, &t, round);
	for (unsigned w = 0; q->cached && w < WORKS; w++)
		good &= judge_work(q, &t, w);
	good &= judge_interrupts(q, &t);
	return good ? 0 : 1;
}

/* ---- beside ---- */

static int beside(const struct request *q, struct readers *r)
{
	static struct turns t;

	readers_park(r, q);
	for (unsigned i = 0; q->cached && i < BESIDE; i++)
		for (unsigned w = 0; w < WORKS; w++)
			works[w].run(q->cached);
	readers_must_wait(r);
	readers_interrupt(r, t.interrupts);
	t.interrupted = r->count;
	return judge_interrupts(q, &t) ? 0 : 1;
}

/* ---- wait ---- */

struct end {
	unsigned count;
	double first, last;
};

static int await(const struct request *q, struct readers *r)
{
	static struct end ends[256]; /* by errno */
	double begin = now_ms(), took;
	int status;

	readers_start(r, q);
	readers_await_begin(r);
	puts("begun");
	fflush(stdout);
	for (unsigned i = 0; i < r->count; i++) {
		struct end *e;

		if (wait(&status) < 0)
			die("wait");
		took = now_ms() - begin;
		e = &ends[WIFEXITED(status) ? WEXITSTATUS(status) : EINTR];
		if (!e->count++)
			e->first = took;
		e->last = took;
	}
	for (int i = 0; i < 256; i++)
		if (ends[i].count)
			printf("%d %u %.0f %.0f %s\n", i, ends[i].count, ends[i].first,
				ends[i].last, strerror(i));
	return 0;
}

/* ---- the command line ---- */

static int usage(void)
{
	fprintf(stderr, "use: parked load [-w read|mmap|stat] [-n READERS] [-r ROUNDS] "
			"[-l RATE,TAIL,MS] WAITING [CACHED]\n"
			"     parked beside [-w read|mmap|stat] [-n READERS] "
			"[-l RATE,TAIL,MS] WAITING [CACHED]\n"
			"     parked wait [-w read|mmap|stat] [-n READERS] WAITING\n");
	return 2;
}

static int (*way(const char *name))(const char *path, atomic_uint *begun)
{
	static const struct {
		const char *name;
		int (*need)(const char *path, atomic_uint *begun);
	} ways[] = {{"read", need_read}, {"mmap", need_mmap}, {"stat", need_stat}};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		if (strcmp(ways[i].name, name) == 0)
			return ways[i].need;
	return NULL;
}

static bool parse(struct request *q, int argc, char **argv)
{
	int letter;

	while ((letter = getopt(argc, argv, "w:n:r:l:")) != -1) {
		if (letter == 'w')
			q->need = way(optarg);
		else if (letter == 'n')
			q->readers = (unsigned)atoi(optarg);
		else if (letter == 'r')
			q->rounds = (unsigned)atoi(optarg);
		else if (letter != 'l' || sscanf(optarg, "%lf,%lf,%lf", &q->rate, &q->tail,
						  &q->interrupt_ms) != 3)
			return false;
	}
	q->waiting = argv[optind];
	if (q->waiting)
		q->cached = argv[optind + 1];
	return q->waiting && q->need && q->readers > 0 && q->readers <= READERS_MAX &&
	       q->rounds > 0 && q->rounds <= ROUNDS_MAX;
}

int main(int argc, char **argv)
{
	static struct readers readers;
	struct request q = {.need = need_read,
		.readers = 200,
		.rounds = 5,
		.rate = 0.8,
		.tail = 2,
		.interrupt_ms = 100};

	if (argc < 2 || !parse(&q, argc - 1, argv + 1))
		return usage();
	readers.begun = mmap(NULL, sizeof *readers.begun, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (readers.begun == MAP_FAILED)
		die("mmap");
	if (strcmp(argv[1], "load") == 0)
		return load(&q, &readers);
	if (strcmp(argv[1], "beside") == 0)
		return beside(&q, &readers);
	return strcmp(argv[1], "wait") == 0 ? await(&q, &readers) : usage();
}
