/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "doctor.h"
#include "pamfile.h"

static const char module_name[] = "pam_tokgate.so";

static const char auth_fix[] = "auth [success=done ignore=ignore default=die] pam_tokgate.so ...";
static const char account_fix[] = "account [success=ok ignore=ignore module_unknown=ignore "
				  "default=die] pam_tokgate.so";
static const char session_fix[] =
    "session [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so";

/* Services whose loss locks people out of the machine. */
static const char *const vital[] = { "sshd", "login", "su", "su-l", "sudo", "sudo-i" };

/* Modules that let nobody in by a password; any other one may. */
static const char *const keyless[] = {
	"pam_access.so",
	"pam_cap.so",
	"pam_debug.so",
	"pam_deny.so",
	"pam_echo.so",
	"pam_env.so",
	"pam_faildelay.so",
	"pam_faillock.so",
	"pam_group.so",
	"pam_issue.so",
	"pam_keyinit.so",
	"pam_limits.so",
	"pam_listfile.so",
	"pam_nologin.so",
	"pam_permit.so",
	"pam_rootok.so",
	"pam_securetty.so",
	"pam_selinux.so",
	"pam_shells.so",
	"pam_succeed_if.so",
	"pam_time.so",
	"pam_tokgate.so",
	"pam_umask.so",
	"pam_warn.so",
	"pam_wheel.so",
	"",
};

/* What the module returns where it refuses (tokgate.h's verdicts, as PAM has them). */
static const char *const refusals[] = { "auth_err", "authinfo_unavail", "service_err",
	"perm_denied", "acct_expired", "session_err", "buf_err", "system_err", "abort",
	"conv_err" };

/* One service: its lines of one phase. */
struct phase {
	struct doctor *doctor;
	const char *service;
	enum pam_phase phase;
	struct pam_line **lines;
	size_t nlines;
};

static bool
is_one_of(const char *name, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_ours(const struct pam_line *line)
{
	return strcmp(line->module, module_name) == 0;
}

static bool
has_arg(const struct pam_line *line, const char *arg)
{
	for (size_t i = 0; i < line->nargs; i++) {
		if (strcmp(line->args[i], arg) == 0)
			return true;
	}
	return false;
}

/* The value of "name=", or NULL. */
static const char *
arg_value(const struct pam_line *line, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < line->nargs; i++) {
		if (strncmp(line->args[i], name, len) == 0)
			return line->args[i] + len;
	}
	return NULL;
}

static void
find_at(struct doctor *doctor, const char *check, const struct pam_line *line, const char *problem,
    const char *fix)
{
	char where[PATH_MAX + 24];

	snprintf(where, sizeof(where), "%s:%zu", line->file, line->number);
	doctor_find(doctor, check, where, problem, fix);
}

/* ---- a line by itself -------------------------------------------------- */

/* By the module's own reading of them. */
static void
check_args(struct doctor *doctor, const struct pam_line *line)
{
	char why[ARGS_WHY_MAX + 1], problem[ARGS_WHY_MAX + 64];
	struct args args;

	if (args_parse((int)line->nargs, (const char *const *)line->args, &args, why))
		return;
	snprintf(problem, sizeof(problem), "%s: the module refuses everything", why);
	find_at(doctor, "pam-argument", line, problem, "see pam_tokgate(8)");
}

/* What the line asks for, as the scope that would grant it. */
static void
check_question(struct doctor *doctor, const struct pam_line *line)
{
	const char *service = arg_value(line, "service=");
	const char *action = arg_value(line, "action=");
	const char *resource = arg_value(line, "resource=");
	char scope[1024];
	const char *why;

	snprintf(scope, sizeof(scope), "%s:%s:%s", service != NULL ? service : "x",
	    action != NULL ? action : "login", resource != NULL ? resource : "*");
	if (!tg_scope_valid(scope, &why))
		find_at(doctor, "pam-argument", line, why, "see pam_tokgate(8)");
}

static void
check_module_config(struct doctor *doctor, const struct pam_line *line)
{
	const char *path = arg_value(line, "config=");
	struct tg *tg = NULL;

	if (path == NULL || *path == '\0')
		return;
	if (tg_open(path, NULL, &tg) != TG_OK && tg != NULL)
		find_at(doctor, "pam-config", line, tg_detail(tg), "see tokgate.conf(5)");
	tg_close(&tg);
}

