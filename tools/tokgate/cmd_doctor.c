/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "doctor.h"
#include "json.h"

static int run(struct cli *cli);

enum { OPT_ETC, OPT_PAM_DIR, OPT_MODULE };

static const struct cli_option options[] = {
	[OPT_ETC] = { "etc", "DIR", "look at PAM's and the servers' files there (/etc)", false },
	[OPT_PAM_DIR] = { "pam-dir", "DIR", "look at PAM's service files there (/etc/pam.d)",
	    false },
	[OPT_MODULE] = { "module", "FILE",
	    "look at this module (" PAM_MODULE_DIR "/pam_tokgate.so)", false },
};

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.synopsis = "doctor [--etc DIR] [--pam-dir DIR] [--module FILE]",
	.about =
	    "Look for what is wrong with store, module, doors and daemon, and say how to mend it.",
	.more = "Exit status 1 means that something was found, 3 that not all could be looked at.",
	.example = "tokgate doctor",
	.options = options,
	.noptions = CLI_COUNT(options),
	.run = run,
};

/* ---- reporting --------------------------------------------------------- */

static bool
is_new(struct doctor *doctor, const char *text)
{
	char **seen;

	for (size_t i = 0; i < doctor->nfindings; i++) {
		if (strcmp(doctor->seen[i], text) == 0)
			return false;
	}
	seen = reallocarray(doctor->seen, doctor->nfindings + 1, sizeof(*seen));
	if (seen == NULL)
		exit(cli_fail(CLI_COULD_NOT, "out of memory"));
	doctor->seen = seen;
	seen[doctor->nfindings] = cli_calloc(1, strlen(text) + 1);
	strcpy(seen[doctor->nfindings++], text);
	return true;
}

void
doctor_find(struct doctor *doctor, const char *check, const char *where, const char *problem,
    const char *fix)
{
	char text[PATH_MAX + 600];
	struct json *json;

	snprintf(text, sizeof(text), "%s: %s", where, problem);
	if (!is_new(doctor, text))
		return;
	if (!doctor->cli->json) {
		printf("%s (%s)\n  fix: %s\n", text, check, fix);
		return;
	}
	json = json_new();
	json_text(json, "check", check);
	json_text(json, "where", where);
	json_text(json, "problem", problem);
	json_text(json, "fix", fix);
	if (json_print(&json) != CLI_DONE)
		doctor->code = CLI_COULD_NOT;
}

void
doctor_blind(struct doctor *doctor, const char *fmt, ...)
{
	char text[PATH_MAX + 200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_fail(CLI_COULD_NOT, "could not look at %s", text);
	doctor->blind = true;
}

/* ---- configuration and store ------------------------------------------- */

static bool
is_trusted(const struct doctor *doctor, uid_t uid)
{
	return uid == 0 || uid == geteuid() || uid == tg_service_uid(doctor->cli->tg);
}

static void
find_owner(struct doctor *doctor, const char *where, uid_t uid)
{
	char problem[100];

	snprintf(problem, sizeof(problem),
	    "belongs to uid %" PRIu32 ", neither root nor the configured one", (uint32_t)uid);
	doctor_find(doctor, "store-owner", where, problem,
	    "run 'tokgate init --user USER' with the account that shall own it");
}

static void
find_mode(struct doctor *doctor, const char *where, mode_t mode)
{
	char problem[100];

	snprintf(problem, sizeof(problem), "has mode %04o, open to others than its owner",
	    (unsigned int)mode & 07777);
	doctor_find(doctor, "store-mode", where, problem,
	    "run 'tokgate init', which sets owner and modes");
}

static void
look_at_entry(struct doctor *doctor, int dir, const char *path, const char *name, uid_t owner)
{
	char where[PATH_MAX + NAME_MAX + 2];
	struct stat st;

	snprintf(where, sizeof(where), "%s/%s", path, name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		doctor_blind(doctor, "'%s': %s", where, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		doctor_find(doctor, "store-file", where, "is not a regular file", "take it away");
	else if (st.st_uid != owner)
		find_owner(doctor, where, st.st_uid);
	else if ((st.st_mode & 077) != 0)
		find_mode(doctor, where, st.st_mode);
}

static void
look_at_files(struct doctor *doctor, const char *path, uid_t owner)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL) {
		doctor_blind(doctor, "'%s': %s", path, strerror(errno));
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			look_at_entry(doctor, dirfd(dir), path, entry->d_name, owner);
	}
	closedir(dir);
}

static bool
pass_token(void *arg, const struct tg_token *token)
{
	(void)arg;
	(void)token;
	return true;
}

static bool
pass_entry(void *arg, const struct tg_entry *entry)
{
	(void)arg;
	(void)entry;
	return true;
}

/* All of it once, for what cannot be read. */
static void
read_store(struct doctor *doctor, const char *path)
{
	struct tg *tg = doctor->cli->tg;
	char prefix[TG_PREFIX_MAX + 1];

	if (tg_prefix(tg, prefix) != TG_OK)
		doctor_find(doctor, "store-open", path, tg_detail(tg),
		    "if it is damaged: move it away, run 'tokgate init' and issue tokens anew");
	else if (tg_each(tg, NULL, pass_token, NULL) != TG_OK)
		doctor_find(doctor, "store-token", path, tg_detail(tg),
		    "it lets nobody in; issue a new one in its place");
	else if (tg_log(tg, pass_entry, NULL) != TG_OK)
		doctor_find(doctor, "store-log", path, tg_detail(tg),
		    "tokens work; the log of changes ends there");
}

static void
check_store(struct doctor *doctor)
{
	const char *path = tg_store_dir(doctor->cli->tg);
	size_t before = doctor->nfindings;
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno != ENOENT) {
			doctor_blind(doctor, "'%s': %s", path, strerror(errno));
			return;
		}
		doctor_find(doctor, "store", path, "there is no store", "run 'tokgate init'");
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		doctor_find(doctor, "store", path, "is not a directory",
		    "take it away and run 'tokgate init'");
		return;
	}
	if (!is_trusted(doctor, st.st_uid))
		find_owner(doctor, path, st.st_uid);
	if ((st.st_mode & 077) != 0)
		find_mode(doctor, path, st.st_mode);
	look_at_files(doctor, path, st.st_uid);
	if (doctor->nfindings == before && !doctor->blind)
		read_store(doctor, path);
}

