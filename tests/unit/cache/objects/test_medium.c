/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cache/objects/medium.h"
#include "unit/object_samples.h"

static void test_types(void **state)
{
	(void)state;
	assert_true(medium_type_is_local(0xef53));	/* ext4 */
	assert_true(medium_type_is_local(0x794c7630));	/* overlayfs */
	assert_false(medium_type_is_local(0x6969));	/* NFS */
	assert_false(medium_type_is_local(0xff534d42)); /* CIFS */
	assert_false(medium_type_is_local(0x65735546)); /* FUSE */
	assert_false(medium_type_is_local(0x01021997)); /* 9p */
	assert_false(medium_type_is_local(0x4d44));	/* FAT */
	assert_false(medium_type_is_local(0));
}

static void run_in(const char *directory, const char *commands)
{
	char command[4096];

	snprintf(command, sizeof command, "cd %s && %s", directory, commands);
	assert_int_equal(system(command), 0);
}

/* As /sys has a disk, a partition of a stick, and a mapping over one of each. */
static const char *const tree =
	"mkdir -p sys && cd sys && mkdir -p dev/block "
	"devices/pci0/ata1/block/sda/sda1"
	" devices/pci0/usb1/1-1/block/sdb devices/platform/block/mmcblk0/mmcblk0p1"
	" devices/platform/host2/session1/block/sdc devices/virtual/block/nbd0"
	" devices/virtual/block/dm-0/slaves devices/virtual/block/dm-1/slaves"
	" devices/virtual/block/dm-2/slaves &&"
	"echo 0 >devices/pci0/ata1/block/sda/removable &&"
	"echo 1 >devices/platform/block/mmcblk0/removable &&"
	"ln -s ../../devices/pci0/ata1/block/sda/sda1 dev/block/8:1 &&"
	"ln -s ../../devices/pci0/usb1/1-1/block/sdb dev/block/8:16 &&"
	"ln -s ../../devices/platform/block/mmcblk0/mmcblk0p1 dev/block/179:1 &&"
	"ln -s ../../devices/platform/host2/session1/block/sdc dev/block/8:32 &&"
	"ln -s ../../devices/virtual/block/nbd0 dev/block/43:0 &&"
	"ln -s ../../devices/virtual/block/dm-0 dev/block/253:0 &&"
	"ln -s ../../devices/virtual/block/dm-1 dev/block/253:1 &&"
	"ln -s ../../devices/virtual/block/dm-2 dev/block/253:2 &&"
	"ln -s ../../../../pci0/ata1/block/sda/sda1 devices/virtual/block/dm-0/slaves/sda1 "
	"&&"
	"ln -s ../../dm-0 devices/virtual/block/dm-1/slaves/dm-0 &&"
	"ln -s ../../../../pci0/usb1/1-1/block/sdb devices/virtual/block/dm-1/slaves/sdb &&"
	"ln -s ../../dm-2 devices/virtual/block/dm-2/slaves/dm-2";

static void test_devices(void **state)
{
	static const struct {
		unsigned major, minor;
		bool local;
	} devices[] = {
		{0, 40, true},	 /* none */
		{8, 1, true},	 /* a disk's partition */
		{8, 16, false},	 /* on USB */
		{179, 1, false}, /* a card */
		{8, 32, false},	 /* iSCSI */
		{43, 0, false},	 /* over a network */
		{253, 0, true},	 /* a mapping over a disk */
		{253, 1, false}, /* one of a stick, too */
		{253, 2, false}, /* one of itself: no end */
		{259, 77, true}, /* not described */
	};
	char directory[] = "/tmp/cairn-medium.XXXXXX", sys[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	run_in(directory, tree);
	snprintf(sys, sizeof sys, "%s/sys", directory);
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
		dev_t device = makedev(devices[i].major, devices[i].minor);

		assert_int_equal(medium_device_is_local(device, sys), devices[i].local);
	}
	run_in(directory, "rm -r sys");
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
