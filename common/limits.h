/* SPDX-License-Identifier: ISC */
/* limits.h - resource limits of the host's process */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>

/*
 * Is there a limit on the size of files (RLIMIT_FSIZE)?  A write under it can
 * raise SIGXFSZ in the host, even inside a file.
 */
bool limits_file_size(void);

#endif
