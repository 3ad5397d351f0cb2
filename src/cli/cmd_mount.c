/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/mount_options.h"
#include "cli/mounts.h"
#include "fs/mountpoint.h"

/*
 * In the background, two processes: the daemon opens everything and mounts (threads, curl
 * and TLS begin after the fork), and this one proves the mount by a stat, says how it
 * went, and ends. They talk over a socket pair:
 *
 *   daemon -> parent  a verdict: mounted (the kernel has said hello), or failed, with words
 *   parent -> daemon  after "mounted", one byte: KEEP, or DROP when the stat failed, upon
 *                     which a second verdict tells why. An end of file (the parent was
 *                     interrupted) is DROP as well, at any time before KEEP.
 */
enum { OPTION_LOG = OPTION_OWN };
enum { KEEP = 'k', DROP = 'd' };

const struct option_help mount_options_help[] = {
	{"foreground", 'f', NULL, "stay in the foreground, log to stderr"},
	{"options", 'o', "OPTIONS",
		"open=MODE, allow_other, memory=SIZE, readahead=SIZE, quota=SIZE, ..."},
	{"log", OPTION_LOG, "FILE", "log there (default: syslog)"},
	READER_OPTIONS_HELP,
	{0},
};

struct verdict {
	int code; /* 0: mounted */
	char text[TROUBLE_MAX];
};

/* The daemon's state, which the thread that hears the parent shares. */
struct serving {
	int channel; /* to the parent; -1: in the foreground */
	pthread_t thread;
	pthread_mutex_t lock;	 /* the two below */
	struct session *session; /* NULL: not yet, or not any more */
	bool over;		 /* an end of file is of our own making */
};

/* ---- the daemon ---- */

static void send_verdict(int channel, int code, const char *text)
{
	struct verdict v = {.code = code};

	snprintf(v.text, sizeof v.text, "%s", text);
	(void)!send(channel, &v, sizeof v, MSG_NOSIGNAL);
}

/* Lets go of the terminal and of the directory it was started in. */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR);

	(void)!chdir("/");
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

/* Ends the daemon. Where nothing is mounted yet, at once: it may be waiting for a server.
 */
static void drop(struct serving *s)
{
	struct trouble t = {0};

	pthread_mutex_lock(&s->lock);
	if (s->session)
		session_failure(s->session, &t);
	if (!s->over) {
		send_verdict(s->channel, t.code ? t.code : ERR_IO, t.text);
		kill(getpid(), SIGTERM);
	}
	pthread_mutex_unlock(&s->lock);
}

static void *hear_parent(void *arg)
{
	struct serving *s = arg;
	char word = DROP;

	if (recv(s->channel, &word, 1, 0) == 1 && word == KEEP)
		detach();
	else
		drop(s);
	return NULL;
}

/* Signals are for the main thread. */
static int hear(struct serving *s, struct trouble *t)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, hear_parent, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc ? trouble_set(t, ERR_NO_MEMORY, "no thread could be started") : 0;
}

static void ready(void *ctx)
{
	struct serving *s = ctx;

	if (s->channel >= 0)
		send_verdict(s->channel, 0, "");
}

static void set_session(struct serving *s, struct session *session)
{
	pthread_mutex_lock(&s->lock);
	s->session = session;
	pthread_mutex_unlock(&s->lock);
}

static struct log *open_log(const struct mount_request *m, struct trouble *t)
{
	int level = LOG_LEVEL_WARNING + m->reader.verbose;
	struct log *log;

	level = level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : level;
	if (m->log_file)
		log = log_new_file((enum log_level)level, m->log_file);
	else if (m->foreground)
		log = log_new_stderr((enum log_level)level);
	else
		log = log_new_syslog((enum log_level)level, "cairn");
	if (!log)
		trouble_errno(t, "cannot log to %s", m->log_file ? m->log_file : "syslog");
	return log;
}

static int run(
	struct mount_request *m, struct reader *r, struct serving *s, struct trouble *t)
{
	struct session *session;
	int rc;

	m->session.log = r->log;
	rc = session_new(r->dataset, &m->session, &session, t);
	if (rc)
		return rc;
	set_session(s, session);
	/* Other tools do without, if need be. */
	if (mounts_add(m->session.mountpoint, &m->reader, r, t))
		log_warning(r->log, "%s", t->text);
	rc = session_run(session, ready, s);
	mounts_remove(m->session.mountpoint);
	if (rc)
		trouble_set(
			t, rc, "the mount on %s has broken down", m->session.mountpoint);
	set_session(s, NULL);
	session_free(session);
	return rc;
}

/* The log has it too, but in the background that is not where people look now. */
static void say_from_cache(const struct mount_request *m, const struct dataset *d)
{
	if (d->from_cache && !m->reader.dataset.offline && !m->foreground)
		fprintf(stderr,
			"cairn mount: %s cannot be reached: going on with revision %llu, "
			"and "
			"what the cache has of it\n",
			d->url, (unsigned long long)d->manifest->revision);
}

/* Everything from the log to the end of the mount. */
static int serve(struct mount_request *m, struct serving *s, struct trouble *t)
{
	struct log *log = open_log(m, t);
	struct reader r;
	int rc;

	if (!log)
		return t->code;
	rc = reader_open(&r, &m->reader, log, t);
	if (rc)
		return rc;
	say_from_cache(m, r.dataset);
	rc = run(m, &r, s, t);
	reader_close(&r);
	return rc;
}

