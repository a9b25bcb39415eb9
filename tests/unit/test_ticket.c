/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "ticket.h"

#define ID "7Hq2mX9aBc"

/* Where things stand in the bytes, with the longest login and service. */
enum { AT = 10, SOURCE = 18, LOGIN = 34, BYTES_MAX = 34 + 1 + 64 + 1 + 32 + 16 };

static const struct cidr_addr v4 = { { [10] = 0xff, 0xff, 192, 0, 2, 7 } };
static const struct cidr_addr v6 = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

/* The key 0, 1, 2, ... */
static const uint8_t *
key(void)
{
	static uint8_t bytes[CRYPT_KEY_LEN];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	return bytes;
}

static struct ticket
make_ticket(const char *login, const char *service, const struct cidr_addr *source)
{
	struct ticket ticket = { .id = ID, .at = 1767225600 };

	strcpy(ticket.login, login);
	strcpy(ticket.service, service);
	ticket.source_known = source != NULL;
	if (source != NULL)
		ticket.source = *source;
	return ticket;
}

/* From memory of exactly its size, into memory that is full of something else. */
static bool
parse(const char *text, struct ticket *out)
{
	char *copy = strdup(text);
	bool r;

	assert_non_null(copy);
	memset(out, 0xff, sizeof(*out));
	r = ticket_parse(copy, key(), out);
	free(copy);
	return r;
}

static bool
same(const struct ticket *a, const struct ticket *b)
{
	return strcmp(a->id, b->id) == 0 && a->at == b->at && a->source_known == b->source_known &&
	    memcmp(&a->source, &b->source, sizeof(a->source)) == 0 &&
	    strcmp(a->login, b->login) == 0 && strcmp(a->service, b->service) == 0;
}

/* The bytes of a ticket with its MAC. */
static size_t
bytes_of(const struct ticket *ticket, uint8_t out[static BYTES_MAX])
{
	char text[TG_TICKET_MAX + 1];
	size_t len;

	ticket_format(ticket, key(), text);
	assert_true(crypt_decode(text + 5, out, BYTES_MAX, &len));
	return len;
}

static void
write_text(const uint8_t *bytes, size_t len, char *out)
{
	strcpy(out, "tgt1_");
	crypt_encode(bytes, len, out + 5, TG_TICKET_MAX + 1 - 5);
}

/* A MAC over these bytes by who has the key. */
static void
seal(uint8_t *bytes, size_t len, char *out)
{
	crypt_mac(key(), bytes, len, bytes + len);
	write_text(bytes, len + CRYPT_MAC_LEN, out);
}

/* Made by another program from FORMAT.md. */
static void
a_ticket_has_the_text_that_others_compute(void **state)
{
	static const struct {
		const char *login;
		const struct cidr_addr *source;
		const char *text;
	} rows[] = {
		{ "alice", &v4,
		    "tgt1_N0hxMm1YOWFCYwAAAABpVbkAAAAAAAAAAAAAAP__wAACBwVhbGljZQRzZnRwM3ZRylMExjOs7CCU"
		    "Ao1vtQ" },
		{ "", NULL,
		    "tgt1_N0hxMm1YOWFCYwAAAABpVbkAAAAAAAAAAAAAAAAAAAAAAAAEc2Z0cI9PvpEZE_t4SQU8SYoCztg" },
	};
	char text[TG_TICKET_MAX + 1];
	struct ticket ticket, back;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ticket = make_ticket(rows[i].login, "sftp", rows[i].source);
		memset(text, 'x', sizeof(text));
		ticket_format(&ticket, key(), text);
		ROW(strcmp(text, rows[i].text) == 0, "'%s' instead of '%s'", text, rows[i].text);
		ROW(parse(text, &back), "'%s'", text);
		ROW(same(&ticket, &back), "'%s'", text);
	}
}

