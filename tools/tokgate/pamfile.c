/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "pamfile.h"

enum { FILES_DEEP_MAX = 16, ALL_PHASES = (1 << PAM_NPHASES) - 1 };

static const char blanks[] = " \t\n";

/* Which lines of a file are wanted, and how deep in includes and substacks it lies. */
struct reading {
	const char *dir;
	const char *name;
	unsigned int phases;
	unsigned int depth;
	unsigned int files;
};

static bool read_file(const struct reading *reading, struct pam_stack *stack);

/*
 * The next field of *rest, which moves behind it; NULL at the end.  In
 * brackets blanks are a part of it and "\]" is a bracket.
 */
static char *
next_field(char **rest, bool *bracketed)
{
	char *field = *rest + strspn(*rest, blanks);
	char *to, *from;

	*bracketed = *field == '[';
	if (*field == '\0')
		return NULL;
	if (!*bracketed) {
		*rest = field + strcspn(field, blanks);
		if (**rest != '\0')
			*(*rest)++ = '\0';
		return field;
	}
	for (to = field, from = field + 1; *from != '\0' && *from != ']'; from++) {
		if (*from == '\\' && from[1] == ']')
			from++;
		*to++ = *from;
	}
	*rest = *from == '\0' ? from : from + 1;
	*to = '\0';
	return field;
}

static unsigned int
find_phase(const char *word)
{
	static const char *const names[] = { [PAM_AUTH] = "auth",
		[PAM_ACCOUNT] = "account",
		[PAM_PASSWORD] = "password",
		[PAM_SESSION] = "session" };

	/* "-auth": not logged if the module is missing; otherwise the same. */
	word += *word == '-';
	for (size_t i = 0; i < CLI_COUNT(names); i++) {
		if (strcasecmp(word, names[i]) == 0)
			return 1U << i;
	}
	return 0;
}

static struct pam_line *
add_line(struct pam_stack *stack)
{
	if (stack->nlines == stack->room) {
		stack->room = stack->room == 0 ? 32 : 2 * stack->room;
		stack->lines = reallocarray(stack->lines, stack->room, sizeof(*stack->lines));
		if (stack->lines == NULL)
			exit(cli_fail(CLI_COULD_NOT, "out of memory"));
	}
	memset(&stack->lines[stack->nlines], 0, sizeof(*stack->lines));
	return &stack->lines[stack->nlines++];
}

static bool
read_included(const struct reading *from, const char *name, unsigned int phases,
    unsigned int deeper, struct pam_stack *stack)
{
	struct reading reading = { .dir = from->dir,
		.name = name,
		.phases = from->phases & phases,
		.depth = from->depth + deeper,
		.files = from->files + 1 };

	return read_file(&reading, stack);
}

static void
fill_args(char *rest, struct pam_line *line)
{
	bool bracketed;
	char *arg;

	line->args = cli_calloc(strlen(rest) / 2 + 1, sizeof(*line->args));
	while ((arg = next_field(&rest, &bracketed)) != NULL)
		line->args[line->nargs++] = arg;
}

/* One line with its continuations; takes over `text`. */
static bool
read_line(const struct reading *reading, const char *path, size_t number, char *text,
    struct pam_stack *stack)
{
	char *rest = text;
	bool bracketed, skip;
	char *type = next_field(&rest, &skip);
	char *control = type != NULL ? next_field(&rest, &bracketed) : NULL;
	unsigned int phases = type != NULL ? find_phase(type) & reading->phases : 0;
	struct pam_line *line;
	char *module, *slash;
	bool ok = true;

	if (type != NULL && control != NULL && strcasecmp(type, "@include") == 0) {
		ok = read_included(reading, control, ALL_PHASES, 0, stack);
		goto out;
	}
	module = control != NULL ? next_field(&rest, &skip) : NULL;
	if (module == NULL || phases == 0)
		goto out;
	if (strcasecmp(control, "include") == 0) {
		ok = read_included(reading, module, phases, 0, stack);
		goto out;
	}
	line = add_line(stack);
	line->number = number;
	line->phases = phases;
	line->depth = reading->depth;
	line->text = text;
	line->control = control;
	line->bracketed = bracketed;
	snprintf(line->file, sizeof(line->file), "%s", path);
	if (strcasecmp(control, "substack") == 0) {
		line->module = text + strlen(text);
		return read_included(reading, module, phases, 1, stack);
	}
	slash = strrchr(module, '/');
	line->module = slash != NULL ? slash + 1 : module;
	fill_args(rest, line);
	return true;
out:
	free(text);
	return ok;
}

