/* SPDX-License-Identifier: ISC */
/* table.h - aligned columns for people */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 8 };

struct table;

/* heads: `ncolumns` titles, which must outlive the table. */
struct table *table_new(size_t ncolumns, const char *const heads[]);

/* Add a row of as many cells; they are copied.  Unprintable characters become '?'. */
void table_add(struct table *table, const char *const cells[]);

/*
 * Print on stdout, free, null.  On a terminal the widest columns are cut until
 * a row fits its width; elsewhere nothing is cut.  Nothing at all is printed
 * of a table without rows.
 */
void table_print(struct table **table);

#endif
