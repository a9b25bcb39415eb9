/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bytes.h"
#include "ticket.h"
#include "token.h"

static const char version[] = "tgt1_";

enum {
	VERSION_LEN = sizeof(version) - 1,
	BYTES_MAX = TG_ID_LEN + 8 + 16 + 1 + TG_OWNER_MAX + 1 + TG_WORD_MAX + CRYPT_MAC_LEN,
};

_Static_assert(VERSION_LEN + (BYTES_MAX * 4 + 2) / 3 <= TG_TICKET_MAX, "a ticket fits its text");

static void
put_text(struct writer *w, const char *text)
{
	writer_int(w, strlen(text), 1);
	writer_put(w, text, strlen(text));
}

static bool
get_text(struct reader *r, char *out, size_t max)
{
	size_t len = (size_t)reader_int(r, 1);

	if (len > max)
		return false;
	reader_copy(r, out, len);
	out[len] = '\0';
	return !r->bad && strlen(out) == len;
}

void
ticket_format(const struct ticket *ticket, const uint8_t key[static CRYPT_KEY_LEN],
    char out[static TG_TICKET_MAX + 1])
{
	uint8_t bytes[BYTES_MAX], mac[CRYPT_MAC_LEN];
	struct writer w = { .data = bytes, .size = sizeof(bytes) };
	static const struct cidr_addr unknown;

	writer_put(&w, ticket->id, TG_ID_LEN);
	writer_int(&w, (uint64_t)ticket->at, 8);
	writer_put(&w, ticket->source_known ? ticket->source.b : unknown.b, sizeof(unknown.b));
	put_text(&w, ticket->login);
	put_text(&w, ticket->service);
	crypt_mac(key, bytes, w.len, mac);
	writer_put(&w, mac, sizeof(mac));
	memcpy(out, version, VERSION_LEN);
	crypt_encode(bytes, w.len, out + VERSION_LEN, TG_TICKET_MAX + 1 - VERSION_LEN);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(mac, sizeof(mac));
}

bool
ticket_parse(const char *text, const uint8_t key[static CRYPT_KEY_LEN], struct ticket *out)
{
	static const struct cidr_addr unknown;
	uint8_t bytes[BYTES_MAX], mac[CRYPT_MAC_LEN];
	struct reader r = { .data = bytes };

	memset(out, 0, sizeof(*out));
	if (strncmp(text, version, VERSION_LEN) != 0 || strlen(text) > TG_TICKET_MAX ||
	    !crypt_decode(text + VERSION_LEN, bytes, sizeof(bytes), &r.len) ||
	    r.len < CRYPT_MAC_LEN)
		return false;
	r.len -= CRYPT_MAC_LEN;
	crypt_mac(key, bytes, r.len, mac);
	if (!crypt_equal(mac, bytes + r.len, sizeof(mac)))
		return false;
	reader_copy(&r, out->id, TG_ID_LEN);
	out->at = (int64_t)reader_int(&r, 8);
	reader_copy(&r, out->source.b, sizeof(out->source.b));
	out->source_known = memcmp(out->source.b, unknown.b, sizeof(unknown.b)) != 0;
	return get_text(&r, out->login, TG_OWNER_MAX) && get_text(&r, out->service, TG_WORD_MAX) &&
	    r.len == 0 && token_id_valid(out->id);
}
