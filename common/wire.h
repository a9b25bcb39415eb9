/* SPDX-License-Identifier: ISC */
/* wire.h - the messages between a check and tokgated: FORMAT.md section 10.  Pure. */
#ifndef WIRE_H
#define WIRE_H

#include "store.h"
#include "tokgate.h"

enum {
	/* Longer than any that can match, and than what the audit line shows. */
	WIRE_TEXT_MAX = 255, /* of logins and addresses */
	WIRE_RESOURCE_MAX = 3 * TG_RESOURCE_MAX + 1,
	WIRE_QUESTION_MAX = 1280,
	WIRE_ANSWER_MAX = TG_MESSAGE_MAX,
};

enum wire_kind { WIRE_CHECK = 1, WIRE_ASK = 2 };

/* One question. */
struct wire_question {
	enum wire_kind kind;
	bool dry_run, gate;
	char token[TG_TOKEN_MAX + 1];
	char service[TG_WORD_MAX + 1];
	char action[TG_WORD_MAX + 1];         /* "": any, only with gate */
	char resource[WIRE_RESOURCE_MAX + 1]; /* "" with gate */
	char login[WIRE_TEXT_MAX + 1];
	char source[WIRE_TEXT_MAX + 1];
	char ticket[TG_TICKET_MAX + 1]; /* of WIRE_ASK alone */
};

struct wire_answer {
	uint32_t uid; /* of the process that sent it, as the kernel says; not in the message */
	enum tg_status status;
	uint8_t store_id[STORE_ID_LEN];
	uint64_t serial; /* of the last change that the answer knows */
	struct tg_grant grant;
};

/* Bytes written. */
size_t wire_question_encode(const struct wire_question *question,
    uint8_t out[static WIRE_QUESTION_MAX]);
size_t wire_answer_encode(const struct wire_answer *answer, uint8_t out[static WIRE_ANSWER_MAX]);

/* False for anything but exactly one message of this version; *out is zeros then. */
bool wire_question_decode(const uint8_t *data, size_t len, struct wire_question *out);
bool wire_answer_decode(const uint8_t *data, size_t len, struct wire_answer *out);

#endif