/* ---- a line in its phase ----------------------------------------------- */

static bool
refusal_ends(const struct pam_line *line, enum pam_action at_least)
{
	size_t jump;

	for (size_t i = 0; i < CLI_COUNT(refusals); i++) {
		enum pam_action action = pamfile_action(line, refusals[i], &jump);

		if (action != ACT_DIE && action != at_least)
			return false;
	}
	return true;
}

/* Account and session concern logins by key too, also while the module is broken. */
static void
check_control(const struct phase *phase, const struct pam_line *line)
{
	const char *fix = phase->phase == PAM_AUTH ? auth_fix :
	    phase->phase == PAM_ACCOUNT            ? account_fix :
						     session_fix;
	size_t jump;

	if (!refusal_ends(line, ACT_BAD))
		find_at(phase->doctor, "pam-refusal", line,
		    "a refusal does not end in a refusal here: the next modules decide", fix);
	if (phase->phase == PAM_AUTH)
		return;
	if (pamfile_action(line, "module_unknown", &jump) != ACT_IGNORE)
		find_at(phase->doctor, "pam-lockout", line,
		    "a missing module refuses everybody here, root with a key too", fix);
	if (pamfile_action(line, "ignore", &jump) != ACT_IGNORE)
		find_at(phase->doctor, "pam-lockout", line,
		    "logins without a token are refused here, root with a key too", fix);
	if (pamfile_action(line, "success", &jump) != ACT_OK)
		find_at(phase->doctor, "pam-skip", line,
		    "a token's success skips the other modules' rules", fix);
}

static bool
may_take_password(const struct pam_line *line)
{
	return !is_one_of(line->module, keyless, CLI_COUNT(keyless));
}

/* The first line from `i` on that may be shown a password; nlines: none. */
static size_t
next_password_check(const struct phase *phase, size_t i)
{
	while (i < phase->nlines && !may_take_password(phase->lines[i]))
		i++;
	return i;
}

/* Who sees a password for which our line `i` returned `value`; nlines: nobody. */
static size_t
shown_to(const struct phase *phase, size_t i, const char *value)
{
	unsigned int depth = phase->lines[i]->depth;
	size_t jump;
	enum pam_action action = pamfile_action(phase->lines[i], value, &jump);

	if (action == ACT_DONE || action == ACT_DIE)
		return phase->nlines;
	/* A jump counts lines of its own level; a substack is one. */
	for (i++; jump > 0 && i < phase->nlines && phase->lines[i]->depth >= depth; jump--) {
		do {
			i++;
		} while (i < phase->nlines && phase->lines[i]->depth > depth);
	}
	return next_password_check(phase, i);
}

static void
find_leak(const struct phase *phase, size_t i, const char *what, size_t to)
{
	const struct pam_line *line = to < phase->nlines ? phase->lines[to] : NULL;
	char problem[PATH_MAX + 200];

	if (line == NULL)
		return;
	snprintf(problem, sizeof(problem), "%s is shown as a password to %.60s (%s:%zu)", what,
	    line->module, line->file, line->number);
	find_at(phase->doctor, "pam-leak", phase->lines[i], problem, auth_fix);
}

/* No other password check may ever see a token. */
static void
check_leaks(const struct phase *phase, size_t i)
{
	size_t first = next_password_check(phase, 0);

	find_leak(phase, i, "every token", first < i ? first : phase->nlines);
	find_leak(phase, i, "a refused token", shown_to(phase, i, "auth_err"));
	find_leak(phase, i, "a granted token", shown_to(phase, i, "success"));
}

/* Does another module decide, where ours returned `value`? */
static bool
leaves_to_others(const struct phase *phase, size_t i, const char *value)
{
	size_t jump;
	enum pam_action action = pamfile_action(phase->lines[i], value, &jump);

	return (action == ACT_IGNORE || action == ACT_JUMP) &&
	    shown_to(phase, i, value) < phase->nlines;
}

static void
check_root_login(const struct phase *phase, size_t i)
{
	if (!is_one_of(phase->service, vital, CLI_COUNT(vital)) ||
	    next_password_check(phase, 0) < i || leaves_to_others(phase, i, "auth_err") ||
	    (has_arg(phase->lines[i], "passthrough") && leaves_to_others(phase, i, "ignore")))
		return;
	find_at(phase->doctor, "pam-root", phase->lines[i],
	    "no password opens this service any more, not even root's",
	    "add 'passthrough' and leave a line behind it that checks passwords, e.g. "
	    "'@include common-auth'");
}

