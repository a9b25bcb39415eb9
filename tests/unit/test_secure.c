/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secure.h"

enum { SERVICE = 65001, STRANGER = 65002 };
enum kind { REGULAR, MISSING, LINK, HARD_LINK, FIFO, SOCKET, DIRECTORY, DEVICE };

static char top[] = "/tmp/tokgate-secure-XXXXXX";
static char dir[sizeof(top) + 8], path[sizeof(top) + 16];

/* A directory with one thing in it that is to be opened. */
struct scene {
	enum kind kind;
	mode_t mode, dir_mode;
	uid_t owner, dir_owner;
};

static void
make_thing(const struct scene *scene)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char target[sizeof(path) + 8];
	int fd;

	snprintf(target, sizeof(target), "%s.target", path);
	if (scene->kind == REGULAR || scene->kind == LINK || scene->kind == HARD_LINK) {
		fd = open(scene->kind == REGULAR ? path : target, O_CREAT | O_EXCL | O_RDWR, 0600);
		assert_true(fd != -1);
		assert_int_equal(write(fd, "text", 4), 4);
		assert_int_equal(fchmod(fd, scene->mode), 0);
		assert_int_equal(fchown(fd, scene->owner, 0), 0);
		close(fd);
	}
	switch (scene->kind) {
	case REGULAR:
	case MISSING:
		break;
	case LINK:
		assert_int_equal(symlink(target, path), 0);
		break;
	case HARD_LINK:
		assert_int_equal(link(target, path), 0);
		break;
	case FIFO:
		assert_int_equal(mkfifo(path, 0600), 0);
		break;
	case SOCKET:
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
		close(fd);
		break;
	case DIRECTORY:
		assert_int_equal(mkdir(path, 0700), 0);
		break;
	case DEVICE:
		assert_int_equal(mknod(path, S_IFCHR | 0600, 0x0103), 0);
		break;
	}
}

static void
clear_scene(void)
{
	char target[sizeof(path) + 8];

	snprintf(target, sizeof(target), "%s.target", path);
	unlink(target);
	if (unlink(path) == -1)
		rmdir(path);
	rmdir(dir);
}

static void
set_scene(const struct scene *scene)
{
	clear_scene(); /* of a test that failed */
	assert_int_equal(mkdir(dir, 0700), 0);
	make_thing(scene);
	assert_int_equal(chown(dir, scene->dir_owner, 0), 0);
	assert_int_equal(chmod(dir, scene->dir_mode), 0);
}

static int
make_top(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/d", mkdtemp(top));
	snprintf(path, sizeof(path), "%s/f", dir);
	return 0;
}

