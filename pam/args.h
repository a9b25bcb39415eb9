/* SPDX-License-Identifier: ISC */
/* args.h - the words after "pam_tokgate.so" in a line of a PAM file */
#ifndef ARGS_H
#define ARGS_H

#include "tokgate.h"

enum {
	ARG_SERVICE,
	ARG_ACTION,
	ARG_RESOURCE,
	ARG_GATE,
	ARG_PASSTHROUGH,
	ARG_MAP_USER,
	ARG_QUIET,
	ARG_CONFIG,
	ARG_DEBUG,
	ARGS
};

enum {
	ARGS_GROUP_MAX = 255,
	ARGS_WHY_MAX = 127,
};

struct args {
	bool given[ARGS];
	const char *value[ARGS]; /* NULL: given without a value, or not given */
};

/*
 * Read a line's arguments.  The values point into argv.  False on the first
 * one that is unknown, repeated, empty, too long or contradicts another; `why`
 * says which.
 */
bool args_parse(int argc, const char *const *argv, struct args *args,
    char why[static ARGS_WHY_MAX + 1]) __attribute__((warn_unused_result));

/*
 * What the line asks about a login: service, action, resource and gate of
 * *req; all else in it is zeroed.  pam_service is the PAM service's name,
 * `member` tells whether the login is in the group of gate=GROUP, if that is
 * given.
 */
void args_request(const struct args *args, const char *pam_service, bool member,
    struct tg_request *req);

#endif
