/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <string.h>
#include <time.h>

#include "tokgate.h"

static const int64_t day = 24 * 3600;
static const int64_t end_of_time = 253402300799; /* 9999-12-31T23:59:59Z */

static void
durations_are_sums_of_numbers_with_units(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: refused */
	} rows[] = {
		{ "1s", 1 },
		{ "45s", 45 },
		{ "15m", 900 },
		{ "36h", 129600 },
		{ "90d", 7776000 },
		{ "2w", 1209600 },
		{ "1d12h", 129600 },
		{ "12h1d", 129600 },
		{ "1w1d1h1m1s", 694861 },
		{ "0d1s", 1 },
		{ "007d", 604800 },
		{ "36525d", 3155760000 },
		{ "3155760000s", 3155760000 },
		{ "36524d86400s", 3155760000 },
		{ NULL, 0 },
		{ "", 0 },
		{ "0s", 0 },
		{ "0d0h", 0 },
		{ "90", 0 },
		{ "1d12", 0 },
		{ "d", 0 },
		{ "1dd", 0 },
		{ "90 d", 0 },
		{ " 90d", 0 },
		{ "90d ", 0 },
		{ "90d\n", 0 },
		{ "+90d", 0 },
		{ "-90d", 0 },
		{ "1.5d", 0 },
		{ "1e3s", 0 },
		{ "0x10s", 0 },
		{ "90D", 0 },
		{ "1y", 0 },
		{ "1M", 0 },
		{ "3155760001s", 0 },
		{ "36525d1s", 0 },
		{ "1s36525d", 0 },
		{ "5218w", 0 },
		{ "9223372036854775807s", 0 },
		{ "9223372036854775808s", 0 },
		{ "18446744073709551617s", 0 },
		{ "15250284452471w", 0 }, /* wraps 64 bits to a small number */
		{ "never", 0 },
	};
	int64_t seconds;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		seconds = -1;
		ROW(tg_parse_duration(rows[i].text, &seconds) ==
			(rows[i].seconds != 0 ? TG_OK : TG_INVALID),
		    "'%s'", rows[i].text);
		ROW(seconds == rows[i].seconds, "'%s' became %lld", rows[i].text,
		    (long long)seconds);
	}
}

static void
dates_are_read_to_the_second(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} rows[] = {
		{ "1970-01-01T00:00:01Z", 1 },
		{ "1970-01-02", 86400 },
		{ "2000-02-29", 951782400 },
		{ "2026-11-01", 1793491200 },
		{ "2027-01-31", 1801353600 },
		{ "2027-01-31T12:00Z", 1801396800 },
		{ "2027-01-31T12:00:30Z", 1801396830 },
		{ "2027-01-31T12:00+01:00", 1801393200 },
		{ "2027-01-31T12:00:30-05:30", 1801416630 },
		{ "2027-01-31T23:59:59-00:00", 1801439999 },
		{ "2027-12-31T23:30:00-01:00", 1830299400 },
		{ "2028-02-29T00:00:00Z", 1835395200 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "2100-03-01", 4107542400 },
		{ "2400-02-29", 13574563200 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "1970-01-01T00:01-00:01", 120 },
	};
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(tg_parse_when(rows[i].text, 0, &at) == TG_OK, "'%s'", rows[i].text);
		ROW(at == rows[i].at, "'%s' became %lld", rows[i].text, (long long)at);
	}
}

static void
what_is_no_date_is_refused(void **state)
{
	static const char *const rows[] = { NULL, "", "never", "now", "2027", "2027-01",
		"2027-1-31", "27-01-31", "02027-01-31", "2027-00-01", "2027-13-01", "2027-01-00",
		"2027-01-32", "2027-02-29", "2100-02-29", "2027-04-31", "2027/01/31", "20270131",
		"2027-01-31 ", " 2027-01-31", "2027-01-31\n", "2027-01-31x", "2027-01-31Z",
		"2027-01-31T", "2027-01-31T12", "2027-01-31T12Z", "2027-01-31T12:00",
		"2027-01-31T12:00:30", "2027-01-31 12:00Z", "2027-01-31t12:00Z",
		"2027-01-31T12:00z", "2027-01-31T24:00Z", "2027-01-31T12:60Z",
		"2027-01-31T12:00:60Z", "2027-01-31T12:00:Z", "2027-01-31T12:00:30.5Z",
		"2027-01-31T1:00Z", "2027-01-31T12:00ZZ", "2027-01-31T12:00Z ",
		"2027-01-31T12:00+1:00", "2027-01-31T12:00+0100", "2027-01-31T12:00+01",
		"2027-01-31T12:00+24:00", "2027-01-31T12:00+01:60", "2027-01-31T12:00+01:00Z",
		"2027-01--1", "2027-01-+1", "+027-01-31", "1969-12-31", "0001-01-01", "10000-01-01",
		"\xd9\xa2\xd9\xa0-01-31" };
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		at = -1;
		ROW(tg_parse_when(rows[i], 1000, &at) == TG_INVALID, "'%s'", rows[i]);
		ROW(at == 0, "'%s' left %lld", rows[i], (long long)at);
	}
}

