/* SPDX-License-Identifier: ISC */
#include <sys/resource.h>

#include "rlimits.h"

bool
rlimits_file_size(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}
