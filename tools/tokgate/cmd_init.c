/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"

static int run(struct cli *cli);

enum { OPT_USER };

static const struct cli_option options[] = {
	[OPT_USER] = { "user", "USER",
	    "who owns the store (tokgate if that account exists, else root)", false },
};

const struct cli_command cmd_init = {
	.name = "init",
	.synopsis = "init [--user USER]",
	.about = "Make the store; set owner and modes of one that exists.",
	.more =
	    "The check trusts a store of root, or of the uid that the configuration names: where\n"
	    "there is no configuration yet, one that names the owner is made.",
	.example = "tokgate init",
	.options = options,
	.noptions = CLI_COUNT(options),
	.run = run,
};

static const char service_account[] = "tokgate";

/* What this run made, to be taken away again if the store cannot be made. */
struct made {
	const char *config; /* NULL: nothing */
	char dir[PATH_MAX]; /* "": nothing */
};

static int
find_owner(const struct cli *cli, uid_t *uid, gid_t *gid)
{
	const char *user = cli_value(cli, OPT_USER);
	const struct passwd *pw = getpwnam(user != NULL ? user : service_account);

	if (pw == NULL && user != NULL)
		return cli_fail(CLI_USAGE, "no such user: '%s'", user);
	*uid = pw != NULL ? pw->pw_uid : 0;
	*gid = pw != NULL ? pw->pw_gid : 0;
	return CLI_DONE;
}

static int
make_config_dir(const char *config, struct made *made)
{
	char copy[PATH_MAX];
	const char *dir;

	if (!cli_copy(config, sizeof(copy), copy))
		return cli_fail(CLI_COULD_NOT, "path too long: '%s'", config);
	dir = dirname(copy);
	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST ?
		    CLI_DONE :
		    cli_fail(CLI_COULD_NOT, "cannot make '%s': %s", dir, strerror(errno));
	cli_copy(dir, sizeof(made->dir), made->dir);
	if (chmod(dir, 0755) != 0)
		return cli_fail(CLI_COULD_NOT, "cannot set the mode of '%s': %s", dir,
		    strerror(errno));
	return CLI_DONE;
}

/* A configuration of one line, unless there is a file already. */
static int
make_config(const char *config, uid_t uid, struct made *made)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "uid = %" PRIu32 "\n", (uint32_t)uid);
	int code = CLI_DONE;
	int fd;

	if (access(config, F_OK) == 0)
		return CLI_DONE;
	code = make_config_dir(config, made);
	if (code != CLI_DONE)
		return code;
	fd = open(config, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return cli_fail(CLI_COULD_NOT, "cannot make '%s': %s", config, strerror(errno));
	made->config = config;
	if (write(fd, line, (size_t)len) != len || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
		code = cli_fail(CLI_COULD_NOT, "cannot write '%s': %s", config, strerror(errno));
	close(fd);
	return code;
}

static void
unmake_config(const struct made *made)
{
	if (made->config != NULL)
		unlink(made->config);
	if (made->dir[0] != '\0')
		rmdir(made->dir);
}

/* Root is trusted everywhere, and whoever runs this by his own programs. */
static bool
needs_config(uid_t uid)
{
	return uid != 0 && uid != geteuid();
}

static int
report(const struct cli *cli, uid_t uid, bool fresh, const struct made *made)
{
	const struct passwd *pw = getpwuid(uid);
	char owner[24];
	struct json *json;

	snprintf(owner, sizeof(owner), "#%" PRIu32, (uint32_t)uid);
	if (cli->json) {
		json = json_new();
		json_text(json, "store", tg_store_dir(cli->tg));
		json_flag(json, "made", fresh);
		json_text(json, "owner", pw != NULL ? pw->pw_name : owner);
		json_text(json, "config", made->config);
		return json_print(&json);
	}
	printf("store '%s' %s, owner %s%s%s%s\n", tg_store_dir(cli->tg),
	    fresh ? "made" : "exists already: owner and modes set",
	    pw != NULL ? pw->pw_name : owner, made->config != NULL ? "; made '" : "",
	    made->config != NULL ? made->config : "", made->config != NULL ? "'" : "");
	return CLI_DONE;
}

static int
make_store(struct cli *cli, uid_t uid, gid_t gid, bool *fresh)
{
	const char *config = cli->config != NULL ? cli->config : TG_CONFIG_FILE;
	char by[TG_BY_MAX + 1];
	enum tg_status status;
	int code = cli_open(cli);

	if (code != CLI_DONE)
		return code;
	cli_by(by);
	if (needs_config(uid) && tg_service_uid(cli->tg) != uid)
		return cli_fail(CLI_COULD_NOT,
		    "nothing done: first '%s' needs the line 'uid = %" PRIu32 "'", config,
		    (uint32_t)uid);
	status = tg_init(cli->tg, uid, gid, NULL, by, fresh);
	return status == TG_OK ? CLI_DONE : cli_refused(cli, status);
}

static int
run(struct cli *cli)
{
	struct made made = { 0 };
	bool fresh = false;
	uid_t uid = 0;
	gid_t gid = 0;
	int code = find_owner(cli, &uid, &gid);

	if (code != CLI_DONE)
		return code;
	if (needs_config(uid))
		code = make_config(cli->config != NULL ? cli->config : TG_CONFIG_FILE, uid, &made);
	if (code == CLI_DONE)
		code = make_store(cli, uid, gid, &fresh);
	if (code != CLI_DONE) {
		unmake_config(&made);
		return code;
	}
	return report(cli, uid, fresh, &made);
}
