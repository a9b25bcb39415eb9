/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define TOKEN "tkg_7Hq2mX9aBc_K3vR0yQn5Lw8sT1zUe6JdGhPoFiCxM4bNaVkSrYtEq2W012345"

/* Where things stand in every question. */
enum { KIND_AT = 4, FLAGS_AT = 5, TEXT_AT = 6 };
/* And in every answer. */
enum { STATUS_AT = 4, STORE_AT = 5, SERIAL_AT = 21, EXPIRES_AT = 29, ID_AT = 37 };

static const struct wire_question no_question;
static const struct wire_answer no_answer;

/* From memory of exactly its size, into memory that is full of something else. */
static bool
read_question(const uint8_t *data, size_t len, struct wire_question *out)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	bool r;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, data, len);
	memset(out, 0xff, sizeof(*out));
	r = wire_question_decode(exact, len, out);
	free(exact);
	if (!r)
		assert_memory_equal(out, &no_question, sizeof(*out));
	return r;
}

static bool
read_answer(const uint8_t *data, size_t len, struct wire_answer *out)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	bool r;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, data, len);
	memset(out, 0xff, sizeof(*out));
	r = wire_answer_decode(exact, len, out);
	free(exact);
	if (!r)
		assert_memory_equal(out, &no_answer, sizeof(*out));
	return r;
}

/* Of the most that fits, with a byte of its own at each end. */
static void
fill(char *text, size_t size, char c)
{
	memset(text, c, size - 1);
	text[0] = '<';
	text[size - 2] = '>';
	text[size - 1] = '\0';
}

static struct wire_question
longest_question(void)
{
	struct wire_question q = { .kind = WIRE_CHECK, .dry_run = true };

	fill(q.token, sizeof(q.token), 't');
	fill(q.service, sizeof(q.service), 's');
	fill(q.action, sizeof(q.action), 'a');
	fill(q.resource, sizeof(q.resource), 'r');
	fill(q.login, sizeof(q.login), 'l');
	fill(q.source, sizeof(q.source), 'n');
	return q;
}

static const struct wire_question *
questions(size_t *n)
{
	static struct wire_question list[] = {
		{ .kind = WIRE_CHECK, .action = "login" },
		{ .kind = WIRE_CHECK,
		    .token = TOKEN,
		    .service = "sftp",
		    .action = "upload",
		    .resource = "demo",
		    .login = "alice",
		    .source = "192.0.2.1" },
		{ .kind = WIRE_CHECK,
		    .dry_run = true,
		    .token = TOKEN,
		    .action = "login",
		    .resource = "*" },
		{ .kind = WIRE_CHECK, .gate = true, .token = TOKEN, .service = "sftp" },
		{ .kind = WIRE_CHECK, .gate = true, .dry_run = true, .action = "upload" },
		{ .kind = WIRE_CHECK, .action = "\xff\x01 \n\"", .login = "\t", .source = "%s" },
		{ .kind = WIRE_ASK },
		{ .kind = WIRE_ASK, .ticket = "tgt1_AAAA" },
		{ .kind = WIRE_ASK },
		{ .kind = WIRE_CHECK },
	};

	fill(list[8].ticket, sizeof(list[8].ticket), 'k');
	list[9] = longest_question();
	*n = ROWS(list);
	return list;
}

static void
a_question_arrives_as_it_was_asked(void **state)
{
	uint8_t message[WIRE_QUESTION_MAX];
	const struct wire_question *list;
	struct wire_question back;
	size_t i, n, len;

	(void)state;
	list = questions(&n);
	for (i = 0; i < n; i++) {
		len = wire_question_encode(&list[i], message);
		ROW(read_question(message, len, &back), "row %zu", i);
		ROW(memcmp(&back, &list[i], sizeof(back)) == 0, "row %zu", i);
	}
}

static void
a_question_is_written_as_the_format_says(void **state)
{
	static const struct wire_question check = { .kind = WIRE_CHECK,
		.dry_run = true,
		.token = "T",
		.service = "sv",
		.action = "act",
		.resource = "r",
		.source = "::1" };
	static const struct wire_question gate = {
		.kind = WIRE_CHECK, .gate = true, .service = "x"
	};
	static const struct wire_question ask = { .kind = WIRE_ASK, .ticket = "tk" };
	static const struct {
		const struct wire_question *question;
		const char *bytes;
		size_t len;
	} rows[] = {
		{ &check, "tgq1\1\1\0\1T\0\2sv\0\3act\0\1r\0\0\0\3::1", 28 },
		{ &gate, "tgq1\1\2\0\0\0\1x\0\0\0\0\0\0\0\0", 19 },
		{ &ask, "tgq1\2\0\0\2tk", 10 },
	};
	uint8_t message[WIRE_QUESTION_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(wire_question_encode(rows[i].question, message) == rows[i].len, "row %zu", i);
		ROW(memcmp(message, rows[i].bytes, rows[i].len) == 0, "row %zu", i);
	}
}

