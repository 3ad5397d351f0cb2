/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_daemon.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/metrics.h"
#include "cli/mount_control.h"
#include "cli/mount_profile.h"
#include "cli/mount_revisions.h"
#include "cli/mounts.h"
#include "cli/reader.h"
#include "util/clock.h"
#include "util/thread.h"

/* What the thread that hears the parent shares. */
struct mount_daemon {
	int channel; /* to the parent; -1: in the foreground */
	pthread_t thread;
	pthread_mutex_t daemon_mtx; /* the two below */
	struct session *session;    /* NULL: not yet, or not any more */
	bool over;		    /* an end of file is of our own making */
};

static void send_verdict(int channel, int code, const char *text)
{
	struct mount_verdict v = {.code = code};

	snprintf(v.text, sizeof v.text, "%s", text);
	(void)!send(channel, &v, sizeof v, MSG_NOSIGNAL);
}

/* Lets go of the terminal and of the directory it was started in. */
static void daemon_detach(void)
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
static void daemon_drop(struct mount_daemon *d)
{
	struct trouble t = {0};

	pthread_mutex_lock(&d->daemon_mtx);
	if (d->session)
		session_failure(d->session, &t);
	if (!d->over) {
		send_verdict(d->channel, t.code ? t.code : ERR_IO, t.text);
		kill(getpid(), SIGTERM);
	}
	pthread_mutex_unlock(&d->daemon_mtx);
}

static void *daemon_hear(void *arg)
{
	struct mount_daemon *d = arg;
	char word = MOUNT_DROP;

	if (recv(d->channel, &word, 1, 0) == 1 && word == MOUNT_KEEP)
		daemon_detach();
	else
		daemon_drop(d);
	return NULL;
}

static int daemon_listen(struct mount_daemon *d, struct trouble *t)
{
	int rc = thread_start(&d->thread, NULL, daemon_hear, d);

	return rc ? trouble_set(t, rc, "no thread could be started: %s", error_text(rc))
		  : 0;
}

static void daemon_ready(void *ctx)
{
	struct mount_daemon *d = ctx;

	if (d->channel >= 0)
		send_verdict(d->channel, 0, "");
}

static void set_session(struct mount_daemon *d, struct session *session)
{
	pthread_mutex_lock(&d->daemon_mtx);
	d->session = session;
	pthread_mutex_unlock(&d->daemon_mtx);
}

static struct log *open_daemon_log(const struct mount_request *m, struct trouble *t)
{
	enum log_level level = log_level_of(LOG_LEVEL_NOTICE, m->reader.verbose);
	struct log *log;

	if (m->log_file)
		log = log_new_file(level, m->log_file);
	else if (m->foreground)
		log = log_new_stderr(level);
	else
		log = log_new_syslog(level, "cairn");
	if (log)
		log_set_mount(log, m->session.mountpoint, m->reader.dataset.url);
	else
		trouble_errno(t, "cannot log to %s", m->log_file ? m->log_file : "syslog");
	return log;
}

/* What goes on beside the requests. Who uses the mount does without, if need be. */
struct attendants {
	struct running_mount mount;
	struct control *control;
	struct metrics_place *metrics;
	struct mount_profile *profile;
};

static void attendants_start(struct attendants *a, const struct mount_request *m,
	struct reader *r, struct session *session)
{
	struct trouble t = {0};

	*a = (struct attendants){
		.mount = {.request = m,
			.reader = r,
			.session = session,
			.began = clock_monotonic()},
	};
	/* First: a program may start as soon as the mount is there. */
	if (mount_profile_start(m, r, &a->profile))
		log_warning(r->log, "no thread could be started: nothing is fetched ahead");
	if (mounts_add(m->session.mountpoint, &m->reader, r, r->dataset->manifest->revision,
		    &t))
		log_warning(r->log, "%s", t.text);
	if (mount_follow_start(m, r, session, &a->mount.follow))
		log_warning(r->log, "no thread could be started: newer revisions are not "
				    "looked for");
	else if (mount_control_start(&a->mount, &a->control, &t))
		log_warning(r->log, "%s: nobody can ask this mount what it does", t.text);
	if (a->mount.follow && m->metrics &&
		metrics_start(&a->mount, m->metrics, &a->metrics, &t))
		log_warning(r->log, "no metrics at %s: %s", m->metrics, t.text);
}

