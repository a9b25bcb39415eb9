/* SPDX-License-Identifier: ISC */
#include "conf.h"
#include "fuzz.h"

static void
must_be_path(const char *path)
{
	size_t len = strnlen(path, CONF_SOCKET_MAX + 1);

	MUST(len > 1 && len <= CONF_SOCKET_MAX && path[0] == '/' && path[len - 1] != '/');
	MUST(strpbrk(path, " \t\n") == NULL && strstr(path, "/../") == NULL);
}

static void
must_be_heard(const struct conf *conf)
{
	size_t i;

	must_be_path(conf->socket);
	MUST(conf->nlisten <= CONF_LISTEN_MAX && conf->ntrusted <= CONF_TRUSTED_MAX);
	for (i = 0; i < conf->nlisten; i++)
		must_be_path(conf->listen[i]);
	for (i = 0; i < conf->ntrusted; i++)
		MUST(conf->trusted[i] != UINT32_MAX);
}

static void
must_be_whole(const struct conf *conf)
{
	size_t len = strnlen(conf->store, sizeof(conf->store));
	char text[CONF_LINE_MAX + 64];
	struct detail detail;
	struct conf again;

	MUST(len > 1 && len < sizeof(conf->store));
	MUST(conf->store[0] == '/' && conf->store[len - 1] != '/');
	MUST(strstr(conf->store, "/../") == NULL);
	MUST(conf->uid != UINT32_MAX);

	/* A slash keeps a blank that ends the store's name from ending the line. */
	snprintf(text, sizeof(text), "store=%s%s\nuid=%u\n", conf->store,
	    strchr(" \t", conf->store[len - 1]) != NULL ? "/" : "", conf->uid);
	MUST(conf_parse(text, strlen(text), "again", &again, &detail) == TG_OK);
	MUST(strcmp(conf->store, again.store) == 0 && conf->uid == again.uid);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf zero;
	struct detail detail;
	struct conf conf;
	const char *p;

	if (conf_parse((const char *)data, size, "fuzz", &conf, &detail) == TG_OK) {
		must_be_whole(&conf);
		must_be_heard(&conf);
		return 0;
	}
	MUST(memcmp(&conf, &zero, sizeof(conf)) == 0);
	MUST(strncmp(detail.text, "fuzz:", 5) == 0);
	for (p = detail.text; *p != '\0'; p++)
		MUST(*p >= ' ' && *p <= '~');
	return 0;
}
