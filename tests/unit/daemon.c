/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "daemon.h"
#include "wire.h"

enum { TOO_LONG_MS = 60000 };

static char program[PATH_MAX], path[108], said_path[108], said[1 << 16];
static uid_t service_uid;
static gid_t service_gid;
static pid_t daemon_process = -1, spawned = -1;

uint32_t
daemon_uid(void)
{
	return service_uid;
}

const char *
daemon_socket(void)
{
	return path;
}

const char *
daemon_program(void)
{
	return program;
}

pid_t
daemon_pid(void)
{
	return daemon_process;
}

/* ---- a world of our own ---- */

static char world[64];
static int log_socket = -1;

enum { LINES_KEPT = 4096 };
static char lines[LINES_KEPT][AUDIT_MAX + 1];
static volatile int nlines;

static void *
read_log(void *arg)
{
	char message[2048], *at;
	ssize_t n;

	(void)arg;
	while ((n = recv(log_socket, message, sizeof(message) - 1, 0)) >= 0) {
		message[n] = '\0';
		if ((at = strstr(message, "tokgate: ")) == NULL)
			continue;
		snprintf(lines[nlines % LINES_KEPT], sizeof(lines[0]), "%s", at);
		__atomic_add_fetch(&nlines, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* /dev with nothing in it but what a daemon needs, and our log. */
static bool
make_dev(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dev[80], null[96];
	pthread_t reader;

	snprintf(dev, sizeof(dev), "%s/dev", world);
	snprintf(null, sizeof(null), "%s/null", dev);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/log", dev);
	if (mkdir(dev, 0755) != 0 || chmod(dev, 0755) != 0)
		return false;
	place_write(null, "", 0);
	if (mount("/dev/null", null, NULL, MS_BIND, NULL) != 0 ||
	    (log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0 ||
	    bind(log_socket, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    chmod(addr.sun_path, 0666) != 0 ||
	    mount(dev, "/dev", NULL, MS_BIND | MS_REC, NULL) != 0)
		return false;
	return pthread_create(&reader, NULL, read_log, NULL) == 0;
}

/* Where it cannot be had, the tests go without what it gives. */
static void
make_world(void)
{
	snprintf(world, sizeof(world), "/tmp/tokgate-unit-XXXXXX");
	assert_non_null(mkdtemp(world));
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tokgate", world, "tmpfs", 0, "mode=0711") != 0)
		return;
	assert_int_equal(setenv("TMPDIR", world, 1), 0);
	if (!make_dev()) {
		close(log_socket);
		log_socket = -1;
	}
}

static int
enter_world(void **state)
{
	struct passwd *pw;
	char *slash;
	int i;

	(void)state;
	assert_true(readlink("/proc/self/exe", program, sizeof(program) - 16) > 0);
	for (i = 0; i < 2; i++) {
		assert_non_null(slash = strrchr(program, '/'));
		*slash = '\0';
	}
	strcat(program, "/tokgated");
	assert_non_null(pw = getpwnam("daemon"));
	service_uid = pw->pw_uid;
	service_gid = pw->pw_gid;
	make_world();
	return 0;
}

static int
leave_world(void **state)
{
	(void)state;
	umount2("/dev", MNT_DETACH);
	umount2(world, MNT_DETACH);
	return rmdir(world);
}

static void
needs_root(void **state)
{
	(void)state;
	SKIP("needs root");
}

int
daemon_run(const char *name, struct CMUnitTest *tests, size_t n)
{
	size_t i;

	if (place_is_root())
		return _cmocka_run_group_tests(name, tests, n, enter_world, leave_world);
	for (i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest)TEST(tests[i].name, needs_root);
	return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

bool
daemon_logged(void)
{
	return log_socket >= 0;
}

unsigned
daemon_lines(void)
{
	return (unsigned)__atomic_load_n(&nlines, __ATOMIC_ACQUIRE);
}

const char *
daemon_line(unsigned i)
{
	return place_await(&nlines, (int)i + 1) ? lines[i % LINES_KEPT] : NULL;
}

/* ---- the place ---- */

void
daemon_configure(const char *more)
{
	char text[1024];
	int n;

	n = snprintf(text, sizeof(text), "store = %s\nuid = %u\nsocket = %s\ntrusted = %u\n%s",
	    place_store(), service_uid, path, TRUSTED, more);
	assert_true(n > 0 && n < (int)sizeof(text));
	place_write(place_config(), text, (size_t)n);
}

void
daemon_own(void)
{
	struct tg *tg = place_open();
	bool made;

	ROW(tg_init(tg, service_uid, service_gid, NULL, "root", &made) == TG_OK, "%s",
	    tg_detail(tg));
	tg_close(&tg);
}

void
daemon_renew(void)
{
	place_clear();
	place_init();
	daemon_own();
}

int
daemon_house(void **state)
{
	if (place_setup(state) != 0)
		return -1;
	assert_int_equal(chmod(place_top(), 0711), 0);
	snprintf(path, sizeof(path), "%s/run/check", place_top());
	snprintf(said_path, sizeof(said_path), "%s/said", place_top());
	place_write(said_path, "", 0);
	daemon_configure("");
	assert_int_equal(chmod(place_config(), 0644), 0);
	daemon_own();
	return 0;
}

int
daemon_leave(void **state)
{
	char dir[sizeof(path)];

	/* A test may have failed before it was done with it. */
	if (spawned > 0 && waitpid(spawned, NULL, WNOHANG) == 0)
		place_kill(spawned);
	spawned = daemon_process = -1;
	unlink(path);
	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	rmdir(dir);
	unlink(said_path);
	return place_teardown(state);
}

int
daemon_serve(void **state)
{
	if (daemon_house(state) != 0)
		return -1;
	daemon_start();
	return 0;
}

int
daemon_dismiss(void **state)
{
	if (daemon_process > 0)
		daemon_stop();
	return daemon_leave(state);
}

/* ---- the process ---- */

const char *
daemon_said(void)
{
	size_t len;
	uint8_t *text = place_read(said_path, &len);

	if (len >= sizeof(said))
		len = sizeof(said) - 1;
	memcpy(said, text, len);
	said[len] = '\0';
	free(text);
	return said;
}

/* The sanitizer's search for leaks is a debugger, which the daemon does not let near. */
static void
no_leak_search(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char more[512];

	snprintf(more, sizeof(more), "%s:detect_leaks=0", options != NULL ? options : "");
	setenv("ASAN_OPTIONS", more, 1);
}

pid_t
daemon_spawn(const char *const *arguments, void (*prepare)(void))
{
	char *argv[8] = { program };
	int err, null, i;
	pid_t pid;

	for (i = 0; arguments[i] != NULL; i++)
		argv[i + 1] = (char *)(uintptr_t)arguments[i];
	fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid > 0)
		return spawned = pid;
	null = open("/dev/null", O_RDWR);
	err = open(said_path, O_WRONLY | O_APPEND);
	if (null < 0 || err < 0 || dup2(null, 0) < 0 || dup2(err, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	closefrom(3);
	if (PLACE_SANITIZED)
		no_leak_search();
	if (prepare != NULL)
		prepare();
	execv(program, argv);
	_exit(127);
}

static bool
answers(const char *socket_path)
{
	const struct wire_question question = { .kind = WIRE_ASK };
	uint8_t message[TG_MESSAGE_MAX], reply[TG_MESSAGE_MAX];
	int fd = daemon_connect(socket_path);
	bool yes;

	if (fd < 0)
		return false;
	yes = daemon_send(fd, message, wire_question_encode(&question, message)) &&
	    daemon_receive(fd, reply) > 0;
	close(fd);
	return yes;
}

bool
daemon_await(pid_t pid, const char *socket_path)
{
	int64_t end = place_ms() + TOO_LONG_MS;
	siginfo_t info;

	while (place_ms() < end) {
		if (answers(socket_path))
			return true;
		memset(&info, 0, sizeof(info));
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid != 0)
			return false;
		place_pause();
	}
	return false;
}

void
daemon_start(void)
{
	const char *const arguments[] = { "--config", place_config(), NULL };

	daemon_process = daemon_spawn(arguments, NULL);
	ROW(daemon_await(daemon_process, path), "no tokgated: %s", daemon_said());
}

void
daemon_stop(void)
{
	pid_t pid = daemon_process;
	int code;

	daemon_process = -1;
	assert_int_equal(kill(pid, SIGTERM), 0);
	code = place_wait(pid);
	ROW(code == 0, "tokgated ended with %d: %s", code, daemon_said());
}

void
daemon_kill(void)
{
	pid_t pid = daemon_process;

	daemon_process = -1;
	place_kill(pid);
}

pid_t
daemon_consumer(pid_t of)
{
	char name[64], children[64] = "";
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", of, of);
	assert_true((fd = open(name, O_RDONLY)) >= 0);
	assert_true(read(fd, children, sizeof(children) - 1) > 0);
	close(fd);
	return atoi(children);
}

static unsigned
count_fds(pid_t pid)
{
	char name[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	assert_non_null(dir = opendir(name));
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

unsigned
daemon_fds(pid_t pid)
{
	unsigned n = count_fds(pid), now, same;

	for (same = 0; same < 20; same = now == n ? same + 1 : 0, n = now) {
		place_pause();
		now = count_fds(pid);
	}
	return n;
}

bool
daemon_fds_become(pid_t pid, unsigned n)
{
	int64_t end = place_ms() + WATCHDOG_MS;

	while (count_fds(pid) != n) {
		if (place_ms() >= end)
			return false;
		place_pause();
	}
	return true;
}

/* ---- asking ---- */

static void
keep_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

struct tg *
daemon_client(void)
{
	struct tg *tg;

	ROW(tg_open(place_config(), NULL, &tg) == TG_OK, "%s", tg_detail(tg));
	tg_set_log(tg, keep_nothing, NULL);
	return tg;
}

enum tg_status
daemon_check_as(uint32_t uid, struct tg *tg, const char *text, const struct tg_request *req,
    struct tg_grant *grant)
{
	enum tg_status r;

	memset(grant, 0xff, sizeof(*grant));
	assert_int_equal(seteuid(uid), 0);
	r = tg_check(tg, text, strlen(text), req, grant);
	assert_int_equal(seteuid(0), 0);
	return r;
}

enum tg_status
daemon_ask_as(uint32_t uid, struct tg *tg, const char *ticket, struct tg_grant *grant)
{
	enum tg_status r;

	memset(grant, 0xff, sizeof(*grant));
	assert_int_equal(seteuid(uid), 0);
	r = tg_ask(tg, ticket, grant);
	assert_int_equal(seteuid(0), 0);
	return r;
}

enum tg_status
daemon_check(struct tg *tg, const char *text)
{
	static const struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo"
	};
	struct tg_grant grant;

	return daemon_check_as(GUEST, tg, text, &req, &grant);
}

bool
daemon_become(uint32_t uid)
{
	return setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
	    setresuid(uid, uid, uid) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == 0; /* which that has taken back */
}

int
daemon_connect(const char *socket_path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(addr.sun_path, socket_path, sizeof(addr.sun_path) - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool
daemon_send(int fd, const void *message, size_t len)
{
	return send(fd, message, len, MSG_NOSIGNAL) == (ssize_t)len;
}

size_t
daemon_receive(int fd, uint8_t reply[static TG_MESSAGE_MAX])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, WATCHDOG_MS) != 1)
		fail_msg("neither reply nor end");
	n = recv(fd, reply, TG_MESSAGE_MAX, 0);
	return n > 0 ? (size_t)n : 0;
}

size_t
daemon_question(const char *text, uint8_t message[static TG_MESSAGE_MAX])
{
	struct wire_question q = {
		.kind = WIRE_CHECK, .service = "sftp", .action = "upload", .resource = "demo"
	};

	assert_true(strlen(text) < sizeof(q.token));
	strcpy(q.token, text);
	return wire_question_encode(&q, message);
}

/* The second process takes one after the other. */
void
daemon_settle(struct tg *tg, const struct issued *limited)
{
	assert_int_equal(daemon_check(tg, limited->text), TG_OK);
}
