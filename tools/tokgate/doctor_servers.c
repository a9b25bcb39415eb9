/* SPDX-License-Identifier: ISC */
/*
 * doctor_servers.c - settings of servers that undo what a token promises
 *
 * Only of servers whose PAM service uses the module: what others do with
 * passwords is none of ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor.h"
#include "serverfile.h"

/* ---- what is wrong with a setting ------------------------------------- */

static bool
is_yes(const char *word)
{
	return strcasecmp(word, "on") == 0 || strcasecmp(word, "yes") == 0 ||
	    strcasecmp(word, "true") == 0 || strcasecmp(word, "double") == 0;
}

static bool
turned_on(const struct server_line *line)
{
	return line->nwords > 1 && is_yes(line->words[1]);
}

static bool
not_off(const struct server_line *line)
{
	return line->nwords < 2 ||
	    (strcasecmp(line->words[1], "off") != 0 && strcasecmp(line->words[1], "no") != 0);
}

static bool
not_zero(const struct server_line *line)
{
	return line->nwords > 1 && strtod(line->words[1], NULL) > 0;
}

static bool
names_pam(const struct server_line *line)
{
	for (size_t i = 1; i < line->nwords; i++) {
		if (strcasecmp(line->words[i], "PAM") == 0)
			return true;
	}
	return false;
}

/* In a list of modules: PAM, without the star that makes its no final. */
static bool
pam_not_final(const struct server_line *line)
{
	for (size_t i = 1; i < line->nwords; i++) {
		if (strcmp(line->words[i], "mod_auth_pam.c*") == 0)
			return false;
	}
	return true;
}

/* saslauthd -c, in the options of its init script. */
static bool
has_cache_option(const struct server_line *line)
{
	const char *p = line->nwords > 1 ? line->words[1] : "";

	for (; (p = strstr(p, "-c")) != NULL; p++) {
		if (p == line->words[1] || p[-1] == ' ')
			return true;
	}
	return false;
}

/* ---- the servers ------------------------------------------------------ */

enum which {
	EVERY,    /* each line with it */
	LAST,     /* the last one, which is the one that holds */
	REQUIRED, /* each, and that there is none */
};

static const struct setting {
	const char *word;
	bool (*wrong)(const struct server_line *line);
	enum which which;
	const char *check, *problem, *fix;
} apache[] = {
	{ "AuthnCacheProvideFor", names_pam, EVERY, "server-cache",
	    "keeps the passwords that PAM took: a revoked token stays good until the cache forgets it",
	    "take PAM out of it, or run 'a2dismod authn_socache'" },
	{ "HostnameLookups", turned_on, EVERY, "server-names",
	    "PAM gets a name in the place of the client's address: tokens bound to addresses are refused",
	    "HostnameLookups Off" },
	{ .word = NULL },
}, nginx[] = {
	{ "auth_pam_set_pam_env", turned_on, EVERY, "server-crash",
	    "the code behind it trips over a request without Host", "take the line out" },
	{ .word = NULL },
}, dovecot[] = {
	{ "auth_cache_size", not_zero, LAST, "server-cache",
	    "keeps the passwords that were good: a revoked token stays good until the cache forgets it",
	    "auth_cache_size = 0" },
	{ "auth_debug_passwords", turned_on, LAST, "server-secrets", "writes tokens to the log",
	    "auth_debug_passwords = no" },
	{ "auth_verbose_passwords", not_off, LAST, "server-secrets", "writes tokens to the log",
	    "auth_verbose_passwords = no" },
	{ .word = NULL },
}, proftpd[] = {
	{ "AuthOrder", pam_not_final, REQUIRED, "server-leak",
	    "a password that PAM refuses is shown to other modules", "AuthOrder mod_auth_pam.c* mod_auth_unix.c" },
	{ "UseReverseDNS", not_off, REQUIRED, "server-names",
	    "PAM gets a name in the place of the client's address: tokens bound to addresses are refused",
	    "UseReverseDNS off" },
	{ .word = NULL },
}, saslauthd[] = {
	{ "OPTIONS", has_cache_option, LAST, "server-cache",
	    "keeps the passwords that were good: a revoked token stays good for eight hours",
	    "take -c out of it" },
	{ .word = NULL },
};

static const struct server {
	struct serverfile file; /* but for `etc` */
	const char *service;    /* the setting that names its PAM service, */
	const char *usual[4];   /* and services that it takes without one */
	bool root;              /* its PAM checks run as root */
	const struct setting *settings;
} servers[] = {
	{ { .main = "apache2/apache2.conf", .includes = " Include IncludeOptional " },
	    "AuthPAMService", { NULL }, false, apache },
	{ { .main = "nginx/nginx.conf", .includes = " include " }, "auth_pam_service_name",
	    { NULL }, false, nginx },
	{ { .main = "dovecot/dovecot.conf", .includes = " !include !include_try ", .beside = true },
	    NULL, { "dovecot", "imap", "pop3" }, true, dovecot },
	{ { .main = "proftpd/proftpd.conf", .includes = " Include " }, "AuthPAMConfig",
	    { "proftpd" }, true, proftpd },
	{ { .main = "default/saslauthd", .includes = "" }, NULL, { "smtp", "imap", "ldap" }, true,
	    saslauthd },
};

