/* SPDX-License-Identifier: ISC */
/* tokgated - answer checks on a socket; see tokgated(8) */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "tokgated.h"

enum { EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("tokgated: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A closed descriptor 0-2 would become one of the store's. */
static bool
fill_std_fds(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

/* Tokens pass through this memory: no core, no debugger, no way to more rights. */
static bool
harden(void)
{
	const struct rlimit none = { 0, 0 };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
}

/* Whom to become; a store of root's needs root. */
struct account {
	bool change;
	uid_t uid;
	gid_t gid;
};

static bool
find_account(uint32_t uid, struct account *out)
{
	const struct passwd *pw;

	*out = (struct account) { .change = geteuid() == 0 && uid != 0, .uid = uid };
	if (!out->change)
		return true;
	if ((pw = getpwuid(uid)) == NULL) {
		say("the configuration's uid %u is no user of this system", uid);
		return false;
	}
	out->gid = pw->pw_gid;
	return true;
}

static bool
settle(void *arg)
{
	const struct account *a = arg;

	if (a->change &&
	    (setgroups(0, NULL) != 0 || setresgid(a->gid, a->gid, a->gid) != 0 ||
		setresuid(a->uid, a->uid, a->uid) != 0)) {
		say("cannot become uid %u: %s", a->uid, strerror(errno));
		return false;
	}
	/* After the change of user, which would turn it on again. */
	return prctl(PR_SET_DUMPABLE, 0) == 0;
}

/* Blocked before the fork, so that both processes end by the one that reads them. */
static int
take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
run(const char *config)
{
	struct sockets sockets = { 0 };
	struct account account;
	struct tg *tg = NULL;
	int signals = -1, consumer = -1, code = EXIT_COULD_NOT;

	if (tg_open(config, NULL, &tg) != TG_OK) {
		say("%s", tg_detail(tg));
		goto out;
	}
	if (!find_account(tg_service_uid(tg), &account))
		goto out;
	if ((signals = take_signals()) < 0) {
		say("cannot start: %s", strerror(errno));
		goto out;
	}
	if ((consumer = consumer_start(config, settle, &account)) < 0 ||
	    !sockets_open(tg, &sockets) || !settle(&account))
		goto out;
	/* A store that is not there yet may come: until then the answer is "unavailable". */
	if (tg_hold(tg) != TG_OK)
		say("%s", tg_detail(tg));
	code = loop_run(tg, &sockets, consumer, signals);
out:
	if (consumer >= 0)
		close(consumer);
	sockets_close(&sockets);
	tg_close(&tg);
	return code;
}

static const char usage[] =
    "usage: tokgated [--config FILE]\n"
    "Answer checks on the sockets of the configuration, in the foreground.\n"
    "  --config FILE  instead of " TG_CONFIG_FILE "\n"
    "  --help, --version\n"
    "Example: tokgated --config /etc/tokgate/tokgate.conf\n";

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	const char *config = NULL;
	int option;

	if (!fill_std_fds() || !harden())
		return EXIT_COULD_NOT;
	openlog("tokgated", LOG_PID, LOG_AUTHPRIV);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'v':
			puts("tokgated " TG_VERSION);
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	if (optind < argc) {
		say("unexpected argument '%s'", argv[optind]);
		return EXIT_USAGE;
	}
	return run(config);
}
