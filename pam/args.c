/* SPDX-License-Identifier: ISC */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "args.h"

enum need { BARE, VALUE, EITHER };

static const struct row {
	const char *name;
	enum need need;
	size_t max; /* longest value */
} rows[ARGS] = {
	[ARG_SERVICE] = { "service", VALUE, TG_WORD_MAX },
	[ARG_ACTION] = { "action", VALUE, TG_WORD_MAX },
	[ARG_RESOURCE] = { "resource", VALUE, TG_RESOURCE_MAX },
	[ARG_GATE] = { "gate", EITHER, ARGS_GROUP_MAX },
	[ARG_PASSTHROUGH] = { "passthrough", BARE, 0 },
	[ARG_MAP_USER] = { "map_user", BARE, 0 },
	[ARG_QUIET] = { "quiet", BARE, 0 },
	[ARG_CONFIG] = { "config", VALUE, PATH_MAX - 1 },
	[ARG_DEBUG] = { "debug", BARE, 0 },
};

static int
find(const char *name, size_t len)
{
	int i;

	for (i = 0; i < ARGS; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return i;
	return -1;
}

/* Take one argument.  Returns NULL, or what is wrong with it. */
static const char *
take(const char *arg, struct args *args)
{
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	int i = find(arg, len);

	if (i == -1)
		return "is unknown";
	if (args->given[i])
		return "repeats one";
	if (value == NULL && rows[i].need == VALUE)
		return "needs a value";
	if (value != NULL && rows[i].need == BARE)
		return "takes no value";
	if (value != NULL && value[0] == '\0')
		return "has an empty value";
	if (value != NULL && strlen(value) > rows[i].max)
		return "has too long a value";
	args->given[i] = true;
	args->value[i] = value;
	return NULL;
}

/* What is wrong with the arguments together, or NULL. */
static const char *
contradiction(const struct args *args)
{
	const char *config = args->value[ARG_CONFIG];

	if (args->given[ARG_GATE] && args->value[ARG_GATE] == NULL && args->given[ARG_RESOURCE])
		return "'gate' without a group leaves no use for 'resource='";
	if (config != NULL && config[0] != '/')
		return "'config=' needs an absolute path";
	return NULL;
}

bool
args_parse(int argc, const char *const *argv, struct args *args, char why[static ARGS_WHY_MAX + 1])
{
	const char *wrong;
	int i;

	memset(args, 0, sizeof(*args));
	why[0] = '\0';
	for (i = 0; i < argc; i++) {
		if ((wrong = take(argv[i], args)) != NULL) {
			snprintf(why, ARGS_WHY_MAX + 1, "argument '%.64s' %s", argv[i], wrong);
			return false;
		}
	}
	if ((wrong = contradiction(args)) != NULL) {
		snprintf(why, ARGS_WHY_MAX + 1, "%s", wrong);
		return false;
	}
	return true;
}

void
args_request(const struct args *args, const char *pam_service, bool member, struct tg_request *req)
{
	const char *service = args->value[ARG_SERVICE];

	memset(req, 0, sizeof(*req));
	req->service = pam_service;
	if (args->value[ARG_GATE] != NULL && !member)
		return; /* login, on everything of the service */
	if (service != NULL)
		req->service = service;
	req->action = args->value[ARG_ACTION];
	req->resource = args->value[ARG_RESOURCE];
	req->gate = args->given[ARG_GATE] && req->resource == NULL;
}
