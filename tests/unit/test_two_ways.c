/* SPDX-License-Identifier: ISC */
/*
 * The store asked directly and the way through tokgated give the same answers
 * to 10^5 random questions.  remote_ask() is replaced here, so that there is no
 * socket and the clock can be moved; test_daemon.c asks some thousands through
 * the real one.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "remote.h"
#include "twins.h"

enum { QUESTIONS = PLACE_SANITIZED ? 30000 : 100000 };

static struct tg *server, *client;
static uint32_t peer;
static unsigned asked;

enum remote_result __wrap_remote_ask(const char *path, uid_t service_uid,
    const struct wire_question *question, struct wire_answer *answer, struct detail *detail);

/* tokgated's side of the conversation, its second process included. */
enum remote_result
__wrap_remote_ask(const char *path, uid_t service_uid, const struct wire_question *question,
    struct wire_answer *answer, struct detail *detail)
{
	static const struct tg_patience patience = { .most_ms = 500 };
	uint8_t message[WIRE_QUESTION_MAX], reply[TG_MESSAGE_MAX];
	size_t len = wire_question_encode(question, message), reply_len;

	(void)path;
	(void)service_uid;
	(void)detail;
	asked++;
	switch (tg_serve(server, peer, message, len, NULL, reply, &reply_len)) {
	case TG_SERVE_ANSWER:
		break;
	case TG_SERVE_LATER:
		assert_int_equal(tg_serve(server, peer, message, len, &patience, reply, &reply_len),
		    TG_SERVE_ANSWER);
		break;
	case TG_SERVE_LAST:
	case TG_SERVE_DROP:
		fail_msg("a question of our own was not understood");
	}
	assert_true(wire_answer_decode(reply, reply_len, answer));
	return REMOTE_ANSWERED;
}

static void
check_through(const char *text, size_t len, const struct tg_request *req, struct said *out)
{
	unsigned before = place_lines();

	out->verdict = tg_check(client, text, len, req, &out->grant);
	snprintf(out->detail, sizeof(out->detail), "%s", tg_detail(client));
	snprintf(out->line, sizeof(out->line), "%s", place_line());
	out->lines = place_lines() - before;
}

static enum tg_status
ask_through(const char *ticket, struct tg_grant *out)
{
	return tg_ask(client, ticket, out);
}

static void
both_ways_say_the_same(void **state)
{
	struct two_ways two = { .own_clock = true,
		.questions = QUESTIONS,
		.check = check_through,
		.ask = ask_through };

	(void)state;
	place_seed();
	two.direct = server = place_open();
	assert_int_equal(tg_hold(server), TG_OK);
	assert_int_equal(tg_open(place_config(), NULL, &client), TG_OK);
	tg_set_log(client, place_keep_line, NULL);
	peer = geteuid();
	twins_ask(&two, PLACE_NOW);
	assert_true(asked > QUESTIONS / 4);
	tg_close(&client);
	tg_close(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED("both ways say the same", both_ways_say_the_same),
	};

	setenv("TMPDIR", "/dev/shm", 0); /* that changes are durable is tested elsewhere */
	return RUN(tests);
}
