/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "cli.h"
#include "table.h"

struct table {
	size_t ncolumns;
	const char *const *heads;
	size_t widths[TABLE_COLUMNS_MAX];
	size_t nrows;
	size_t room;
	wchar_t **cells; /* nrows * ncolumns */
};

/* The text as characters of one cell each; what cannot be shown is '?'. */
static wchar_t *
to_cell(const char *text)
{
	size_t len = strlen(text);
	wchar_t *cell = cli_calloc(len + 1, sizeof(*cell));
	mbstate_t state = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		wchar_t c = L'?';
		size_t used = mbrtowc(&c, text + i, len - i, &state);

		if (used == 0 || used > len - i) { /* not a character */
			used = 1;
			c = L'?';
			memset(&state, 0, sizeof(state));
		}
		cell[n++] = iswprint((wint_t)c) && wcwidth(c) > 0 ? c : L'?';
		i += used;
	}
	return cell;
}

static size_t
cell_width(const wchar_t *cell)
{
	int width = wcswidth(cell, wcslen(cell));

	return width > 0 ? (size_t)width : 0;
}

struct table *
table_new(size_t ncolumns, const char *const heads[])
{
	struct table *table = cli_calloc(1, sizeof(*table));

	table->ncolumns = ncolumns;
	table->heads = heads;
	for (size_t i = 0; i < ncolumns; i++)
		table->widths[i] = strlen(heads[i]);
	return table;
}

void
table_add(struct table *table, const char *const cells[])
{
	wchar_t **row;

	if (table->nrows == table->room) {
		table->room = table->room == 0 ? 64 : 2 * table->room;
		row = reallocarray(table->cells, table->room * table->ncolumns, sizeof(*row));
		if (row == NULL)
			exit(cli_fail(CLI_COULD_NOT, "out of memory"));
		table->cells = row;
	}
	row = table->cells + table->nrows++ * table->ncolumns;
	for (size_t i = 0; i < table->ncolumns; i++) {
		row[i] = to_cell(cells[i]);
		if (cell_width(row[i]) > table->widths[i])
			table->widths[i] = cell_width(row[i]);
	}
}

/* 0: not a terminal, no limit. */
static size_t
terminal_width(void)
{
	struct winsize ws = { 0 };
	const char *text = getenv("COLUMNS");
	long n = text != NULL ? strtol(text, NULL, 10) : 0;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (n > 0 && n < 10000)
		return (size_t)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	return 80;
}

/* Take from the widest column, one by one, until two blanks between them fit too. */
static void
fit(struct table *table, size_t width)
{
	for (;;) {
		size_t sum = 2 * (table->ncolumns - 1);
		size_t widest = 0;

		for (size_t i = 0; i < table->ncolumns; i++) {
			sum += table->widths[i];
			if (table->widths[i] > table->widths[widest])
				widest = i;
		}
		if (sum <= width || table->widths[widest] == 1)
			return;
		table->widths[widest]--;
	}
}

static void
print_cell(const wchar_t *cell, size_t width, bool last)
{
	bool cut = cell_width(cell) > width;
	size_t room = cut ? width - 1 : width;
	size_t used = 0;

	for (; *cell != L'\0' && used + (size_t)wcwidth(*cell) <= room; cell++) {
		printf("%lc", (wint_t)*cell);
		used += (size_t)wcwidth(*cell);
	}
	if (cut) {
		fputs("\342\200\246", stdout); /* U+2026, an ellipsis */
		used++;
	}
	if (!last)
		printf("%*s", (int)(width - used + 2), "");
}

static void
print_row(const struct table *table, wchar_t *const *row)
{
	for (size_t i = 0; i < table->ncolumns; i++)
		print_cell(row[i], table->widths[i], i == table->ncolumns - 1);
	putchar('\n');
}

void
table_print(struct table **table)
{
	struct table *t = *table;
	size_t width = terminal_width();
	wchar_t *heads[TABLE_COLUMNS_MAX];

	if (width > 0)
		fit(t, width);
	for (size_t i = 0; i < t->ncolumns; i++)
		heads[i] = to_cell(t->heads[i]);
	if (t->nrows > 0)
		print_row(t, heads);
	for (size_t r = 0; r < t->nrows && !ferror(stdout); r++)
		print_row(t, t->cells + r * t->ncolumns);

	for (size_t i = 0; i < t->ncolumns; i++)
		free(heads[i]);
	for (size_t i = 0; i < t->nrows * t->ncolumns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
	*table = NULL;
}
