/* SPDX-License-Identifier: ISC */
/* Input: the text of a ticket; tried as it is, and as the bytes under a right MAC. */
#include "fuzz.h"
#include "ticket.h"
#include "token.h"

enum { SEALED_MAX = 180 };

static const uint8_t key[CRYPT_KEY_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

/* `by_key`: the MAC is right, so only the contents can be wrong. */
static void
try(const char *text, bool by_key)
{
	static const struct ticket zero;
	char again[TG_TICKET_MAX + 1];
	struct ticket ticket;

	memset(&ticket, 0xff, sizeof(ticket));
	if (!ticket_parse(text, key, &ticket)) {
		MUST(by_key || memcmp(&ticket, &zero, sizeof(zero)) == 0);
		return;
	}
	MUST(token_id_valid(ticket.id));
	MUST(memchr(ticket.login, '\0', sizeof(ticket.login)) != NULL);
	MUST(memchr(ticket.service, '\0', sizeof(ticket.service)) != NULL);
	/* There is one text of a ticket. */
	ticket_format(&ticket, key, again);
	MUST(strcmp(text, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[SEALED_MAX + CRYPT_MAC_LEN];
	char *text = malloc(size + 1), sealed[512] = "tgt1_";

	MUST(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try(text, false);
	free(text);
	if (size > 0 && size <= SEALED_MAX) {
		memcpy(bytes, data, size);
		crypt_mac(key, bytes, size, bytes + size);
		crypt_encode(bytes, size + CRYPT_MAC_LEN, sealed + 5, sizeof(sealed) - 5);
		try(sealed, true);
	}
	return 0;
}
