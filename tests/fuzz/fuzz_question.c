/* SPDX-License-Identifier: ISC */
/* Input: a message to tokgated. */
#include "fuzz.h"
#include "wire.h"

static void
must_end(const char *text, size_t size)
{
	MUST(memchr(text, '\0', size) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wire_question zero;
	uint8_t again[WIRE_QUESTION_MAX];
	struct wire_question q;

	memset(&q, 0xff, sizeof(q));
	if (!wire_question_decode(data, size, &q)) {
		MUST(memcmp(&q, &zero, sizeof(q)) == 0);
		return 0;
	}
	MUST(q.kind == WIRE_CHECK || q.kind == WIRE_ASK);
	must_end(q.token, sizeof(q.token));
	must_end(q.service, sizeof(q.service));
	must_end(q.action, sizeof(q.action));
	must_end(q.resource, sizeof(q.resource));
	must_end(q.login, sizeof(q.login));
	must_end(q.source, sizeof(q.source));
	must_end(q.ticket, sizeof(q.ticket));
	MUST(q.kind == WIRE_CHECK ? q.ticket[0] == '\0' :
				    q.token[0] == '\0' && q.service[0] == '\0');
	MUST(q.kind == WIRE_ASK || (q.gate ? q.resource[0] == '\0' : q.action[0] != '\0'));
	/* There is one way to ask a question. */
	MUST(wire_question_encode(&q, again) == size && memcmp(again, data, size) == 0);
	return 0;
}
