/* SPDX-License-Identifier: ISC */
/* Input: a text, newline, up to 8 bytes of the instant that it counts from. */
#include <time.h>

#include "tokgate.h"
#include "fuzz.h"

static const int64_t end_of_time = 253402300799;

static void
must_format(int64_t at)
{
	char text[TG_TIME_MAX + 1], want[64];
	time_t t = (time_t)at;
	struct tm tm;

	tg_format_when(at, text);
	MUST(strlen(text) == strlen("2027-01-31T12:00:00Z"));
	if (at < 0 || at > end_of_time)
		return;
	MUST(gmtime_r(&t, &tm) != NULL);
	MUST(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	MUST(strcmp(text, want) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_line(&data, &size), again[TG_TIME_MAX + 1];
	int64_t from = 0, at, seconds, back;

	memcpy(&from, data, size < sizeof(from) ? size : sizeof(from));
	must_format(from);
	if (tg_parse_duration(text, &seconds) == TG_OK)
		MUST(seconds >= 1 && seconds <= (int64_t)36525 * 24 * 3600);
	else
		MUST(seconds == 0);
	if (tg_parse_when(text, from, &at) == TG_OK) {
		MUST(at >= 1 && at <= end_of_time);
		MUST(seconds == 0 || at == from + seconds);
		must_format(at);
		tg_format_when(at, again);
		MUST(tg_parse_when(again, 0, &back) == TG_OK && back == at);
	} else
		MUST(at == 0);
	free(text);
	return 0;
}