/* Cut off a remark and the blanks at the end; is there a '\\' that joins the next line? */
static bool
cut_line(char *line)
{
	size_t len = strcspn(line, "#");
	bool remark = line[len] == '#';

	while (len > 0 && strchr(blanks, line[len - 1]) != NULL)
		len--;
	line[len] = '\0';
	if (remark || len == 0 || line[len - 1] != '\\')
		return false;
	line[len - 1] = ' ';
	return true;
}

/* Append `more` to *text, which may be NULL. */
static void
append(char **text, const char *more)
{
	size_t have = *text != NULL ? strlen(*text) : 0;
	char *longer = realloc(*text, have + strlen(more) + 1);

	if (longer == NULL)
		exit(cli_fail(CLI_COULD_NOT, "out of memory"));
	strcpy(longer + have, more);
	*text = longer;
}

static bool
read_lines(const struct reading *reading, const char *path, FILE *f, struct pam_stack *stack)
{
	char *physical = NULL;
	char *logical = NULL;
	size_t size = 0;
	size_t first = 1;
	bool ok = true;

	for (size_t n = 1; ok && getline(&physical, &size, f) != -1; n++) {
		bool goes_on = cut_line(physical);

		if (logical == NULL)
			first = n;
		append(&logical, physical);
		if (goes_on)
			continue;
		ok = read_line(reading, path, first, logical, stack);
		logical = NULL;
	}
	if (logical != NULL)
		ok = read_line(reading, path, first, logical, stack);
	free(physical);
	return ok;
}

static bool
read_file(const struct reading *reading, struct pam_stack *stack)
{
	char path[PATH_MAX];
	bool ok = false;
	FILE *f = NULL;

	if (*reading->name == '/')
		snprintf(path, sizeof(path), "%s", reading->name);
	else
		snprintf(path, sizeof(path), "%s/%s", reading->dir, reading->name);
	if (reading->files > FILES_DEEP_MAX)
		errno = ELOOP;
	else
		f = fopen(path, "re");
	if (f == NULL) {
		snprintf(stack->unread, sizeof(stack->unread), "%s: %s", path, strerror(errno));
	} else {
		ok = read_lines(reading, path, f, stack);
		fclose(f);
	}
	return ok;
}

bool
pamfile_read(const char *dir, const char *name, struct pam_stack *stack)
{
	const struct reading reading = { .dir = dir, .name = name, .phases = ALL_PHASES };

	memset(stack, 0, sizeof(*stack));
	return read_file(&reading, stack);
}

void
pamfile_free(struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->nlines; i++) {
		free(stack->lines[i].args);
		free(stack->lines[i].text);
	}
	free(stack->lines);
	memset(stack, 0, sizeof(*stack));
}

/* What the words of pam.d(5) stand for. */
static const char *
expand_control(const struct pam_line *line)
{
	static const struct {
		const char *word;
		const char *actions;
	} words[] = {
		{ "required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad" },
		{ "requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die" },
		{ "sufficient", "success=done new_authtok_reqd=done default=ignore" },
		{ "optional", "success=ok new_authtok_reqd=ok default=ignore" },
	};

	if (line->bracketed)
		return line->control;
	for (size_t i = 0; i < CLI_COUNT(words); i++) {
		if (strcasecmp(line->control, words[i].word) == 0)
			return words[i].actions;
	}
	return "default=bad";
}

static enum pam_action
parse_action(const char *text, size_t len, size_t *jump)
{
	static const char *const names[] = { [ACT_IGNORE] = "ignore",
		[ACT_OK] = "ok",
		[ACT_DONE] = "done",
		[ACT_BAD] = "bad",
		[ACT_DIE] = "die",
		[ACT_RESET] = "reset" };

	for (size_t i = 0; i < CLI_COUNT(names); i++) {
		if (len == strlen(names[i]) && memcmp(text, names[i], len) == 0)
			return (enum pam_action)i;
	}
	*jump = strtoul(text, NULL, 10);
	return *jump > 0 ? ACT_JUMP : ACT_BAD;
}

enum pam_action
pamfile_action(const struct pam_line *line, const char *value, size_t *jump)
{
	const char *p = expand_control(line);
	enum pam_action action = ACT_BAD; /* as libpam has it where no default is named */
	static const char ends[] = " \t\n=";
	bool found = false;

	*jump = 0;
	while (!found && *(p += strspn(p, ends)) != '\0') {
		const char *name = p;
		size_t len = strcspn(p, ends);
		const char *act = name + len + strspn(name + len, ends);
		size_t act_len = strcspn(act, ends);

		found = len == strlen(value) && memcmp(name, value, len) == 0;
		if (found || (len == 7 && memcmp(name, "default", 7) == 0))
			action = parse_action(act, act_len, jump);
		p = act + act_len;
	}
	return action;
}
