/* SPDX-License-Identifier: ISC */
/* ticket.h - proof of a granted login, to ask again without the token: FORMAT.md section 8.  Pure. */
#ifndef TICKET_H
#define TICKET_H

#include "cidr.h"
#include "crypt.h"
#include "tokgate.h"

struct ticket {
	char id[TG_ID_LEN + 1];
	int64_t at;
	struct cidr_addr source;
	bool source_known;
	char login[TG_OWNER_MAX + 1];
	char service[TG_WORD_MAX + 1];
};

void ticket_format(const struct ticket *ticket, const uint8_t key[static CRYPT_KEY_LEN],
    char out[static TG_TICKET_MAX + 1]);

/* False unless this key made it. */
bool ticket_parse(const char *text, const uint8_t key[static CRYPT_KEY_LEN], struct ticket *out);

#endif