enum { SETTINGS_MAX = 8 };

/* One server on its way. */
struct look {
	struct doctor *doctor;
	const struct server *server;
	bool is_here; /* it has a configuration */
	bool ours;    /* one of its PAM services uses the module */
	bool seen[SETTINGS_MAX];
	char last[SETTINGS_MAX][PATH_MAX + 24]; /* where the last one is, if it is wrong */
	/* Dovecot's passdb blocks. */
	bool in_passdb, is_pam, is_final;
	char open_pam[PATH_MAX + 24]; /* a pam passdb behind which the next one is asked */
	char passdb[PATH_MAX + 24];
};

/* ---- is it ours? ------------------------------------------------------- */

static void
find_service(void *arg, const struct server_line *line)
{
	struct look *look = arg;
	const char *word = look->server->service;

	look->is_here = true;
	if (word == NULL || line->nwords < 2 || strcasecmp(line->words[0], word) != 0 ||
	    !doctor_pam_uses(look->doctor, line->words[1]))
		return;
	look->ours = true;
	if (!look->server->root && *look->doctor->unprivileged == '\0')
		snprintf(look->doctor->unprivileged, sizeof(look->doctor->unprivileged), "%s",
		    line->where);
}

static bool
usually_ours(const struct look *look)
{
	for (size_t i = 0; i < CLI_COUNT(look->server->usual); i++) {
		if (look->server->usual[i] != NULL &&
		    doctor_pam_uses(look->doctor, look->server->usual[i]))
			return true;
	}
	return false;
}

/* ---- its settings ------------------------------------------------------- */

static void
judge(struct look *look, size_t i, const struct server_line *line)
{
	const struct setting *setting = &look->server->settings[i];
	bool wrong = setting->wrong(line);

	look->seen[i] = true;
	if (setting->which == LAST)
		snprintf(look->last[i], sizeof(look->last[i]), "%s", wrong ? line->where : "");
	else if (wrong)
		doctor_find(look->doctor, setting->check, line->where, setting->problem,
		    setting->fix);
}

/* A passdb behind one of PAM's that lets a refusal through. */
static void
end_passdb(struct look *look)
{
	if (*look->open_pam != '\0')
		doctor_find(look->doctor, "server-leak", look->open_pam,
		    "a password that PAM refuses is shown to the next passdb",
		    "result_failure = return-fail, result_internalfail = return-fail");
	snprintf(look->open_pam, sizeof(look->open_pam), "%s",
	    look->is_pam && !look->is_final ? look->passdb : "");
	look->in_passdb = false;
}

static void
look_at_passdb(struct look *look, const struct server_line *line)
{
	const char *word = line->words[0], *value = line->nwords > 1 ? line->words[1] : "";

	if (strcmp(word, "passdb") == 0) {
		look->in_passdb = true;
		look->is_pam = look->is_final = false;
		snprintf(look->passdb, sizeof(look->passdb), "%s", line->where);
	} else if (!look->in_passdb) {
		return;
	} else if (strcmp(word, "driver") == 0) {
		look->is_pam = strcmp(value, "pam") == 0;
	} else if (strcmp(word, "result_failure") == 0) {
		look->is_final = strcmp(value, "return-fail") == 0 || strcmp(value, "return") == 0;
	} else if (strcmp(word, "}") == 0) {
		end_passdb(look);
	}
}

static void
look_at_line(void *arg, const struct server_line *line)
{
	struct look *look = arg;
	const struct setting *settings = look->server->settings;

	for (size_t i = 0; settings[i].word != NULL; i++) {
		if (strcasecmp(line->words[0], settings[i].word) == 0)
			judge(look, i, line);
	}
	if (settings == dovecot)
		look_at_passdb(look, line);
}

/* What only the end of the files tells. */
static void
look_back(struct look *look)
{
	const struct setting *settings = look->server->settings;
	char where[PATH_MAX];

	snprintf(where, sizeof(where), "%s/%s", look->doctor->etc, look->server->file.main);
	for (size_t i = 0; settings[i].word != NULL; i++) {
		if (*look->last[i] != '\0')
			doctor_find(look->doctor, settings[i].check, look->last[i],
			    settings[i].problem, settings[i].fix);
		if (settings[i].which == REQUIRED && !look->seen[i])
			doctor_find(look->doctor, settings[i].check, where, settings[i].problem,
			    settings[i].fix);
	}
}

static void
look_at_server(struct look *look)
{
	struct serverfile file = look->server->file;
	char unread[PATH_MAX + 100];

	file.etc = look->doctor->etc;
	look->ours = usually_ours(look);
	if (!serverfile_each(&file, find_service, look, sizeof(unread), unread)) {
		doctor_blind(look->doctor, "%s", unread);
		return;
	}
	if (!look->is_here || !look->ours)
		return;
	(void)serverfile_each(&file, look_at_line, look, sizeof(unread), unread);
	look_back(look);
}

void
doctor_servers(struct doctor *doctor)
{
	struct look *look = cli_calloc(CLI_COUNT(servers), sizeof(*look));

	for (size_t i = 0; i < CLI_COUNT(servers); i++) {
		look[i].doctor = doctor;
		look[i].server = &servers[i];
		look_at_server(&look[i]);
	}
	free(look);
}
