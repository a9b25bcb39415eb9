/* SPDX-License-Identifier: ISC */
/* handle.h - what is behind struct tg, shared by check.c and manage.c */
#ifndef HANDLE_H
#define HANDLE_H

#include "conf.h"
#include "detail.h"
#include "store.h"

enum { HANDLE_CHECK_MS = 500, HANDLE_MANAGE_MS = 5000, HANDLE_DECOY_MAX = 256 };

struct tg {
	bool named_store;      /* by the caller: opened directly, no daemon is asked */
	enum tg_status opened; /* of tg_open(); what each call answers if it failed */
	struct conf conf;
	struct detail detail;
	int64_t now;     /* by tg_set_now(); 0: the system's clock */
	int64_t at;      /* time of the call that is under way */
	bool unreadable; /* handle_record(): the store is well, but not that record */
	void (*log)(void *arg, const char *line);
	void *log_arg;
	struct store *held;              /* by tg_hold() */
	uint8_t decoy[HANDLE_DECOY_MAX]; /* what stands in for the record of an unknown id */
	size_t decoy_len;
};

/*
 * Does a daemon that listens, if one does, answer from this store at this
 * change or a later one?
 */
enum tg_status handle_confirm(struct tg *tg, const struct store_meta *meta)
    __attribute__((warn_unused_result));

/* Begin a call: what tg_open() said, an empty detail, the time in tg->at. */
enum tg_status handle_start(struct tg *tg) __attribute__((warn_unused_result));

/*
 * The store for one call: the held one, or opened now.  Between enter and
 * leave the thread cannot be cancelled; every enter, whatever it returned,
 * has its leave.
 */
struct handle_use {
	struct store *store;
	int cancel_state;
};

enum tg_status handle_enter(struct tg *tg, bool writing, int patience_ms, struct handle_use *use)
    __attribute__((warn_unused_result));
void handle_leave(struct tg *tg, struct handle_use *use);

/*
 * The record of an id, in a begun transaction.  TG_NO_MATCH: there is none,
 * and *out is the decoy, so that the same work is done either way.
 */
enum tg_status handle_record(struct tg *tg, struct store *store, const char *id, struct record *out)
    __attribute__((warn_unused_result));

enum tg_status handle_owner(struct tg *tg, struct store *store, const char *name,
    struct tg_owner *out) __attribute__((warn_unused_result));

/* Fill in the token's uses and its state at `now`; returns where idle time starts. */
int64_t handle_state(struct store *store, struct record *record, int64_t now);

#endif
