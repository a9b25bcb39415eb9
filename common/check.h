/* SPDX-License-Identifier: ISC */
/* check.h - the check on a store that this process may open, for tg_check() and tg_serve() */
#ifndef CHECK_H
#define CHECK_H

#include <sys/types.h>

#include "handle.h"

/* Who asks, and whether its word on login and address is taken. */
struct check_peer {
	uid_t uid;
	bool trusted;
};

/*
 * tg_check() without asking anybody else.  patience NULL: a question that
 * would wait for a writer sets *later, is answered TG_UNAVAILABLE and leaves
 * no audit line, since it will be asked again.
 */
enum tg_status check_store(struct tg *tg, const char *password, size_t len,
    const struct tg_request *req, const struct check_peer *peer, const struct tg_patience *patience,
    bool *later, struct tg_grant *out) __attribute__((warn_unused_result));

/* The line of a check; id and owner are "" where they are not known. */
void check_audit(struct tg *tg, enum tg_status verdict, const char *id, const char *owner,
    const struct tg_request *req, const struct check_peer *peer);

/* tg_ask() likewise. */
enum tg_status check_ticket(struct tg *tg, const char *ticket, struct tg_grant *out)
    __attribute__((warn_unused_result));

#endif
