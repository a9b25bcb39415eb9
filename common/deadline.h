/* SPDX-License-Identifier: ISC */
/* deadline.h - how long a call may wait, on the monotonic clock */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* The instant `patience_ms` from now. */
int64_t deadline_after(int patience_ms);

/* Milliseconds that are left, 0 once it has passed.  A clock that cannot be read leaves none. */
int deadline_left(int64_t deadline_ms);

/*
 * Sleep between two tries, 1 ms first and up to 16 ms later, so that a crowd
 * does not keep the processor from the one that it waits for.  *tries counts.
 * False once the deadline has passed.
 */
bool deadline_pause(int64_t deadline_ms, unsigned *tries);

#endif
