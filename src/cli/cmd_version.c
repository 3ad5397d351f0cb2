/* SPDX-License-Identifier: MIT */

#include <config.h>

#include <curl/curl.h>
#include <fuse_lowlevel.h>
#include <jansson.h>
#include <lmdb.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#ifdef HAVE_MICROHTTPD
#include <microhttpd.h>
#endif

#include "cli/command.h"

const struct option_help version_options_help[] = {{0}};

int cmd_version(int argc, char **argv)
{
	while (command_getopt(argc, argv) != -1)
		;
	if (optind < argc)
		return command_use("version", "it takes no arguments");
	printf("cairn %s\n", PACKAGE_VERSION);
	printf("libfuse %s\n", fuse_pkgversion());
	printf("%s\n", curl_version());
	printf("%s\n", OpenSSL_version(OPENSSL_VERSION));
	printf("jansson %s\n", JANSSON_VERSION);
	printf("%s\n", mdb_version(NULL, NULL, NULL));
	printf("zstd %s\n", ZSTD_versionString());
#ifdef HAVE_MICROHTTPD
	printf("libmicrohttpd %s\n", MHD_get_version());
#endif
	return EXIT_SUCCESS;
}