static int
remove_top(void **state)
{
	(void)state;
	return rmdir(top);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void
only_what_nobody_else_can_have_put_there_is_opened(void **state)
{
	static const struct {
		const char *name;
		struct scene scene;
		uid_t also_trusted;
		enum tg_status status;
		const char *detail; /* what it ends with */
	} rows[] = {
		{ "root's file", { REGULAR, 0600, 0755, 0, 0 }, 0, TG_OK, "" },
		{ "a file for all to read", { REGULAR, 0444, 0755, 0, 0 }, 0, TG_OK, "" },
		{ "the service user's", { REGULAR, 0600, 0700, SERVICE, SERVICE }, SERVICE, TG_OK,
		    "" },
		{ "root's in the service user's", { REGULAR, 0600, 0700, 0, SERVICE }, SERVICE,
		    TG_OK, "" },
		{ "in a sticky directory of root", { REGULAR, 0600, 01777, 0, 0 }, 0, TG_OK, "" },
		{ "a second name for a file", { HARD_LINK, 0600, 0755, 0, 0 }, 0, TG_OK, "" },
		{ "no file", { MISSING, 0, 0755, 0, 0 }, 0, TG_NO_MATCH,
		    "No such file or directory" },
		{ "a stranger's", { REGULAR, 0600, 0755, STRANGER, 0 }, 0, TG_MISCONFIGURED,
		    "owner is uid 65002, should be root" },
		{ "a stranger's, with a service user", { REGULAR, 0600, 0755, STRANGER, 0 },
		    SERVICE, TG_MISCONFIGURED, "owner is uid 65002, should be root or uid 65001" },
		{ "the service user's, not trusted", { REGULAR, 0600, 0755, SERVICE, 0 }, 0,
		    TG_MISCONFIGURED, "owner is uid 65001, should be root" },
		{ "group may write", { REGULAR, 0620, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "mode 0620, should not be writable for group or others" },
		{ "others may write", { REGULAR, 0602, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "mode 0602, should not be writable for group or others" },
		{ "group may write the directory", { REGULAR, 0600, 0775, 0, 0 }, 0,
		    TG_MISCONFIGURED, "mode 0775, should not be writable for group or others" },
		{ "others may write the directory", { REGULAR, 0600, 0757, 0, 0 }, 0,
		    TG_MISCONFIGURED, "mode 0757, should not be writable for group or others" },
		{ "a stranger's directory", { REGULAR, 0600, 0755, 0, STRANGER }, 0,
		    TG_MISCONFIGURED, "/d': owner is uid 65002, should be root" },
		{ "a stranger's sticky directory", { REGULAR, 0600, 01777, 0, STRANGER }, 0,
		    TG_MISCONFIGURED, "/d': owner is uid 65002, should be root" },
		{ "the service user's sticky directory", { REGULAR, 0600, 01777, 0, SERVICE },
		    SERVICE, TG_MISCONFIGURED,
		    "/d': mode 1777, should not be writable for group or others" },
		{ "no file in an unsafe directory", { MISSING, 0, 0777, 0, 0 }, 0, TG_MISCONFIGURED,
		    "/d': mode 0777, should not be writable for group or others" },
		{ "a symbolic link", { LINK, 0600, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "a symbolic link, should be a regular file" },
		{ "a FIFO", { FIFO, 0, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "not a regular file, should be one" },
		{ "a socket", { SOCKET, 0, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "not a regular file, should be one" },
		{ "a directory", { DIRECTORY, 0, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "not a regular file, should be one" },
		{ "a device", { DEVICE, 0, 0755, 0, 0 }, 0, TG_MISCONFIGURED,
		    "not a regular file, should be one" },
	};
	enum tg_status status;
	struct detail detail;
	int fd, before;
	char text[5];
	size_t i;

	(void)state;
	if (geteuid() != 0)
		SKIP("needs root");
	for (i = 0; i < ROWS(rows); i++) {
		memset(&detail, 0, sizeof(detail));
		set_scene(&rows[i].scene);
		before = open_fds();
		fd = 99;
		status = secure_open(path, rows[i].also_trusted, &fd, &detail);
		ROW(status == rows[i].status, "%s: %d %s", rows[i].name, status, detail.text);
		ROW(ends_with(detail.text, rows[i].detail), "%s: %s", rows[i].name, detail.text);
		if (status == TG_OK) {
			ROW(read(fd, text, sizeof(text)) == 4, "%s", rows[i].name);
			ROW(fcntl(fd, F_GETFD) == FD_CLOEXEC, "%s", rows[i].name);
			close(fd);
		} else
			ROW(fd == -1, "%s: descriptor %d", rows[i].name, fd);
		ROW(open_fds() == before, "%s: a descriptor stayed open", rows[i].name);
		clear_scene();
	}
}

static void
the_directory_of_a_path_is_judged(void **state)
{
	static const struct {
		const char *below; /* appended to the directory's path */
		struct scene scene;
		uid_t also_trusted;
		enum tg_status status;
	} rows[] = {
		{ "/f", { MISSING, 0, 0755, 0, 0 }, 0, TG_OK },
		{ "/f/", { MISSING, 0, 0755, 0, 0 }, 0, TG_OK },
		{ "///f//", { MISSING, 0, 0755, 0, 0 }, 0, TG_OK },
		{ "/f", { MISSING, 0, 01777, 0, 0 }, 0, TG_OK },
		{ "/f", { MISSING, 0, 0700, SERVICE, SERVICE }, SERVICE, TG_OK },
		{ "/f", { MISSING, 0, 0777, 0, 0 }, 0, TG_MISCONFIGURED },
		{ "/f/", { MISSING, 0, 0777, 0, 0 }, 0, TG_MISCONFIGURED },
		{ "/f", { MISSING, 0, 0700, 0, STRANGER }, SERVICE, TG_MISCONFIGURED },
		{ "/f/g", { MISSING, 0, 0755, 0, 0 }, 0, TG_NO_MATCH },
		{ "/f/g", { REGULAR, 0600, 0755, 0, 0 }, 0, TG_UNAVAILABLE },
	};
	enum tg_status status;
	struct detail detail;
	char below[64];
	size_t i;
	int before;

	(void)state;
	if (geteuid() != 0)
		SKIP("needs root");
	for (i = 0; i < ROWS(rows); i++) {
		set_scene(&rows[i].scene);
		before = open_fds();
		snprintf(below, sizeof(below), "%s%s", dir, rows[i].below);
		status = secure_parent(below, rows[i].also_trusted, &detail);
		ROW(status == rows[i].status, "row %zu, '%s': %d %s", i, below, status,
		    detail.text);
		ROW(open_fds() == before, "row %zu: a descriptor stayed open", i);
		clear_scene();
	}
}

static void
short_and_long_paths_have_a_directory(void **state)
{
	static char lengthy[5000];
	struct detail detail;
	int fd;

	(void)state;
	assert_int_equal(secure_parent("/", 0, &detail), TG_OK);
	assert_int_equal(secure_parent("//", 0, &detail), TG_OK);
	assert_int_equal(secure_parent("/no-such-file", 0, &detail), TG_OK);
	assert_int_equal(secure_open("/", 0, &fd, &detail), TG_MISCONFIGURED);
	assert_int_equal(secure_open("/no-such-file", 0, &fd, &detail), TG_NO_MATCH);
	assert_int_equal(chdir(top), 0);
	assert_int_equal(chmod(top, 0777), 0);
	assert_int_equal(secure_parent("/", 0, &detail), TG_OK);
	assert_int_equal(secure_parent("no-such-file", 0, &detail), TG_MISCONFIGURED);
	assert_int_equal(chmod(top, 0700), 0);
	assert_int_equal(secure_parent("no-such-file", 0, &detail), TG_OK);
	assert_int_equal(secure_open("no-such-file", 0, &fd, &detail), TG_NO_MATCH);
	assert_int_equal(secure_open("", 0, &fd, &detail), TG_NO_MATCH);
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[0] = '/';
	assert_int_equal(secure_open(lengthy, 0, &fd, &detail), TG_UNAVAILABLE);
	lengthy[4998] = '/';
	lengthy[4990] = '/';
	assert_int_equal(secure_open(lengthy, 0, &fd, &detail), TG_UNAVAILABLE);
	assert_int_equal(chdir("/"), 0);
}

/* What the child of in_child() says; cmocka cannot speak there, nor without descriptor 1. */
static int
in_child(int (*check)(void))
{
	pid_t pid;
	int status;

	if ((pid = fork()) == 0)
		_exit(check());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int closed; /* bit N: descriptor N */

static int
opens_above_stdio(void)
{
	struct detail detail;
	int fd, i;

	for (i = 0; i < 3; i++)
		if ((closed & (1 << i)) != 0)
			close(i);
	if (secure_open(path, 0, &fd, &detail) != TG_OK)
		return 1;
	if (fd < 3 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 2;
	for (i = 0; i < 3; i++)
		if ((closed & (1 << i)) != 0 && fcntl(i, F_GETFD) != -1)
			return 3;
	return 0;
}

static void
the_descriptor_is_above_closed_stdio(void **state)
{
	static const struct scene scene = { REGULAR, 0600, 0700, 0, 0 };

	(void)state;
	if (geteuid() != 0)
		SKIP("needs root");
	set_scene(&scene);
	for (closed = 0; closed < 8; closed++)
		ROW(in_child(opens_above_stdio) == 0, "closed: bits %d", closed);
	clear_scene();
}

/* What the stranger in the child also trusts, and what its detail must end with. */
static uid_t stranger_trusts;
static const char *stranger_reads;

enum { CANNOT_CHANGE_USER = 98, OTHER_DETAIL = 99 };

static int
stranger_opens(void)
{
	struct detail detail = { "" };
	enum tg_status status;
	int fd;

	if (seteuid(STRANGER) == -1)
		return CANNOT_CHANGE_USER;
	status = secure_open(path, stranger_trusts, &fd, &detail);
	return ends_with(detail.text, stranger_reads) ? status & 0xff : OTHER_DETAIL;
}

static void
the_effective_user_trusts_itself_and_root(void **state)
{
	static const struct {
		struct scene scene;
		uid_t also_trusted;
		enum tg_status status;
		const char *detail;
	} rows[] = {
		{ { REGULAR, 0600, 0700, STRANGER, STRANGER }, 0, TG_OK, "" },
		{ { REGULAR, 0600, 0700, STRANGER, STRANGER }, SERVICE, TG_OK, "" },
		{ { REGULAR, 0644, 0755, 0, 0 }, 0, TG_OK, "" },
		{ { REGULAR, 0644, 0755, 0, 0 }, SERVICE, TG_OK, "" },
		{ { REGULAR, 0644, 0755, SERVICE, SERVICE }, SERVICE, TG_OK, "" },
		{ { REGULAR, 0644, 0755, SERVICE, 0 }, 0, TG_MISCONFIGURED,
		    "owner is uid 65001, should be root or uid 65002" },
		{ { REGULAR, 0644, 0755, 1, 0 }, STRANGER, TG_MISCONFIGURED,
		    "owner is uid 1, should be root or uid 65002" },
		{ { REGULAR, 0644, 0755, 1, 0 }, SERVICE, TG_MISCONFIGURED,
		    "owner is uid 1, should be root or uid 65002 or uid 65001" },
		{ { REGULAR, 0600, 0755, 0, 0 }, 0, TG_UNAVAILABLE, "Permission denied" },
		{ { REGULAR, 0644, 0700, 0, 0 }, 0, TG_UNAVAILABLE, "Permission denied" },
	};
	size_t i;

	(void)state;
	if (geteuid() != 0)
		SKIP("needs root");
	assert_int_equal(chmod(top, 0755), 0);
	for (i = 0; i < ROWS(rows); i++) {
		set_scene(&rows[i].scene);
		stranger_trusts = rows[i].also_trusted;
		stranger_reads = rows[i].detail;
		ROW(in_child(stranger_opens) == (rows[i].status & 0xff), "row %zu", i);
		clear_scene();
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("only what nobody else can have put there is opened",
		    only_what_nobody_else_can_have_put_there_is_opened),
		TEST("the directory of a path is judged", the_directory_of_a_path_is_judged),
		TEST("the shortest and overlong paths have a directory or are refused",
		    short_and_long_paths_have_a_directory),
		TEST("the descriptor is above stdin, stdout and stderr even where they are closed",
		    the_descriptor_is_above_closed_stdio),
		TEST("the effective user trusts itself and root, and nobody else",
		    the_effective_user_trusts_itself_and_root),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, make_top, remove_top);
}
