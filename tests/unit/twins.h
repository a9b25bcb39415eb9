/* SPDX-License-Identifier: ISC */
/*
 * twins.h - random tokens, records and questions, asked in two ways
 *
 * Each token is issued twice, since asking changes it: one twin is asked for
 * directly in the store and the other in another way, and then all that they
 * differ in is the id: verdict, grant, text, audit line, uses, last use.
 */
#ifndef TWINS_H
#define TWINS_H

#include "place.h"

/* What one way said. */
struct said {
	enum tg_status verdict;
	struct tg_grant grant;
	char detail[512];
	char line[1024]; /* "": cannot be read here */
	unsigned lines;
};

struct two_ways {
	struct tg *direct;
	bool own_clock; /* the clock of both is that of `direct`, and moves */
	unsigned questions;
	void (*check)(const char *text, size_t len, const struct tg_request *req, struct said *out);
	enum tg_status (*ask)(const char *ticket, struct tg_grant *out);
};

/* Fails the test at the first difference.  place_seed() comes before. */
void twins_ask(const struct two_ways *two, int64_t now);

#endif