/* The daemon's process: its exit status. */
static int daemon_main(struct mount_request *m, int channel)
{
	struct serving s = {.channel = channel};
	struct trouble t = {0};
	int rc;

	setsid();
	pthread_mutex_init(&s.lock, NULL);
	rc = hear(&s, &t);
	if (!rc) {
		rc = serve(m, &s, &t);
		pthread_mutex_lock(&s.lock);
		s.over = true;
		pthread_mutex_unlock(&s.lock);
		if (rc)
			send_verdict(channel, rc, t.text);
		shutdown(channel, SHUT_RD);
		pthread_join(s.thread, NULL);
	} else {
		send_verdict(channel, rc, t.text);
	}
	pthread_mutex_destroy(&s.lock);
	close(channel);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the parent ---- */

static bool get_verdict(int channel, struct verdict *v)
{
	return recv(channel, v, sizeof *v, MSG_WAITALL) == (ssize_t)sizeof *v;
}

static int ended_silently(void)
{
	fprintf(stderr,
		"cairn mount: the mount's process ended unexpectedly (see its log)\n");
	return EXIT_FAILURE;
}

static int tell(const struct verdict *v)
{
	struct trouble t = {.code = v->code};

	snprintf(t.text, sizeof t.text, "%s", v->text);
	return command_fail("mount", &t);
}

/* The mount is there: does it answer? */
static int prove(const char *mountpoint, int channel)
{
	struct stat st;
	struct verdict v;
	char word = KEEP;
	int errnum = stat(mountpoint, &st) ? errno : 0;

	if (errnum)
		word = DROP;
	if (send(channel, &word, 1, MSG_NOSIGNAL) != 1)
		return ended_silently();
	if (!errnum)
		return EXIT_SUCCESS;
	if (!get_verdict(channel, &v))
		return ended_silently();
	if (!v.text[0])
		snprintf(v.text, sizeof v.text, "the mount on %s does not answer: %s",
			mountpoint, strerror(errnum));
	return tell(&v);
}

static int await(const char *mountpoint, pid_t daemon, int channel)
{
	struct verdict v;
	int status;

	if (!get_verdict(channel, &v))
		status = ended_silently();
	else if (v.code)
		status = tell(&v);
	else
		status = prove(mountpoint, channel);
	if (status)
		waitpid(daemon, NULL, 0); /* so that the mount is gone when we are */
	return status;
}

static int in_background(struct mount_request *m)
{
	struct trouble t = {0};
	int ends[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		trouble_errno(&t, "cannot talk to the background");
		return command_fail("mount", &t);
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		return daemon_main(m, ends[1]);
	}
	close(ends[1]);
	if (pid > 0) {
		status = await(m->session.mountpoint, pid, ends[0]);
	} else {
		trouble_errno(&t, "cannot go to the background");
		status = command_fail("mount", &t);
	}
	close(ends[0]);
	return status;
}

static int in_foreground(struct mount_request *m)
{
	struct serving s = {.channel = -1};
	struct trouble t = {0};
	int rc;

	pthread_mutex_init(&s.lock, NULL);
	rc = serve(m, &s, &t);
	pthread_mutex_destroy(&s.lock);
	return rc ? command_fail("mount", &t) : EXIT_SUCCESS;
}

/* ---- the command ---- */

static int parse(struct mount_request *m, int argc, char **argv)
{
	int letter, status = 0;
	bool taken;

	while (!status && (letter = command_getopt(argc, argv)) != -1) {
		if (letter == 'f')
			m->foreground = true;
		else if (letter == 'o')
			status = mount_request_words(m, optarg);
		else if (letter == OPTION_LOG)
			m->log_file = optarg;
		else
			status = reader_option(&m->reader, "mount", letter, optarg, &taken);
	}
	if (!status && argc - optind != 2)
		status = command_use("mount", "a URL and a MOUNTPOINT are needed");
	return status;
}

/* What can be said before anything is begun. *mountpoint: heap, absolute. */
static int check(struct mount_request *m, const char *path, char **mountpoint)
{
	struct trouble t = {0};

	if (mountpoint_check(path, m->session.nonempty, mountpoint, &t) ||
		mountpoint_permitted(m->session.allow_other, &t))
		return command_fail("mount", &t);
	m->session.mountpoint = *mountpoint;
	if (mount_request_finish(m)) {
		trouble_set(&t, ERR_NO_MEMORY, "out of memory");
		return command_fail("mount", &t);
	}
	return 0;
}

int cmd_mount(int argc, char **argv)
{
	struct mount_request m;
	char *mountpoint = NULL;
	int status;

	mount_request_init(&m);
	status = parse(&m, argc, argv);
	if (!status)
		status = check(&m, argv[optind + 1], &mountpoint);
	if (!status) {
		m.reader.dataset.url = argv[optind];
		m.reader.dataset.fetch_first = true;
		status = m.foreground ? in_foreground(&m) : in_background(&m);
	}
	free(mountpoint);
	mount_request_release(&m);
	return status;
}
