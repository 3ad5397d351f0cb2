/* SPDX-License-Identifier: MIT */
/*
 * terminal COLUMNS FILE COMMAND...: runs the command with a terminal of that width on
 * stderr, and writes to FILE what came there, with a line for each time that it went back
 * to the first column. Ends as the command does.
 */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void run(int terminal, unsigned short columns, char **command)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	int fd;

	setsid();
	fd = open(ptsname(terminal), O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) || dup2(fd, STDERR_FILENO) < 0)
		die("terminal");
	ioctl(fd, TIOCSCTTY, 0);
	close(fd);
	close(terminal);
	execvp(command[0], command);
	die(command[0]);
}

static void copy(int terminal, FILE *out)
{
	char buffer[4096];
	ssize_t n;

	/* EIO: nobody has the other side open any more. */
	while ((n = read(terminal, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buffer[i] == '\r')
				buffer[i] = '\n';
		fwrite(buffer, 1, (size_t)n, out);
		fflush(out);
	}
}

int main(int argc, char **argv)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), status = 0;
	pid_t child;
	FILE *out;

	if (argc < 4) {
		fputs("use: terminal COLUMNS FILE COMMAND...\n", stderr);
		return 2;
	}
	out = fopen(argv[2], "w");
	if (!out || terminal < 0 || grantpt(terminal) || unlockpt(terminal))
		die("terminal");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0)
		run(terminal, (unsigned short)atoi(argv[1]), argv + 3);
	copy(terminal, out);
	if (waitpid(child, &status, 0) < 0 || fclose(out))
		die("terminal");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
