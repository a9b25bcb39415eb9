/* SPDX-License-Identifier: ISC */
/*
 * secure.h - open only files that nobody else can have put there
 *
 * Trusted are root, the effective user and also_trusted (0: nobody else).
 * The parent directory must belong to one of them and be writable for no
 * group and no others; root's sticky directories (/tmp) pass.  Directories
 * above the parent are not looked at.
 */
#ifndef SECURE_H
#define SECURE_H

#include <sys/types.h>

#include "detail.h"

/*
 * Open a file for reading.  The file that was opened is judged, not its name:
 * regular, reached through no symbolic link as the last part, owned by a
 * trusted user, writable for no group and no others, in a secure parent.
 *
 * TG_OK             *fd is 3 or above, close-on-exec, at offset 0
 * TG_NO_MATCH       there is no such file (or no such parent); nothing is
 *                   wrong as such, so the caller says what it means
 * TG_MISCONFIGURED  unsafe; the detail says what is and what should be
 * TG_UNAVAILABLE    could not be opened now (no permission, no descriptor)
 *
 * *fd is -1 on all but TG_OK.
 */
enum tg_status secure_open(const char *path, uid_t also_trusted, int *fd, struct detail *detail)
    __attribute__((warn_unused_result));

/* Judge the directory that `path` lies in; statuses as of secure_open(). */
enum tg_status secure_parent(const char *path, uid_t also_trusted, struct detail *detail)
    __attribute__((warn_unused_result));

#endif
