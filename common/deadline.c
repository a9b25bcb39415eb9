/* SPDX-License-Identifier: ISC */
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

static bool
clock_ms(int64_t *ms)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return false;
	*ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	return true;
}

int64_t
deadline_after(int patience_ms)
{
	int64_t now;

	return clock_ms(&now) ? now + patience_ms : 0;
}

int
deadline_left(int64_t deadline_ms)
{
	int64_t now;

	if (!clock_ms(&now) || now >= deadline_ms)
		return 0;
	return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

bool
deadline_pause(int64_t deadline_ms, unsigned *tries)
{
	unsigned ms = 1U << (*tries / 4 < 4 ? *tries / 4 : 4);
	/* those that began together do not come back together */
	const struct timespec pause = { .tv_nsec = (long)ms * 1000000 - getpid() % 512 * 1000 };

	if (deadline_left(deadline_ms) == 0)
		return false;
	++*tries;
	nanosleep(&pause, NULL);
	return true;
}
