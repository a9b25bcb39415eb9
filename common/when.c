/* SPDX-License-Identifier: ISC */
/* Durations and dates.  The calendar is reckoned here: libc's depends on TZ and locale. */
#include <string.h>

#include "tokgate.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, WEEK = 7 * DAY };
enum { FIRST_YEAR = 1970, LAST_YEAR = 9999 };

static const int64_t longest = (int64_t)36525 * DAY; /* 100 years */

static const struct unit {
	char letter;
	int64_t seconds;
} units[] = {
	{ 's', 1 },
	{ 'm', MINUTE },
	{ 'h', HOUR },
	{ 'd', DAY },
	{ 'w', WEEK },
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0 if there is no such unit. */
static int64_t
unit_seconds(char letter)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].letter == letter)
			return units[i].seconds;
	return 0;
}

enum tg_status
tg_parse_duration(const char *text, int64_t *seconds)
{
	int64_t sum = 0, n, unit;

	*seconds = 0;
	if (text == NULL)
		return TG_INVALID;
	while (*text != '\0') {
		if (!is_digit(*text))
			return TG_INVALID;
		for (n = 0; is_digit(*text); text++)
			if ((n = n * 10 + (*text - '0')) > longest)
				return TG_INVALID;
		/* Both factors are small enough: longest times a week is far below 2^63. */
		if ((unit = unit_seconds(*text++)) == 0 || (sum += n * unit) > longest)
			return TG_INVALID;
	}
	if (sum == 0)
		return TG_INVALID;
	*seconds = sum;
	return TG_OK;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1 January of year 1 to 1 January of `year`, which is 1 or later. */
static int64_t
days_before_year(int year)
{
	int64_t y = year - 1;

	return 365 * y + y / 4 - y / 100 + y / 400;
}

/* Days from 1970-01-01 to a date that exists. */
static int64_t
days_from_date(int year, int month, int day)
{
	int64_t days = days_before_year(year) - days_before_year(FIRST_YEAR);
	int m;

	for (m = 1; m < month; m++)
		days += days_in_month(year, m);
	return days + day - 1;
}

static void
date_from_days(int64_t days, int *year, int *month, int *day)
{
	/* Every year has 365 days or more, so this is not before the year that is looked for. */
	*year = FIRST_YEAR + (int)(days / 365);
	*month = 1;
	while (days_from_date(*year, 1, 1) > days)
		(*year)--;
	days -= days_from_date(*year, 1, 1);
	for (; days >= days_in_month(*year, *month); (*month)++)
		days -= days_in_month(*year, *month);
	*day = (int)days + 1;
}

/* A number of exactly `digits` digits within min .. max; moves *text behind it. */
static bool
take_number(const char **text, int digits, int min, int max, int *out)
{
	int i;

	*out = 0;
	for (i = 0; i < digits; i++, (*text)++) {
		if (!is_digit(**text))
			return false;
		*out = *out * 10 + (**text - '0');
	}
	return *out >= min && *out <= max;
}

static bool
take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* "Z", or how far the local clock is ahead of UTC. */
static bool
take_offset(const char **text, int64_t *ahead)
{
	int hours, minutes, sign;

	*ahead = 0;
	if (take(text, 'Z'))
		return true;
	if (take(text, '+'))
		sign = 1;
	else if (take(text, '-'))
		sign = -1;
	else
		return false;
	if (!take_number(text, 2, 0, 23, &hours) || !take(text, ':') ||
	    !take_number(text, 2, 0, 59, &minutes))
		return false;
	*ahead = sign * (hours * HOUR + minutes * MINUTE);
	return true;
}

static bool
parse_date(const char *text, int64_t *at)
{
	int year, month, day, hour, minute, second = 0;
	int64_t ahead;

	if (!take_number(&text, 4, FIRST_YEAR, LAST_YEAR, &year) || !take(&text, '-') ||
	    !take_number(&text, 2, 1, 12, &month) || !take(&text, '-') ||
	    !take_number(&text, 2, 1, days_in_month(year, month), &day))
		return false;
	*at = days_from_date(year, month, day) * DAY;
	if (*text == '\0')
		return true;
	if (!take(&text, 'T') || !take_number(&text, 2, 0, 23, &hour) || !take(&text, ':') ||
	    !take_number(&text, 2, 0, 59, &minute))
		return false;
	if (take(&text, ':') && !take_number(&text, 2, 0, 59, &second))
		return false;
	if (!take_offset(&text, &ahead) || *text != '\0')
		return false;
	*at += hour * HOUR + minute * MINUTE + second - ahead;
	return true;
}

static int64_t
end_of_time(void)
{
	return days_from_date(LAST_YEAR + 1, 1, 1) * DAY - 1;
}

enum tg_status
tg_parse_when(const char *text, int64_t from, int64_t *at)
{
	int64_t t;

	*at = 0;
	if (text == NULL)
		return TG_INVALID;
	if (strlen(text) > 4 && text[4] == '-') {
		if (!parse_date(text, &t))
			return TG_INVALID;
	} else {
		if (tg_parse_duration(text, &t) != TG_OK || from > end_of_time() - t)
			return TG_INVALID;
		t += from;
	}
	/* The first second of 1970 is not an instant here: 0 would mean "never". */
	if (t <= 0 || t > end_of_time())
		return TG_INVALID;
	*at = t;
	return TG_OK;
}

/* `n` in `digits` digits and what follows it; moves *out behind them. */
static void
put_number(char **out, int digits, int n, char after)
{
	int i;

	for (i = digits; i-- > 0; n /= 10)
		(*out)[i] = (char)('0' + n % 10);
	*out += digits;
	*(*out)++ = after;
}

void
tg_format_when(int64_t at, char out[static TG_TIME_MAX + 1])
{
	int year, month, day, second;

	/* RFC 3339 has four digits for the year. */
	if (at < 0)
		at = 0;
	if (at > end_of_time())
		at = end_of_time();
	date_from_days(at / DAY, &year, &month, &day);
	second = (int)(at % DAY);
	put_number(&out, 4, year, '-');
	put_number(&out, 2, month, '-');
	put_number(&out, 2, day, 'T');
	put_number(&out, 2, second / HOUR, ':');
	put_number(&out, 2, second % HOUR / MINUTE, ':');
	put_number(&out, 2, second % MINUTE, 'Z');
	*out = '\0';
}
