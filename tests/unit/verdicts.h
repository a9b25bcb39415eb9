/* SPDX-License-Identifier: ISC */
/*
 * verdicts.h - one table of questions and verdicts, for each way that a check can go
 *
 * DESIGN: the store asked directly and the daemon give the same verdict.
 */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "place.h"

struct way {
	int64_t now; /* when it checks */
	/* Another store, empty, in the place of the one that is there. */
	void (*renew)(void);
	enum tg_status (*check)(const char *text, size_t len, const struct tg_request *req,
	    struct tg_grant *out);
	/* The audit line of the last check; NULL: cannot be read here. */
	const char *(*line)(void);
};

/* ENTRY(sentence, name) for each part of the table; run in a place with a store in it. */
/* clang-format off */
#define VERDICTS(ENTRY) \
	ENTRY("a token is good for what it was issued for", what_it_was_issued_for) \
	ENTRY("the first reason that applies is the verdict", first_reason) \
	ENTRY("what is not within a scope is refused", not_within_a_scope) \
	ENTRY("other people's logins are refused", other_logins) \
	ENTRY("a bound token is refused where the address is not known", bound_to_addresses) \
	ENTRY("shape and form are decided on the text", on_the_text_alone) \
	ENTRY("exactly one spelling is valid", one_spelling) \
	ENTRY("a request without a valid word is the caller's fault", unfit_requests) \
	ENTRY("the resource that is asked for is one name", odd_resources)
/* clang-format on */

#define VERDICTS_DECLARED(sentence, name) void verdicts_##name(const struct way *way);
VERDICTS(VERDICTS_DECLARED)
#undef VERDICTS_DECLARED

#endif
