/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/certificate_names.h"
#include "util/error.h"

#define HOST_SIZE 256

static int push_name(GENERAL_NAMES *names, int type, const void *data, size_t size)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_type_new(
		type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	if (!name || !value || ASN1_STRING_set(value, data, (int)size) != 1) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return ERR_NO_MEMORY;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return 0;
	GENERAL_NAME_free(name);
	return ERR_NO_MEMORY;
}

static int push_host(GENERAL_NAMES *names, const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	if (inet_pton(AF_INET, host, &v4) == 1)
		return push_name(names, GEN_IPADD, &v4, sizeof v4);
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return push_name(names, GEN_IPADD, &v6, sizeof v6);
	if (!host[0] || host[strspn(host, allowed)])
		return 0; /* no name that a client could ask for */
	return push_name(names, GEN_DNS, host, strlen(host));
}

/* The addresses of the machine's interfaces, for clients that know it by these. */
static int push_addresses(GENERAL_NAMES *names)
{
	struct ifaddrs *list;
	int rc = 0;

	if (getifaddrs(&list) != 0)
		return 0;
	for (struct ifaddrs *i = list; i && !rc; i = i->ifa_next) {
		const struct sockaddr *a = i->ifa_addr;

		if (a && a->sa_family == AF_INET)
			rc = push_name(names, GEN_IPADD,
				&((const struct sockaddr_in *)a)->sin_addr,
				sizeof(struct in_addr));
		else if (a && a->sa_family == AF_INET6)
			rc = push_name(names, GEN_IPADD,
				&((const struct sockaddr_in6 *)a)->sin6_addr,
				sizeof(struct in6_addr));
	}
	freeifaddrs(list);
	return rc;
}

static bool is_wildcard(const char *host)
{
	return !host || !host[0] || !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
}

/* The machine's name, and the first part of it where it has several. */
static int push_machine(GENERAL_NAMES *names)
{
	char machine[HOST_SIZE] = "";
	int rc;

	gethostname(machine, sizeof machine - 1);
	rc = push_host(names, machine);
	if (rc || !strchr(machine, '.'))
		return rc;
	machine[strcspn(machine, ".")] = '\0';
	return push_host(names, machine);
}

GENERAL_NAMES *certificate_names_collect(const char *host)
{
	static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	int rc = 0;

	if (!names)
		return NULL;
	for (size_t i = 0; i < sizeof always / sizeof *always && !rc; i++)
		rc = push_host(names, always[i]);
	if (!rc)
		rc = push_machine(names);
	if (!rc)
		rc = is_wildcard(host) ? push_addresses(names) : push_host(names, host);
	if (!rc)
		return names;
	GENERAL_NAMES_free(names);
	return NULL;
}

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

bool certificate_names_cover(X509 *cert, const char *host)
{
	if (is_wildcard(host))
		return true;
	if (is_address(host))
		return X509_check_ip_asc(cert, host, 0) == 1;
	return X509_check_host(cert, host, 0, 0, NULL) == 1;
}
