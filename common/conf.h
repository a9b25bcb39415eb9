/* SPDX-License-Identifier: ISC */
/*
 * conf.h - the configuration file
 *
 * Lines of `key = value`; blanks and tabs around key and value do not count.
 * Empty lines and lines that start with '#' are skipped.  A line has at most
 * CONF_LINE_MAX bytes, the file CONF_FILE_MAX.  There is no quoting and no
 * continuation, and no '#' in a value, so that a remark behind a value is
 * refused and not taken for a part of it.  Refused, with file and line:
 * unknown and repeated keys, empty values, NUL and other control characters.
 *
 *	store    directory of the store: absolute, without "." and ".." parts
 *	uid      number of the user that may own the store besides root
 *	socket   path where tokgated is asked
 *	listen   paths where tokgated listens, separated by blanks; by default
 *	         the one of `socket`
 *	trusted  numbers of users whose word on login and address tokgated
 *	         takes, separated by blanks; root is always one
 */
#ifndef CONF_H
#define CONF_H

#include <limits.h>

#include "detail.h"

enum {
	CONF_LINE_MAX = 1023,
	CONF_FILE_MAX = 64 * 1024,
	CONF_SOCKET_MAX = 107, /* sun_path of unix(7) */
	CONF_LISTEN_MAX = 8,
	CONF_TRUSTED_MAX = 16,
};

struct conf {
	char store[PATH_MAX]; /* without a slash at its end */
	uint32_t uid;         /* 0: root alone */
	char socket[CONF_SOCKET_MAX + 1];
	size_t nlisten; /* 0: socket */
	char listen[CONF_LISTEN_MAX][CONF_SOCKET_MAX + 1];
	size_t ntrusted;
	uint32_t trusted[CONF_TRUSTED_MAX];
};

/*
 * The settings of a file, or the defaults where it says nothing.  path NULL
 * is TG_CONFIG_FILE, which need not exist.  A missing named file and one that
 * is unsafe (secure.h) or not understood are TG_MISCONFIGURED; TG_UNAVAILABLE
 * means that it could not be read.  *out is zeroed on all but TG_OK.
 */
enum tg_status conf_load(const char *path, struct conf *out, struct detail *detail)
    __attribute__((warn_unused_result));

/* The same for a text in memory; `name` stands for it in the detail. */
enum tg_status conf_parse(const char *text, size_t len, const char *name, struct conf *out,
    struct detail *detail) __attribute__((warn_unused_result));

/*
 * Change one setting, as a line of a file would: for what a program's option
 * or a caller's argument replaces.  conf is unchanged on all but TG_OK.
 */
enum tg_status conf_set(struct conf *conf, const char *key, const char *value,
    struct detail *detail) __attribute__((warn_unused_result));

#endif