static void
a_ticket_gives_back_what_went_in(void **state)
{
	static const struct cidr_addr ones = { { [0] = 0x80, [15] = 1 } };
	static const struct cidr_addr *const sources[] = { NULL, &v4, &v6, &ones };
	static const int64_t times[] = { 0, 1, 1767225600, INT64_MAX };
	static const size_t logins[] = { 0, 1, 5, TG_OWNER_MAX },
			    services[] = { 1, 4, TG_WORD_MAX };
	struct ticket ticket, back;
	char text[TG_TICKET_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < 4 * 4 * 4 * 3; i++) {
		ticket = make_ticket("", "", sources[i % 4]);
		ticket.at = times[i / 4 % 4];
		memset(ticket.login, 'l', logins[i / 16 % 4]);
		memset(ticket.service, 's', services[i / 64]);
		ticket_format(&ticket, key(), text);
		ROW(strlen(text) <= TG_TICKET_MAX, "row %zu", i);
		ROW(strspn(text,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
			strlen(text),
		    "row %zu", i);
		ROW(parse(text, &back), "row %zu", i);
		ROW(same(&ticket, &back), "row %zu", i);
	}
}

/* The address :: is written as an unknown one: nobody comes from it. */
static void
a_source_that_is_unknown_is_written_as_zeros(void **state)
{
	static const struct cidr_addr zero;
	struct ticket ticket = make_ticket("alice", "sftp", NULL), back;
	char text[TG_TICKET_MAX + 1], other[TG_TICKET_MAX + 1];

	(void)state;
	ticket.source = v6;
	ticket_format(&ticket, key(), text);
	assert_true(parse(text, &back));
	assert_false(back.source_known);
	assert_memory_equal(&zero, &back.source, sizeof(zero));
	ticket = make_ticket("alice", "sftp", &zero);
	ticket_format(&ticket, key(), other);
	assert_string_equal(text, other);
}

static void
every_bit_flipped_makes_it_nobodys(void **state)
{
	struct ticket ticket = make_ticket("alice", "sftp", &v4), back;
	static const struct ticket zero;
	uint8_t bytes[BYTES_MAX];
	char text[TG_TICKET_MAX + 1];
	size_t len = bytes_of(&ticket, bytes), bit;

	(void)state;
	assert_int_equal(10 + 8 + 16 + 1 + 5 + 1 + 4 + 16, len);
	for (bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_text(bytes, len, text);
		ROW(!parse(text, &back), "bit %zu", bit);
		ROW(memcmp(&back, &zero, sizeof(zero)) == 0, "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	write_text(bytes, len, text);
	assert_true(parse(text, &back));
}

static void
another_key_makes_it_nobodys(void **state)
{
	struct ticket ticket = make_ticket("alice", "sftp", &v4), back;
	uint8_t other[CRYPT_KEY_LEN];
	char text[TG_TICKET_MAX + 1];
	size_t bit;

	(void)state;
	ticket_format(&ticket, key(), text);
	memcpy(other, key(), sizeof(other));
	for (bit = 0; bit < 8 * sizeof(other); bit++) {
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ROW(!ticket_parse(text, other, &back), "bit %zu", bit);
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(ticket_parse(text, other, &back));
}

static void
a_ticket_has_one_spelling(void **state)
{
	struct ticket ticket = make_ticket("alice", "sftp", &v4), back;
	char text[TG_TICKET_MAX + 1], other[TG_TICKET_MAX + 2];
	size_t i, len;
	int c;

	(void)state;
	ticket_format(&ticket, key(), text);
	len = strlen(text);
	for (i = 0; i < len; i++)
		for (c = 0; c < 256; c++) {
			memcpy(other, text, len + 1);
			other[i] = (char)c;
			ROW(parse(other, &back) == (other[i] == text[i]),
			    "character %zu made 0x%02x", i, (unsigned int)c);
		}
	for (c = 1; c < 256; c++) {
		memcpy(other, text, len);
		other[len] = (char)c;
		other[len + 1] = '\0';
		ROW(!parse(other, &back), "0x%02x behind", (unsigned int)c);
		memmove(other + 1, text, len + 1);
		other[0] = (char)c;
		ROW(!parse(other, &back), "0x%02x before", (unsigned int)c);
	}
	for (i = 0; i < len; i++) {
		memcpy(other, text, i);
		other[i] = '\0';
		ROW(!parse(other, &back), "cut at %zu", i);
	}
}

static void
what_is_too_long_for_a_ticket_is_refused(void **state)
{
	char text[600];
	struct ticket back;
	size_t len;

	(void)state;
	for (len = 5; len < sizeof(text) - 1; len++) {
		memset(text, 'A', len);
		memcpy(text, "tgt1_", 5);
		text[len] = '\0';
		ROW(!parse(text, &back), "%zu characters", len);
	}
}

/* Who has the key and writes something else: an older or newer program, or a bug. */
static void
a_right_mac_does_not_excuse_wrong_contents(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		uint8_t value;
		int longer;
		bool good;
	} rows[] = {
		{ "as it was", 0, '7', 0, true },
		{ "another id", 0, 'z', 0, true },
		{ "no base62 in the id", 0, '-', 0, false },
		{ "a zero byte in the id", 9, 0, 0, false },
		{ "a byte behind", 0, '7', 1, false },
		{ "a byte too few", 0, '7', -1, false },
		{ "a shorter login", LOGIN, 4, 0, false },
		{ "a longer login", LOGIN, 6, 0, false },
		{ "a login over the end", LOGIN, 64, 0, false },
		{ "a login longer than any", LOGIN, 65, 0, false },
		{ "the longest length of a login", LOGIN, 255, 0, false },
		{ "a zero byte in the login", LOGIN + 2, 0, 0, false },
		{ "a zero byte at the login's end", LOGIN + 5, 0, 0, false },
		{ "a shorter service", LOGIN + 6, 3, 0, false },
		{ "a longer service", LOGIN + 6, 5, 0, false },
		{ "a service longer than any", LOGIN + 6, 33, 0, false },
		{ "the longest length of a service", LOGIN + 6, 255, 0, false },
		{ "a zero byte in the service", LOGIN + 7, 0, 0, false },
		{ "a zero byte at the service's end", LOGIN + 10, 0, 0, false },
	};
	struct ticket ticket = make_ticket("alice", "sftp", &v4), back;
	char text[TG_TICKET_MAX + 1];
	uint8_t bytes[BYTES_MAX];
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(bytes, 0, sizeof(bytes));
		len = bytes_of(&ticket, bytes) - CRYPT_MAC_LEN;
		bytes[rows[i].offset] = rows[i].value;
		seal(bytes, len + (size_t)rows[i].longer, text);
		ROW(parse(text, &back) == rows[i].good, "%s", rows[i].name);
	}
}

/* A login, or a service, of each length: 'x' in both. */
static void
a_name_longer_than_any_is_refused_whole(void **state)
{
	uint8_t bytes[BYTES_MAX + 2];
	struct ticket ticket = make_ticket("", "", &v4), back;
	char text[TG_TICKET_MAX + 1];
	size_t len;

	(void)state;
	for (len = 0; len <= TG_OWNER_MAX + 30; len++) {
		memset(bytes, 'x', sizeof(bytes));
		bytes_of(&ticket, bytes);
		memset(bytes + LOGIN, 'x', sizeof(bytes) - LOGIN);
		bytes[LOGIN] = (uint8_t)len;
		bytes[LOGIN + 1 + len] = 4;
		seal(bytes, LOGIN + 1 + len + 1 + 4, text);
		ROW(parse(text, &back) == (len <= TG_OWNER_MAX), "login of %zu", len);
	}
	for (len = 0; len <= TG_WORD_MAX + 60; len++) {
		memset(bytes + LOGIN, 'x', sizeof(bytes) - LOGIN);
		bytes[LOGIN] = 4;
		bytes[LOGIN + 5] = (uint8_t)len;
		seal(bytes, LOGIN + 5 + 1 + len, text);
		ROW(parse(text, &back) == (len <= TG_WORD_MAX), "service of %zu", len);
	}
}

static void
a_right_mac_over_too_little_is_refused(void **state)
{
	struct ticket ticket = make_ticket("alice", "sftp", &v4), back;
	char text[TG_TICKET_MAX + 1];
	uint8_t bytes[BYTES_MAX];
	size_t len, cut;

	(void)state;
	len = bytes_of(&ticket, bytes) - CRYPT_MAC_LEN;
	for (cut = 0; cut < len; cut++) {
		bytes_of(&ticket, bytes);
		seal(bytes, cut, text);
		ROW(!parse(text, &back), "%zu bytes", cut);
	}
	for (cut = 0; cut < CRYPT_MAC_LEN; cut++) {
		write_text(bytes, cut, text);
		ROW(!parse(text, &back), "%zu bytes of a MAC", cut);
	}
}

static void
the_places_are_those_of_the_format(void **state)
{
	struct ticket ticket = make_ticket("alice", "sftp", &v6);
	uint8_t bytes[BYTES_MAX];
	size_t len = bytes_of(&ticket, bytes);

	(void)state;
	assert_memory_equal(ID, bytes, 10);
	assert_memory_equal("\0\0\0\0\x69\x55\xb9\0", bytes + AT, 8);
	assert_memory_equal(&v6, bytes + SOURCE, 16);
	assert_memory_equal("\5alice\4sftp", bytes + LOGIN, 11);
	assert_int_equal(LOGIN + 11 + CRYPT_MAC_LEN, len);
	assert_int_equal(255, TG_TICKET_MAX);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a ticket has the text that another program computes",
		    a_ticket_has_the_text_that_others_compute),
		TEST("a ticket's bytes stand where FORMAT.md says",
		    the_places_are_those_of_the_format),
		TEST("a ticket gives back what went in, at every length",
		    a_ticket_gives_back_what_went_in),
		TEST("an unknown source is written as zeros",
		    a_source_that_is_unknown_is_written_as_zeros),
		TEST("every single bit flipped makes a ticket nobody's, and leaves zeros",
		    every_bit_flipped_makes_it_nobodys),
		TEST("a key that differs in one bit makes a ticket nobody's",
		    another_key_makes_it_nobodys),
		TEST("a ticket has one spelling", a_ticket_has_one_spelling),
		TEST("what is too long for a ticket is refused",
		    what_is_too_long_for_a_ticket_is_refused),
		TEST("a right MAC does not excuse wrong contents",
		    a_right_mac_does_not_excuse_wrong_contents),
		TEST("a login or service longer than any is refused under a right MAC",
		    a_name_longer_than_any_is_refused_whole),
		TEST("a right MAC over too little is refused",
		    a_right_mac_over_too_little_is_refused),
	};

	return RUN(tests);
}