static void
check_config(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	const char *path = cli->config != NULL ? cli->config : TG_CONFIG_FILE;

	doctor->no_config = tg_open(cli->config, cli->store, &cli->tg) != TG_OK;
	if (!doctor->no_config)
		check_store(doctor);
	else if (cli->tg != NULL)
		doctor_find(doctor, "config", path, tg_detail(cli->tg), "see tokgate.conf(5)");
	else
		doctor_blind(doctor, "'%s': out of memory", path);
}

/* ---- module and clock -------------------------------------------------- */

static void
check_entry_points(struct doctor *doctor, const char *path)
{
	static const char *const names[] = { "pam_sm_authenticate", "pam_sm_setcred",
		"pam_sm_acct_mgmt", "pam_sm_open_session", "pam_sm_close_session" };
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	char problem[60];

	if (module == NULL) {
		doctor_find(doctor, "module-load", path, dlerror(),
		    "install the module and the libraries that it names");
		return;
	}
	for (size_t i = 0; i < CLI_COUNT(names); i++) {
		snprintf(problem, sizeof(problem), "has no %s", names[i]);
		if (dlsym(module, names[i]) == NULL)
			doctor_find(doctor, "module-load", path, problem,
			    "install the module again");
	}
	dlclose(module);
}

static void
check_module(struct doctor *doctor)
{
	const char *name = doctor->module;
	char path[PATH_MAX];
	struct stat st;

	/* Without a slash dlopen(3) would search for it. */
	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') == NULL ? "./" : "", name);
	if (stat(path, &st) != 0)
		doctor_find(doctor, "module", name, strerror(errno), "install the module");
	else if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022) != 0)
		doctor_find(doctor, "module-mode", name, "others than root can change it",
		    "chown root, chmod 0644");
	else
		check_entry_points(doctor, path);
}

/* 2025-01-01T00:00:00Z: no tokgate is older. */
static const int64_t oldest = 1735689600;

static void
check_clock(struct doctor *doctor)
{
	char now[TG_TIME_MAX + 1];
	char problem[60 + TG_TIME_MAX];

	tg_format_when(time(NULL), now);
	snprintf(problem, sizeof(problem), "it says %s; tokens are judged by it", now);
	if (time(NULL) < oldest)
		doctor_find(doctor, "clock", "the system's clock", problem,
		    "set it, and keep it by NTP");
}

static void (*const checks[])(struct doctor *doctor) = {
	check_config,
	check_module,
	check_clock,
	doctor_pam,
	doctor_servers,
	doctor_daemon,
};

static int
run(struct cli *cli)
{
	const char *module = cli_value(cli, OPT_MODULE);
	const char *etc = cli_value(cli, OPT_ETC);
	const char *pam_dir = cli_value(cli, OPT_PAM_DIR);
	char below[PATH_MAX];
	struct doctor doctor = {
		.cli = cli,
		.module = module != NULL ? module : PAM_MODULE_DIR "/pam_tokgate.so",
		.etc = etc != NULL ? etc : "/etc",
		.pam_dir = pam_dir != NULL ? pam_dir : below,
	};

	snprintf(below, sizeof(below), "%s/pam.d", doctor.etc);
	for (size_t i = 0; i < CLI_COUNT(checks); i++)
		checks[i](&doctor);
	for (size_t i = 0; i < doctor.nfindings; i++)
		free(doctor.seen[i]);
	free(doctor.seen);
	if (doctor.code != CLI_DONE || doctor.blind)
		return CLI_COULD_NOT;
	if (doctor.nfindings > 0)
		return CLI_NO;
	if (!cli->json)
		puts("nothing wrong with configuration, store, module, clock, PAM files, servers "
		     "and tokgated");
	return CLI_DONE;
}
