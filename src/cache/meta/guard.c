/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/meta/guard.h"
#include "util/clock.h"
#include "util/cpu_watch.h"
#include "util/error.h"
#include "util/signal_stack.h"

#define GUARDS_MAX 16	 /* environments open at once: one, but in tests */
#define WATCH_SECONDS 30 /* of CPU, in one call */

struct guard {
	int directory_fd;
	atomic_bool damaged, abandoned;
	atomic_uintptr_t map;
	atomic_size_t map_size;
};

/* A call under way. */
struct guarded_call {
	struct guard *guard;
	struct guarded_call *outer;
	sigjmp_buf back;
};

/* What was abandoned is still known, lest a leak checker takes it for lost. */
struct abandoned {
	void *what;
	struct abandoned *next;
};

static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT};
#define SIGNAL_COUNT (sizeof signals / sizeof signals[0])

static pthread_mutex_t guards_mtx = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct guard *) guards[GUARDS_MAX]; /* guards_mtx; read by handlers */
static unsigned guard_count;			   /* guards_mtx */
static struct sigaction before[SIGNAL_COUNT];	   /* guards_mtx; read by handlers */
static uintptr_t system_page;			   /* bytes; set before any handler */
static struct abandoned *all_abandoned;		   /* guards_mtx */
static _Thread_local struct guarded_call *current;
static _Thread_local bool thread_is_ready, thread_writes;
static _Thread_local unsigned long call_number, call_seen; /* by the watch */

/* Async-signal-safe, as all that handlers call. */
static void leave_mark(struct guard *g)
{
	int fd;

	atomic_store(&g->damaged, true);
	fd = openat(g->directory_fd, GUARD_MARK,
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0)
		close(fd);
}

static bool is_in_map(struct guard *g, uintptr_t address)
{
	uintptr_t map = atomic_load(&g->map);

	return map && address >= map && address - map < atomic_load(&g->map_size);
}

static struct guard *guard_with(uintptr_t address)
{
	for (unsigned i = 0; i < GUARDS_MAX; i++) {
		struct guard *g = atomic_load(&guards[i]);

		if (g && is_in_map(g, address))
			return g;
	}
	return NULL;
}

static _Noreturn void come_back(struct guarded_call *c)
{
	if (thread_writes)
		atomic_store(&c->guard->abandoned, true);
	siglongjmp(c->back, 1);
}

/* A page of zeros in place of what cannot be read. */
static bool put_zeros(uintptr_t address)
{
	void *page = (void *)(address & ~(system_page - 1)); /* NOLINT: an address it is */

	return mmap(page, system_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		       -1, 0) != MAP_FAILED;
}

/* True: the process can go on. */
static bool handle_fault(struct guarded_call *c, const siginfo_t *info)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	struct guard *g = guard_with(address);
	/* A file that is mapped has lost that page: this one's, or that of LMDB's locks.
	 * Who goes astray in memory meets SIGSEGV. */
	bool lost = info->si_signo == SIGBUS && info->si_code == BUS_ADRERR;
	/* A member of a page that LMDB has no pointer to. (Of an address that no memory can
	 * have, the kernel says 0, too, with another code.) */
	bool missing = info->si_signo == SIGSEGV && info->si_code == SEGV_MAPERR &&
		       address < system_page;

	if (c) {
		leave_mark(c->guard);
		if (!thread_writes || g == c->guard || lost || missing)
			come_back(c);
		return false;
	}
	if (!g ||
		info->si_signo != SIGBUS) /* who writes to the map is wrong, not the file */
		return false;
	leave_mark(g);
	return put_zeros(address);
}

/* Looked at now and then: is it still the same call? */
static bool is_stuck(struct guarded_call *c)
{
	bool stuck = c && call_number == call_seen;

	call_seen = call_number;
	return stuck;
}

/* True: the process can go on. */
static bool handle(int number, const siginfo_t *info)
{
	struct guarded_call *c = current;

	if (info->si_code == SI_TIMER) {
		if (!is_stuck(c))
			return true;
		leave_mark(c->guard);
	} else if (number != SIGABRT) {
		/* One that somebody sends is none. */
		return info->si_code > 0 && handle_fault(c, info);
	} else if (c && info->si_code == SI_TKILL && info->si_pid == getpid()) {
		leave_mark(c->guard); /* LMDB has aborted, or libc in its name */
	}
	return false;
}

static void handle_signal(int number, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	if (!handle(number, info)) {
		for (unsigned i = 0; i < SIGNAL_COUNT; i++)
			if (signals[i] == number)
				sigaction(number, &before[i], NULL);
		/* A fault comes again by itself. */
		if (info->si_code <= 0)
			raise(number);
	}
	errno = error;
}