/* 0 in a time field means "never": no date may turn into it. */
static void
no_date_becomes_never_or_leaves_the_calendar(void **state)
{
	static const char *const rows[] = { "1970-01-01", "1970-01-01T00:00Z",
		"1970-01-01T00:00:00Z", "1970-01-01T01:00+01:00", "1970-01-01T00:59+01:00",
		"1970-01-01T00:00:00-00:00", "9999-12-31T23:59-00:01",
		"9999-12-31T23:59:59-23:59" };
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		at = -1;
		ROW(tg_parse_when(rows[i], 0, &at) == TG_INVALID, "'%s'", rows[i]);
		ROW(at == 0, "'%s' left %lld", rows[i], (long long)at);
	}
}

static void
a_duration_counts_from_the_given_instant(void **state)
{
	static const struct {
		const char *text;
		int64_t from, at; /* at 0: refused */
	} rows[] = {
		{ "90d", 1793491200, 1793491200 + 90 * 86400 },
		{ "1s", 0, 1 },
		{ "36525d", 1, 3155760001 },
		{ "1d", -86399, 1 },
		{ "1d", -86400, 0 },
		{ "1d", INT64_MIN, 0 },
		{ "1s", end_of_time - 1, end_of_time },
		{ "1s", end_of_time, 0 },
		{ "36525d", INT64_MAX, 0 },
		{ "90", 1793491200, 0 },
	};
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		at = -1;
		ROW(tg_parse_when(rows[i].text, rows[i].from, &at) ==
			(rows[i].at != 0 ? TG_OK : TG_INVALID),
		    "'%s' from %lld", rows[i].text, (long long)rows[i].from);
		ROW(at == rows[i].at, "'%s' from %lld became %lld", rows[i].text,
		    (long long)rows[i].from, (long long)at);
	}
}

static void
times_outside_the_calendar_are_shown_as_its_ends(void **state)
{
	static const struct {
		int64_t at;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -1, "1970-01-01T00:00:00Z" },
		{ INT64_MIN, "1970-01-01T00:00:00Z" },
		{ end_of_time, "9999-12-31T23:59:59Z" },
		{ end_of_time + 1, "9999-12-31T23:59:59Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },
	};
	char text[TG_TIME_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		tg_format_when(rows[i].at, text);
		ROW(strcmp(text, rows[i].text) == 0, "%lld became '%s'", (long long)rows[i].at,
		    text);
	}
}

static void
every_day_agrees_with_the_c_library(void **state)
{
	char text[TG_TIME_MAX + 1], want[64];
	int64_t d, at, back;
	struct tm tm;
	time_t t;

	(void)state;
	for (d = 0; d <= end_of_time / day; d++) {
		at = d * day + 1 + d * 7919 % (day - 1);
		t = (time_t)at;
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		tg_format_when(at, text);
		ROW(strcmp(text, want) == 0, "%lld: '%s', should be '%s'", (long long)at, text,
		    want);
		ROW(tg_parse_when(text, 0, &back) == TG_OK && back == at, "'%s'", text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a duration is a sum of numbers with units, one second to a hundred years",
		    durations_are_sums_of_numbers_with_units),
		TEST("a date in RFC 3339 form is read to the second", dates_are_read_to_the_second),
		TEST("what is no date of the calendar is refused and leaves zero",
		    what_is_no_date_is_refused),
		TEST("no date becomes 0, which would mean never, or leaves the calendar",
		    no_date_becomes_never_or_leaves_the_calendar),
		TEST("a duration counts from the given instant, without overflow",
		    a_duration_counts_from_the_given_instant),
		TEST("a time outside the calendar is shown as its nearest end",
		    times_outside_the_calendar_are_shown_as_its_ends),
		TEST("every day of 1970 to 9999 agrees with the C library and reads back",
		    every_day_agrees_with_the_c_library),
	};

	return RUN(tests);
}
