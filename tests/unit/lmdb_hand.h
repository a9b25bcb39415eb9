/* SPDX-License-Identifier: ISC */
/*
 * lmdb_hand.h - the hand of an intruder or of a newer program in place_store()
 *
 * Works on LMDB directly, opens and closes it within the call.  Never while
 * this process holds the store open.
 */
#ifndef LMDB_HAND_H
#define LMDB_HAND_H

#include "place.h"

/* A copy to be freed, or NULL if there is none. */
uint8_t *hand_get(const char *db, const void *key, size_t key_len, size_t *len);
void hand_put(const char *db, const void *key, size_t key_len, const void *value, size_t len);
void hand_delete(const char *db, const void *key, size_t key_len);

/* A new data.mdb with the store's databases, empty, or without. */
void hand_make(bool databases);

/* Write data.mdb anew with what is in it and no page of an older state; its metas are those of a first commit. */
void hand_compact(void);

/* Reader slots that are taken. */
unsigned hand_readers(void);

/*
 * For children.  Begin `n` transactions, or as many as there is room for (0),
 * count *flag up by one and never come back: wait for the kill.
 */
void hand_sit_reading(unsigned n, volatile int *flag) __attribute__((noreturn));

#endif