/* guards_mtx is held. */
static void install_handlers(void)
{
	struct sigaction action = {
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};

	system_page = (uintptr_t)sysconf(_SC_PAGESIZE);
	action.sa_sigaction = handle_signal;
	sigemptyset(&action.sa_mask);
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &action, &before[i]);
}

/* guards_mtx is held. */
static void remove_handlers(void)
{
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &before[i], NULL);
}

/* More than GUARDS_MAX: their maps are not known to handlers. */
static void guard_enlist(struct guard *g)
{
	pthread_mutex_lock(&guards_mtx);
	if (guard_count++ == 0)
		install_handlers();
	for (unsigned i = 0; i < GUARDS_MAX; i++)
		if (!atomic_load(&guards[i])) {
			atomic_store(&guards[i], g);
			break;
		}
	pthread_mutex_unlock(&guards_mtx);
}

int guard_new(const char *path, struct guard **out)
{
	struct guard *g = calloc(1, sizeof *g);

	if (!g)
		return ERR_NO_MEMORY;
	g->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->directory_fd < 0) {
		int rc = error_from_errno(errno);

		free(g);
		return rc;
	}
	guard_enlist(g);
	*out = g;
	return 0;
}

int guard_renew(struct guard *g, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* A handler never finds it closed. */
	if (fd < 0 || dup3(fd, g->directory_fd, O_CLOEXEC) < 0) {
		int rc = error_from_errno(errno);

		if (fd >= 0)
			close(fd);
		return rc;
	}
	close(fd);
	atomic_store(&g->damaged, false);
	atomic_store(&g->abandoned, false);
	return 0;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&guards_mtx);
	for (unsigned i = 0; i < GUARDS_MAX; i++)
		if (atomic_load(&guards[i]) == g)
			atomic_store(&guards[i], NULL);
	if (--guard_count == 0)
		remove_handlers();
	pthread_mutex_unlock(&guards_mtx);
	close(g->directory_fd);
	free(g);
}

void guard_set_map(struct guard *g, const void *map, size_t size)
{
	atomic_store(&g->map_size, 0);
	atomic_store(&g->map, (uintptr_t)map);
	atomic_store(&g->map_size, size);
}

void guard_assert(MDB_env *env, const char *message)
{
	struct guarded_call *c = current;

	(void)env, (void)message;
	if (!c)
		return; /* LMDB aborts */
	leave_mark(c->guard);
	come_back(c);
}

/* One that is blocked ends the process without asking anybody. */
static void let_signals_through(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < SIGNAL_COUNT; i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void prepare_thread(void)
{
	thread_is_ready = true;
	let_signals_through();
	signal_stack_give();
}

int guard_call(struct guard *g, guard_fn call, void *arg)
{
	struct guarded_call c = {.guard = g, .outer = current};
	int rc;

	if (!thread_is_ready)
		prepare_thread();
	if (thread_writes && guard_is_abandoned(g))
		return MDB_CORRUPTED;
	/* Handlers block nothing, so there is no mask to be saved; but TSan, which calls
	 * them from its own, blocks all meanwhile. */
	if (sigsetjmp(c.back, 0)) {
		let_signals_through();
		current = c.outer;
		return MDB_CORRUPTED;
	}
	call_number++;
	current = &c;
	atomic_signal_fence(memory_order_seq_cst);
	rc = call(arg);
	atomic_signal_fence(memory_order_seq_cst);
	current = c.outer;
	return rc;
}

void guard_write_begin(struct guard *g)
{
	(void)g;
	if (!thread_is_ready)
		prepare_thread();
	let_signals_through();
	thread_writes = true;
	call_seen = 0;
	cpu_watch_begin(SIGABRT, WATCH_SECONDS * NS_PER_SECOND);
}

void guard_write_end(struct guard *g)
{
	(void)g;
	cpu_watch_end();
	thread_writes = false;
}

void guard_damaged(struct guard *g)
{
	leave_mark(g);
}

bool guard_is_marked(struct guard *g)
{
	return faccessat(g->directory_fd, GUARD_MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool guard_is_sound(const struct guard *g)
{
	return !atomic_load_explicit(&g->damaged, memory_order_acquire);
}

bool guard_is_abandoned(const struct guard *g)
{
	return atomic_load(&g->abandoned);
}

void guard_keep(void *what)
{
	struct abandoned *a = malloc(sizeof *a);

	if (!a)
		return;
	pthread_mutex_lock(&guards_mtx);
	*a = (struct abandoned){what, all_abandoned};
	all_abandoned = a;
	pthread_mutex_unlock(&guards_mtx);
}
