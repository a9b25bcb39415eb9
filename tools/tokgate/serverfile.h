/* SPDX-License-Identifier: ISC */
/*
 * serverfile.h - the lines of a server's configuration, with those of the files
 * that it includes
 *
 * No more of each server's syntax than it takes to see which settings there
 * are: words, quotes, remarks, continued lines, blocks as words '{' and '}'.
 * '=' and ';' are blanks.
 */
#ifndef SERVERFILE_H
#define SERVERFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { SERVERFILE_WORDS_MAX = 32 }; /* further ones are left out */

struct server_line {
	char where[PATH_MAX + 24]; /* "FILE:LINE" */
	size_t nwords;
	char *words[SERVERFILE_WORDS_MAX];
};

struct serverfile {
	const char *etc;      /* stands for /etc, in included paths too */
	const char *main;     /* below it */
	const char *includes; /* words that name further files, with a blank on both sides */
	bool beside; /* relative paths: beside the file that names them, else beside `main` */
};

/*
 * Call fn for each line that has a word.  False if a file could not be read,
 * of which `unread` is told; a server without its main file has no lines.
 */
bool serverfile_each(const struct serverfile *file,
    void (*fn)(void *arg, const struct server_line *line), void *arg, size_t size, char *unread);

#endif
