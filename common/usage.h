/* SPDX-License-Identifier: ISC */
/*
 * usage.h - last used and last refused, beside the store: FORMAT.md section 7
 *
 * Fixed slots, one pwrite(2) each: a login never waits for a disk or a writer.
 * Best effort: what cannot be read is unknown, what cannot be written is lost,
 * and no verdict depends on it but that of an idle limit.
 */
#ifndef USAGE_H
#define USAGE_H

#include "tokgate.h"

enum usage_kind { USAGE_USED, USAGE_REFUSED };

enum { USAGE_SLOT_SIZE = 160 };

/* The opened sidecar; slots 0, fd -1: there is none, all is unknown. */
struct usage {
	int fd;
	uint32_t slots; /* as far as is known: another process may add some */
};

/* Ask the file how many slots there are. */
void usage_count(struct usage *usage);

/* Both halves of a slot; unknown ones are zero. */
void usage_read(struct usage *usage, uint32_t slot, const char *id, struct tg_use *used,
    struct tg_use *refused);

/* Write one half.  The caller counts: use->count is written as it is. */
void usage_write(struct usage *usage, uint32_t slot, const char *id, enum usage_kind kind,
    const struct tg_use *use);

/* Allocate room for `slots` slots; false if the disk has none. */
bool usage_reserve(struct usage *usage, uint32_t slots);

#endif
