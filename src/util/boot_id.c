/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef HAVE_SYSCTLBYNAME
#include <sys/time.h>
#include <sys/sysctl.h>
#endif

#include "util/boot_id.h"
#include "util/checksum.h"
#include "util/clock.h"
#include "util/io.h"

#define BOOT_ID_MAX 256

/* proc(5), /proc/sys/kernel/random/boot_id. */
static uint64_t from_proc(void)
{
	struct bytes text = {0};
	uint64_t number = 0;

	if (!io_read_file(
		    AT_FDCWD, "/proc/sys/kernel/random/boot_id", BOOT_ID_MAX, &text) &&
		text.size)
		number = checksum_of(text.data, text.size);
	bytes_release(&text);
	return number;
}

/* The BSDs and macOS: when it was booted. */
static uint64_t from_sysctl(void)
{
#ifdef HAVE_SYSCTLBYNAME
	struct timeval at;
	size_t size = sizeof at;

	if (sysctlbyname("kern.boottime", &at, &size, NULL, 0) == 0 && size == sizeof at)
		return checksum_of(&at.tv_sec, sizeof at.tv_sec);
#endif
	return 0;
}

uint64_t boot_id_number(void)
{
	uint64_t number = from_proc();

	if (!number)
		number = from_sysctl();
	if (!number && getentropy(&number, sizeof number))
		number = (uint64_t)clock_realtime();
	return number;
}