static void
check_gate(const struct phase *phase, const struct pam_line *line)
{
	if (strcmp(phase->service, "sshd") == 0 && has_arg(line, "gate"))
		find_at(phase->doctor, "pam-gate", line,
		    "without a group, a token for one project opens every account's shell",
		    "gate=GROUP, with the group that sshd's Match forces into the gate");
}

/* Where the door ignores it the session is the login's, or sshd ends it. */
static void
check_map(const struct phase *phase, const struct pam_line *line)
{
	static const char *const ignoring[] = { "sshd", "proftpd", "login", "su", "su-l" };

	if (has_arg(line, "map_user") && is_one_of(phase->service, ignoring, CLI_COUNT(ignoring)))
		find_at(phase->doctor, "pam-map", line,
		    "this server does not take another user from PAM", "take map_user out");
}

/* ~/.pam_environment must not have the last word on what the session line exports. */
static void
check_env(const struct phase *phase, size_t i)
{
	for (size_t k = i + 1; k < phase->nlines; k++) {
		if (strcmp(phase->lines[k]->module, "pam_env.so") == 0)
			find_at(phase->doctor, "pam-env", phase->lines[k],
			    "stands behind the session line of pam_tokgate.so and can overwrite what "
			    "that exports",
			    "move the pam_tokgate.so line below every pam_env.so line");
	}
}

static void
check_line(const struct phase *phase, size_t i)
{
	const struct pam_line *line = phase->lines[i];

	check_args(phase->doctor, line);
	check_question(phase->doctor, line);
	check_module_config(phase->doctor, line);
	check_gate(phase, line);
	check_map(phase, line);
	switch (phase->phase) {
	case PAM_AUTH:
		check_control(phase, line);
		check_leaks(phase, i);
		check_root_login(phase, i);
		break;
	case PAM_ACCOUNT:
		check_control(phase, line);
		break;
	case PAM_SESSION:
		check_control(phase, line);
		check_env(phase, i);
		break;
	case PAM_PASSWORD:
	case PAM_NPHASES:
		find_at(phase->doctor, "pam-phase", line, "the module changes no passwords",
		    "take the line away");
		break;
	}
}

static void
check_phase(struct phase *phase, const struct pam_stack *stack)
{
	phase->nlines = 0;
	for (size_t i = 0; i < stack->nlines; i++) {
		if ((stack->lines[i].phases & (1U << phase->phase)) != 0)
			phase->lines[phase->nlines++] = &stack->lines[i];
	}
	for (size_t i = 0; i < phase->nlines; i++) {
		if (is_ours(phase->lines[i]))
			check_line(phase, i);
	}
}

static bool
names_us(const struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->nlines; i++) {
		if (is_ours(&stack->lines[i]))
			return true;
	}
	return false;
}

static void
check_service(struct doctor *doctor, const char *service)
{
	struct phase phase = { .doctor = doctor, .service = service };
	struct pam_stack stack;

	if (!pamfile_read(doctor->pam_dir, service, &stack)) {
		doctor_blind(doctor, "%s", stack.unread);
	} else if (names_us(&stack)) {
		phase.lines = cli_calloc(stack.nlines, sizeof(*phase.lines));
		for (int p = 0; p < PAM_NPHASES; p++) {
			phase.phase = (enum pam_phase)p;
			check_phase(&phase, &stack);
		}
		free(phase.lines);
	}
	pamfile_free(&stack);
}

bool
doctor_pam_uses(struct doctor *doctor, const char *service)
{
	struct pam_stack stack;
	bool ours = strchr(service, '/') == NULL &&
	    pamfile_read(doctor->pam_dir, service, &stack) && names_us(&stack);

	pamfile_free(&stack);
	return ours;
}

/* What PAM would take for a service, and no editor's or packager's copy. */
static int
is_service(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return *name != '.' && name[strlen(name) - 1] != '~' && strstr(name, ".dpkg-") == NULL;
}

void
doctor_pam(struct doctor *doctor)
{
	struct dirent **entries = NULL;
	int n = scandir(doctor->pam_dir, &entries, is_service, alphasort);

	if (n < 0)
		doctor_blind(doctor, "'%s': %s", doctor->pam_dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		check_service(doctor, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}
