/* SPDX-License-Identifier: ISC */
/*
 * remote.h - asking tokgated
 *
 * One question and one answer over a SOCK_SEQPACKET socket, within a deadline
 * over connecting, sending and receiving.  Believed is only a peer that runs as
 * root or the service user, at a path that nobody else can have put there.
 */
#ifndef REMOTE_H
#define REMOTE_H

#include <sys/types.h>

#include "detail.h"
#include "wire.h"

enum { REMOTE_MS = 500 };

enum remote_result {
	REMOTE_ANSWERED,
	REMOTE_ABSENT, /* nobody listens there */
	REMOTE_SILENT, /* no answer in time, or none that can be believed; the detail says why */
};

enum remote_result remote_ask(const char *path, uid_t service_uid,
    const struct wire_question *question, struct wire_answer *answer, struct detail *detail)
    __attribute__((warn_unused_result));

#endif