static void attendants_end(struct attendants *a, const struct mount_request *m)
{
	mount_profile_stop(a->profile);
	mount_follow_stop(a->mount.follow);
	control_free(a->control);
	metrics_stop(a->metrics);
	mount_follow_free(a->mount.follow);
	mounts_remove(m->session.mountpoint);
}

/* By then whoever started it has gone away: the log is what is left. */
static void say_end(const struct mount_request *m, struct log *log, const char *trouble)
{
	if (trouble)
		log_error(log, "%s", trouble);
	else
		log_notice(log, "unmounted %s", m->session.mountpoint);
}

static int daemon_mount(struct mount_request *m, struct reader *r, struct mount_daemon *d,
	struct trouble *t)
{
	struct attendants attendants;
	struct mount_revisions revisions;
	struct session *session;
	int rc;

	mount_revisions_init(&revisions, m, r);
	m->session.revisions = m->revisions ? &revisions.source : NULL;
	m->session.log = r->log;
	rc = session_new(r->dataset, &m->session, &session, t);
	if (rc)
		return rc;
	set_session(d, session);
	log_notice(r->log, "mounted %s on %s: revision %llu of %s, cairn %s",
		r->dataset->url, m->session.mountpoint,
		(unsigned long long)r->dataset->manifest->revision,
		r->dataset->manifest->name, PACKAGE_VERSION);
	attendants_start(&attendants, m, r, session);
	rc = session_run(session, daemon_ready, d);
	attendants_end(&attendants, m);
	if (rc)
		trouble_set(t, rc, "the mount on %s has broken down: %s",
			m->session.mountpoint, error_text(rc));
	say_end(m, r->log, rc ? t->text : NULL);
	set_session(d, NULL);
	session_free(session);
	return rc;
}

/* The log has it too, but in the background that is not where people look now. */
static void say_recalled(const struct mount_request *m, const struct dataset *dataset)
{
	const char *what = "cannot be reached";

	if (dataset->has_stand_in)
		what = "is not to be had, something else answers in its place (does the "
		       "network want a sign-in?)";
	else if (dataset->is_outdated)
		what = "offers an older revision than before";
	else if (!dataset->from_cache)
		return;
	if (!m->reader.dataset.offline && !m->foreground)
		fprintf(stderr, "cairn mount: %s %s: going on with revision %llu%s\n",
			dataset->url, what, (unsigned long long)dataset->manifest->revision,
			dataset->from_cache ? ", and what the cache has of it" : "");
}

/* Everything from the log to the end of the mount. */
static int daemon_serve(struct mount_request *m, struct mount_daemon *d, struct trouble *t)
{
	struct log *log = open_daemon_log(m, t);
	struct reader r;
	int rc;

	if (!log)
		return t->code;
	rc = reader_open(&r, &m->reader, log, t);
	if (rc)
		return rc;
	say_recalled(m, r.dataset);
	rc = daemon_mount(m, &r, d, t);
	reader_close(&r);
	return rc;
}

int mount_daemon_run(struct mount_request *m, int channel)
{
	struct mount_daemon d = {.channel = channel};
	struct trouble t = {0};
	int rc;

	setsid();
	pthread_mutex_init(&d.daemon_mtx, NULL);
	rc = daemon_listen(&d, &t);
	if (!rc) {
		rc = daemon_serve(m, &d, &t);
		pthread_mutex_lock(&d.daemon_mtx);
		d.over = true;
		pthread_mutex_unlock(&d.daemon_mtx);
		if (rc)
			send_verdict(channel, rc, t.text);
		shutdown(channel, SHUT_RD);
		pthread_join(d.thread, NULL);
	} else {
		send_verdict(channel, rc, t.text);
	}
	pthread_mutex_destroy(&d.daemon_mtx);
	close(channel);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

int mount_daemon_foreground(struct mount_request *m, struct trouble *t)
{
	struct mount_daemon d = {.channel = -1};
	int rc;

	pthread_mutex_init(&d.daemon_mtx, NULL);
	rc = daemon_serve(m, &d, t);
	pthread_mutex_destroy(&d.daemon_mtx);
	return rc;
}
