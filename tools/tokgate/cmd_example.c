/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"

static int run(struct cli *cli);

const struct cli_command cmd_example = {
	.name = "example",
	.synopsis = "example [NAME]",
	.about = "Print a ready configuration file for a door, or list them.",
	.more = "NAME is a file's name; its '.pam' may be left out.",
	.example = "tokgate example sshd > sshd.pam",
	.max_words = 1,
	.run = run,
};

/* Room for "DIRECTORY/NAME". */
enum { PATH_SIZE = PATH_MAX + NAME_MAX + 2 };

/* Where they lie beside a program that was built but not installed. */
static bool
source_dir(char dir[static PATH_MAX])
{
	static const char beside[] = "/../pam/examples";
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - sizeof(beside));
	char *slash;

	if (n < 0)
		return false;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return false;
	memcpy(slash, beside, sizeof(beside));
	return true;
}

static FILE *
open_file(const char *dir, const char *name, const char *suffix)
{
	char path[PATH_SIZE];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	f = fopen(path, "re");
	if (f != NULL && (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))) {
		fclose(f);
		f = NULL;
	}
	return f;
}

/* The first remark that is not about the licence, without its '#'. */
static void
read_description(FILE *f, size_t size, char *out)
{
	char line[256];

	*out = '\0';
	while (*out == '\0' && fgets(line, sizeof(line), f) != NULL) {
		const char *text = line + strspn(line, "# ");

		line[strcspn(line, "\n")] = '\0';
		if (*line == '#' && strncmp(text, "SPDX-", 5) != 0)
			snprintf(out, size, "%s", text);
	}
}

static int
is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
list_one(const struct cli *cli, const char *dir, const char *name)
{
	char about[200];
	struct json *json;
	FILE *f = open_file(dir, name, "");

	if (f == NULL)
		return CLI_DONE;
	read_description(f, sizeof(about), about);
	fclose(f);
	if (cli->json) {
		json = json_new();
		json_text(json, "name", name);
		json_text(json, "about", about);
		return json_print(&json);
	}
	printf("%-20s %s\n", name, about);
	return CLI_DONE;
}

static int
list(const struct cli *cli, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_shown, alphasort);
	int code = CLI_DONE;

	if (n < 0)
		return cli_fail(CLI_COULD_NOT, "cannot read '%s': %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (code == CLI_DONE)
			code = list_one(cli, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return code;
}

static int
refuse_name(const char *dir, const char *name)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_shown, alphasort);
	char names[800] = "";
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, " %s",
			    entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return cli_fail(CLI_NO, "no example '%s', there are:%s", name, names);
}

static int
copy(FILE *f)
{
	char buf[BUFSIZ];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, stdout);
	return ferror(f) ? cli_fail(CLI_COULD_NOT, "cannot read it: %s", strerror(errno)) :
			   CLI_DONE;
}

static int
print(const char *const dirs[], size_t ndirs, const char *name)
{
	static const char *const suffixes[] = { "", ".pam" };
	FILE *f = NULL;
	int code;

	if (strchr(name, '/') != NULL || *name == '.' || *name == '\0')
		return cli_fail(CLI_USAGE, "not the name of an example: '%s'", name);
	for (size_t d = 0; d < ndirs; d++) {
		for (size_t s = 0; f == NULL && s < CLI_COUNT(suffixes); s++)
			f = open_file(dirs[d], name, suffixes[s]);
	}
	if (f == NULL)
		return refuse_name(dirs[access(dirs[0], F_OK) == 0 ? 0 : ndirs - 1], name);
	code = copy(f);
	fclose(f);
	return code;
}

static int
run(struct cli *cli)
{
	char beside[PATH_MAX] = "";
	const char *const dirs[] = { EXAMPLES_DIR, beside };
	size_t ndirs = source_dir(beside) ? 2 : 1;

	if (cli->words.n == 0)
		return list(cli, dirs[access(dirs[0], F_OK) == 0 ? 0 : ndirs - 1]);
	return print(dirs, ndirs, cli->words.at[0]);
}
