/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/io_class.h"
#include "util/power.h"

static char directory[] = "/tmp/cairn-power.XXXXXX";

static void say(const char *supply, const char *attribute, const char *value)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", directory, supply);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/%s/%s", directory, supply, attribute);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", value);
	fclose(f);
}

static void test_supplies(void **state)
{
	char command[128];

	(void)state;
	assert_false(power_is_battery("/nowhere/at/all"));
	assert_non_null(mkdtemp(directory));
	assert_false(power_is_battery(directory));
	/* A mouse's. */
	say("hidpp_battery_0", "type", "Battery");
	say("hidpp_battery_0", "scope", "Device");
	say("hidpp_battery_0", "status", "Discharging");
	assert_false(power_is_battery(directory));
	say("BAT0", "type", "Battery");
	say("BAT0", "status", "Full");
	assert_false(power_is_battery(directory));
	say("BAT0", "status", "Not charging");
	assert_false(power_is_battery(directory));
	say("BAT0", "status", "Discharging");
	assert_true(power_is_battery(directory));
	say("AC", "type", "Mains");
	say("AC", "online", "0");
	assert_true(power_is_battery(directory));
	/* As some do while the mains are there. */
	say("AC", "online", "1");
	assert_false(power_is_battery(directory));
	snprintf(command, sizeof command, "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

/* Advice: nothing to see. */
static void test_io_class(void **state)
{
	(void)state;
	io_class_set_idle(true);
	io_class_set_idle(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supplies),
		cmocka_unit_test(test_io_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
