/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli.h"
#include "serverfile.h"

enum { FILES_DEEP_MAX = 16 };

struct reading {
	const struct serverfile *file;
	void (*fn)(void *arg, const struct server_line *line);
	void *arg;
	size_t size;
	char *unread;
	unsigned int deep;
};

static bool read_file(struct reading *reading, const char *path);

static const char blanks[] = " \t\n=;";

/* The next word of *rest, which moves behind it; NULL at the end or a remark. */
static char *
next_word(char **rest)
{
	char *word = *rest + strspn(*rest, blanks);
	size_t len;

	if (*word == '\0' || *word == '#')
		return NULL;
	if (*word == '"' || *word == '\'') {
		len = strcspn(word + 1, *word == '"' ? "\"" : "'");
		word++;
	} else {
		len = strcspn(word, blanks);
	}
	*rest = word + len;
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return word;
}

/* A path in /etc, wherever that is. */
static void
resolve(const struct reading *reading, const char *from, const char *path,
    char out[static PATH_MAX])
{
	const char *etc = reading->file->etc, *slash;
	char beside[PATH_MAX];

	if (strncmp(path, "/etc/", 5) == 0) {
		snprintf(out, PATH_MAX, "%s/%s", etc, path + 5);
	} else if (*path == '/') {
		snprintf(out, PATH_MAX, "%s", path);
	} else {
		if (reading->file->beside)
			snprintf(beside, sizeof(beside), "%s", from);
		else
			snprintf(beside, sizeof(beside), "%s/%s", etc, reading->file->main);
		slash = strrchr(beside, '/');
		snprintf(out, PATH_MAX, "%.*s/%s", slash != NULL ? (int)(slash - beside) : 0,
		    beside, path);
	}
}

/* What an include names: a file, all in a directory, or all of a pattern; none is fine. */
static bool
read_included(struct reading *reading, const char *from, const char *word)
{
	char pattern[PATH_MAX];
	glob_t found;
	struct stat st;
	bool ok = true;

	resolve(reading, from, word, pattern);
	while (pattern[0] != '\0' && pattern[strlen(pattern) - 1] == '/')
		pattern[strlen(pattern) - 1] = '\0';
	if (stat(pattern, &st) == 0 && S_ISDIR(st.st_mode))
		strncat(pattern, "/*", sizeof(pattern) - strlen(pattern) - 1);
	if (glob(pattern, 0, NULL, &found) != 0)
		return true;
	for (size_t i = 0; i < found.gl_pathc && ok; i++)
		ok = read_file(reading, found.gl_pathv[i]);
	globfree(&found);
	return ok;
}

static bool
is_include(const struct reading *reading, const char *word)
{
	char padded[64];

	return snprintf(padded, sizeof(padded), " %s ", word) < (int)sizeof(padded) &&
	    strcasestr(reading->file->includes, padded) != NULL;
}

static bool
read_line(struct reading *reading, const char *path, size_t number, char *text)
{
	struct server_line line = { .nwords = 0 };
	char *word;

	snprintf(line.where, sizeof(line.where), "%s:%zu", path, number);
	while (line.nwords < CLI_COUNT(line.words) && (word = next_word(&text)) != NULL)
		line.words[line.nwords++] = word;
	if (line.nwords == 0)
		return true;
	if (line.nwords == 2 && is_include(reading, line.words[0]))
		return read_included(reading, path, line.words[1]);
	reading->fn(reading->arg, &line);
	return true;
}

/* Does the line end in '\\', which joins the next one?  Then that is cut off. */
static bool
goes_on(char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (len == 0 || text[len - 1] != '\\')
		return false;
	text[len - 1] = ' ';
	return true;
}

static bool
read_lines(struct reading *reading, const char *path, FILE *f)
{
	char *physical = NULL, *logical = cli_calloc(1, 1), *longer;
	size_t size = 0, number = 0, first = 1;
	ssize_t n;
	bool ok = true, more;

	while (ok && (n = getline(&physical, &size, f)) != -1) {
		number++;
		more = goes_on(physical, (size_t)n);
		if (*logical == '\0')
			first = number;
		if (asprintf(&longer, "%s%s", logical, physical) < 0)
			exit(cli_fail(CLI_COULD_NOT, "out of memory"));
		free(logical);
		logical = longer;
		if (more)
			continue;
		ok = read_line(reading, path, first, logical);
		*logical = '\0';
	}
	free(physical);
	free(logical);
	return ok;
}

static bool
read_file(struct reading *reading, const char *path)
{
	FILE *f = NULL;
	struct stat st;
	bool ok;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	if (++reading->deep > FILES_DEEP_MAX)
		errno = ELOOP;
	else
		f = fopen(path, "re");
	ok = f != NULL;
	if (!ok)
		snprintf(reading->unread, reading->size, "%s: %s", path, strerror(errno));
	else {
		ok = read_lines(reading, path, f);
		fclose(f);
	}
	reading->deep--;
	return ok;
}

bool
serverfile_each(const struct serverfile *file,
    void (*fn)(void *arg, const struct server_line *line), void *arg, size_t size, char *unread)
{
	struct reading reading = {
		.file = file,
		.fn = fn,
		.arg = arg,
		.size = size,
		.unread = unread,
	};
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", file->etc, file->main);
	if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	return read_file(&reading, path);
}