static void
a_question_is_exactly_one_message(void **state)
{
	uint8_t message[WIRE_QUESTION_MAX + 1];
	const struct wire_question *list;
	struct wire_question back;
	size_t i, k, n, len;

	(void)state;
	list = questions(&n);
	for (i = 0; i < n; i++) {
		len = wire_question_encode(&list[i], message);
		for (k = 0; k < len; k++)
			ROW(!read_question(message, k, &back), "row %zu cut to %zu", i, k);
		for (k = 0; k < 256; k += 5) {
			message[len] = (uint8_t)k;
			ROW(!read_question(message, len + 1, &back), "row %zu and %zu", i, k);
		}
	}
}

/* A question with one text in it, of this length, as if written by somebody else. */
static size_t
write_ask(uint8_t *to, const char *text, size_t len)
{
	memcpy(to, "tgq1\2\0", TEXT_AT);
	to[TEXT_AT] = (uint8_t)(len >> 8);
	to[TEXT_AT + 1] = (uint8_t)len;
	memcpy(to + TEXT_AT + 2, text, len);
	return TEXT_AT + 2 + len;
}

static void
texts_that_do_not_fit_are_refused(void **state)
{
	static const size_t sizes[] = { TG_TOKEN_MAX, TG_WORD_MAX, TG_WORD_MAX, WIRE_RESOURCE_MAX,
		WIRE_TEXT_MAX, WIRE_TEXT_MAX };
	static char text[65536 + 16];
	static uint8_t message[65536 + 64];
	struct wire_question back;
	size_t i, k, len;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (len = TG_TICKET_MAX - 1; len <= TG_TICKET_MAX + 300; len++)
		ROW(read_question(message, write_ask(message, text, len), &back) ==
			(len <= TG_TICKET_MAX),
		    "%zu", len);
	ROW(!read_question(message, write_ask(message, text, 65535), &back), "longest");
	for (i = 0; i < ROWS(sizes); i++) {
		memcpy(message, "tgq1\1\0", TEXT_AT);
		for (k = 0, len = TEXT_AT; k < ROWS(sizes); k++) {
			size_t n = k == i ? sizes[k] + 1 : 1;

			message[len++] = (uint8_t)(n >> 8);
			message[len++] = (uint8_t)n;
			memset(message + len, 'x', n);
			len += n;
		}
		ROW(!read_question(message, len, &back), "text %zu", i);
	}
}

static void
texts_with_a_zero_byte_are_refused(void **state)
{
	uint8_t message[WIRE_QUESTION_MAX];
	struct wire_question q = longest_question(), back;
	size_t len, i;

	(void)state;
	len = wire_question_encode(&q, message);
	for (i = TEXT_AT; i < len; i++)
		if (message[i] >= 'a' && message[i] <= 'z') {
			message[i] = '\0';
			ROW(!read_question(message, len, &back), "at %zu", i);
			message[i] = 'x';
		}
	assert_true(read_question(message, len, &back));
}

static void
other_versions_kinds_and_flags_are_refused(void **state)
{
	static const struct wire_question plain = {
		.kind = WIRE_CHECK, .action = "a", .resource = "r"
	};
	static const struct wire_question gate = {
		.kind = WIRE_CHECK, .gate = true, .action = "a"
	};
	static const struct wire_question ask = { .kind = WIRE_ASK };
	static const struct wire_question *const list[] = { &plain, &gate, &ask };
	uint8_t message[WIRE_QUESTION_MAX];
	struct wire_question back;
	size_t i, at, len;
	unsigned to;
	bool fits;

	(void)state;
	for (i = 0; i < ROWS(list); i++)
		for (at = 0; at < TEXT_AT; at++)
			for (to = 0; to < 256; to++) {
				len = wire_question_encode(list[i], message);
				fits = message[at] == to ||
				    (at == FLAGS_AT && list[i] == &plain && to == 1) ||
				    /* whether it defers the resource, it may name the action */
				    (at == FLAGS_AT && list[i] == &gate && to < 4);
				message[at] = (uint8_t)to;
				ROW(read_question(message, len, &back) == fits,
				    "row %zu, byte %zu: %u", i, at, to);
			}
}

