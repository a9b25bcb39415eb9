/* SPDX-License-Identifier: ISC */
/* Input: a message of tokgated. */
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
	static const struct wire_answer zero;
	static struct wire_answer a;
	const struct tg_grant *g = &a.grant;
	uint8_t again[WIRE_ANSWER_MAX];
	size_t i;

	memset(&a, 0xff, sizeof(a));
	if (!wire_answer_decode(data, size, &a)) {
		MUST(memcmp(&a, &zero, sizeof(a)) == 0);
		return 0;
	}
	MUST(strcmp(tg_status_name(a.status), "unknown") != 0);
	must_end(g->id, sizeof(g->id));
	must_end(g->owner, sizeof(g->owner));
	must_end(g->identity, sizeof(g->identity));
	must_end(g->ticket, sizeof(g->ticket));
	must_end(g->text, sizeof(g->text));
	MUST(g->nscopes <= TG_SCOPES_MAX);
	for (i = 0; i < TG_SCOPES_MAX; i++) {
		must_end(g->scopes[i], sizeof(g->scopes[i]));
		MUST(i < g->nscopes || g->scopes[i][0] == '\0');
	}
	/* There is one way to give an answer. */
	MUST(wire_answer_encode(&a, again) == size && memcmp(again, data, size) == 0);
	return 0;
}
