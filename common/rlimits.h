/* SPDX-License-Identifier: ISC */
/* rlimits.h - resource limits of the host's process */
#ifndef RLIMITS_H
#define RLIMITS_H

#include <stdbool.h>

/*
 * Is there a limit on the size of files (RLIMIT_FSIZE)?  A write under it can
 * raise SIGXFSZ in the host, even inside a file.
 */
bool rlimits_file_size(void);

#endif