static void
what_is_deferred_is_not_named_and_what_is_not_is(void **state)
{
	static const struct {
		struct wire_question question;
		bool fits;
	} rows[] = {
		{ { .kind = WIRE_CHECK, .action = "a", .resource = "r" }, true },
		{ { .kind = WIRE_CHECK, .action = "a" }, true }, /* the name "", which is none */
		{ { .kind = WIRE_CHECK, .resource = "r" }, false },
		{ { .kind = WIRE_CHECK }, false },
		{ { .kind = WIRE_CHECK, .gate = true }, true },
		{ { .kind = WIRE_CHECK, .gate = true, .action = "a" }, true },
		{ { .kind = WIRE_CHECK, .gate = true, .action = "a", .resource = "r" }, false },
		{ { .kind = WIRE_CHECK, .gate = true, .resource = "r" }, false },
	};
	uint8_t message[WIRE_QUESTION_MAX];
	struct wire_question back;
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		len = wire_question_encode(&rows[i].question, message);
		ROW(read_question(message, len, &back) == rows[i].fits, "row %zu", i);
	}
}

/* ---- answers ---- */

static struct wire_answer
longest_answer(void)
{
	struct wire_answer a = { .status = TG_OK, .serial = UINT64_MAX };
	struct tg_grant *g = &a.grant;
	size_t i;

	memset(a.store_id, 0xfe, sizeof(a.store_id));
	g->expires_at = INT64_MIN;
	fill(g->id, sizeof(g->id), 'i');
	fill(g->owner, sizeof(g->owner), 'o');
	fill(g->identity, sizeof(g->identity), 'u');
	fill(g->ticket, sizeof(g->ticket), 'k');
	fill(g->text, sizeof(g->text), 't');
	g->nscopes = TG_SCOPES_MAX;
	for (i = 0; i < TG_SCOPES_MAX; i++)
		fill(g->scopes[i], sizeof(g->scopes[i]), (char)('a' + i % 26));
	return a;
}

static const struct wire_answer *
answers(size_t *n)
{
	static struct wire_answer list[] = {
		{ .status = TG_UNAVAILABLE },
		{ .status = TG_NO_MATCH, .store_id = { 1, [15] = 2 }, .serial = 77 },
		{ .status = TG_REVOKED,
		    .serial = 1,
		    .grant = { .id = "7Hq2mX9aBc",
			.owner = "alice",
			.expires_at = 1800000000,
			.text = "token tkg_7Hq2mX9aBc was revoked" } },
		{ .status = TG_OK,
		    .serial = (uint64_t)1 << 40,
		    .grant = { .id = "7Hq2mX9aBc",
			.owner = "alice",
			.identity = "alice",
			.nscopes = 2,
			.scopes = { "sftp:upload:demo", "*" },
			.expires_at = -1,
			.ticket = "tgt1_x" } },
		{ .status = TG_OK },
	};

	list[4] = longest_answer();
	*n = ROWS(list);
	return list;
}

static void
an_answer_arrives_as_it_was_given(void **state)
{
	uint8_t message[WIRE_ANSWER_MAX];
	const struct wire_answer *list;
	struct wire_answer back;
	size_t i, n, len;

	(void)state;
	list = answers(&n);
	for (i = 0; i < n; i++) {
		len = wire_answer_encode(&list[i], message);
		ROW(read_answer(message, len, &back), "row %zu", i);
		ROW(memcmp(&back, &list[i], sizeof(back)) == 0, "row %zu", i);
	}
}

static void
every_status_and_no_other_number_arrives(void **state)
{
	struct wire_answer answer = { .status = TG_OK }, back;
	uint8_t message[WIRE_ANSWER_MAX];
	size_t len;
	int number;

	(void)state;
	for (number = -128; number < 128; number++) {
		answer.status = TG_NO_MATCH;
		len = wire_answer_encode(&answer, message);
		message[STATUS_AT] = (uint8_t)number;
		if (strcmp(tg_status_name(number), "unknown") == 0) {
			ROW(!read_answer(message, len, &back), "%d", number);
			continue;
		}
		ROW(read_answer(message, len, &back), "%d", number);
		ROW((int)back.status == number, "%d", number);
		answer.status = number;
		ROW(wire_answer_encode(&answer, message) == len, "%d", number);
		ROW(message[STATUS_AT] == (uint8_t)number, "%d", number);
	}
}

static void
an_answer_is_written_as_the_format_says(void **state)
{
	static const struct wire_answer answer = { .status = TG_UNAVAILABLE,
		.store_id = "0123456789abcde",
		.serial = 0x0102030405060708,
		.grant = { .id = "i",
		    .owner = "ow",
		    .identity = "idy",
		    .ticket = "t",
		    .text = "x",
		    .expires_at = 9,
		    .nscopes = 2,
		    .scopes = { "s", "" } } };
	static const char bytes[] = "tga1\xff"
				    "0123456789abcde\0\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\11"
				    "\0\1i\0\2ow\0\3idy\0\1t\0\1x\2\0\1s\0";
	uint8_t message[WIRE_ANSWER_MAX];

	(void)state;
	assert_int_equal(wire_answer_encode(&answer, message), sizeof(bytes));
	assert_memory_equal(message, bytes, sizeof(bytes));
}

static void
an_answer_is_exactly_one_message(void **state)
{
	uint8_t message[WIRE_ANSWER_MAX + 1];
	const struct wire_answer *list;
	struct wire_answer back;
	size_t i, k, n, len;

	(void)state;
	list = answers(&n);
	for (i = 0; i < n; i++) {
		len = wire_answer_encode(&list[i], message);
		for (k = 0; k < len; k++)
			ROW(!read_answer(message, k, &back), "row %zu cut to %zu", i, k);
		for (k = 0; k < 256; k += 5) {
			message[len] = (uint8_t)k;
			ROW(!read_answer(message, len + 1, &back), "row %zu and %zu", i, k);
		}
		for (k = 0; k < STATUS_AT; k++) {
			message[k] ^= 0x20;
			ROW(!read_answer(message, len, &back), "row %zu, byte %zu", i, k);
			message[k] ^= 0x20;
		}
	}
}

static void
more_scopes_than_there_can_be_are_refused(void **state)
{
	struct wire_answer answer = { .status = TG_OK, .grant.nscopes = TG_SCOPES_MAX }, back;
	uint8_t message[WIRE_ANSWER_MAX];
	size_t len = wire_answer_encode(&answer, message), count = len - 2 * TG_SCOPES_MAX - 1, n;

	(void)state;
	assert_int_equal(message[count], TG_SCOPES_MAX);
	assert_true(read_answer(message, len, &back));
	memset(message + len, 0, 2 * 256);
	for (n = TG_SCOPES_MAX + 1; n < 256; n++) {
		message[count] = (uint8_t)n;
		ROW(!read_answer(message, count + 1 + 2 * n, &back), "%zu", n);
	}
}

static void
answers_with_texts_that_do_not_fit_are_refused(void **state)
{
	static const size_t sizes[] = { TG_ID_LEN, TG_OWNER_MAX, TG_OWNER_MAX, TG_TICKET_MAX,
		TG_TEXT_MAX, TG_SCOPE_MAX };
	uint8_t message[WIRE_ANSWER_MAX];
	struct wire_answer back, answer = { .status = TG_OK };
	size_t i, k, len, longer, n;

	(void)state;
	wire_answer_encode(&answer, message);
	for (longer = 0; longer < 2; longer++)
		for (i = 0; i < ROWS(sizes); i++) {
			for (k = 0, len = ID_AT; k < ROWS(sizes); k++) {
				if (k == ROWS(sizes) - 1)
					message[len++] = 1; /* the number of scopes */
				n = k == i ? sizes[k] + longer : 0;
				message[len++] = (uint8_t)(n >> 8);
				message[len++] = (uint8_t)n;
				memset(message + len, 'x', n);
				len += n;
			}
			ROW(read_answer(message, len, &back) == (longer == 0), "text %zu", i);
			message[len - 1] = '\0';
			ROW(i != ROWS(sizes) - 1 || !read_answer(message, len, &back),
			    "a zero byte");
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a question arrives as it was asked", a_question_arrives_as_it_was_asked),
		TEST("a question is written as the format says",
		    a_question_is_written_as_the_format_says),
		TEST("a question is exactly one message", a_question_is_exactly_one_message),
		TEST("texts that do not fit are refused", texts_that_do_not_fit_are_refused),
		TEST("texts with a zero byte are refused", texts_with_a_zero_byte_are_refused),
		TEST("other versions, kinds and flags are refused",
		    other_versions_kinds_and_flags_are_refused),
		TEST("what is deferred is not named and what is not is",
		    what_is_deferred_is_not_named_and_what_is_not_is),
		TEST("an answer arrives as it was given", an_answer_arrives_as_it_was_given),
		TEST("every status and no other number arrives",
		    every_status_and_no_other_number_arrives),
		TEST("an answer is written as the format says",
		    an_answer_is_written_as_the_format_says),
		TEST("an answer is exactly one message", an_answer_is_exactly_one_message),
		TEST("more scopes than there can be are refused",
		    more_scopes_than_there_can_be_are_refused),
		TEST("answers with texts that do not fit are refused",
		    answers_with_texts_that_do_not_fit_are_refused),
	};

	return RUN(tests);
}
