/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

/* A row's text with its length, NUL bytes inside included. */
#define TEXT(literal) (literal), sizeof(literal) - 1

static void
settings_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *store;
		uint32_t uid;
	} rows[] = {
		{ TEXT(""), TG_STORE_DIR, 0 },
		{ TEXT("\n\n"), TG_STORE_DIR, 0 },
		{ TEXT("# nothing\n\t # but = remarks\n#"), TG_STORE_DIR, 0 },
		{ TEXT("store = /srv/tokgate\n"), "/srv/tokgate", 0 },
		{ TEXT("store=/srv/tokgate"), "/srv/tokgate", 0 },
		{ TEXT(" \tstore\t =\t /srv/tokgate \t\n"), "/srv/tokgate", 0 },
		{ TEXT("uid = 118\n\nstore = /a\n"), "/a", 118 },
		{ TEXT("uid = 0\n"), TG_STORE_DIR, 0 },
		{ TEXT("uid = 4294967294\n"), TG_STORE_DIR, 4294967294 },
		{ TEXT("store = /a b/c\n"), "/a b/c", 0 },
		{ TEXT("store = /a=b\n"), "/a=b", 0 },
		{ TEXT("store = /a///b//\n"), "/a///b", 0 },
		{ TEXT("store = /a/...\n"), "/a/...", 0 },
		{ TEXT("store = /a/..b/.c\n"), "/a/..b/.c", 0 },
		{ TEXT("store = /a/x./b\n"), "/a/x./b", 0 },
		{ TEXT("store = /\xc3\xa4\n"), "/\xc3\xa4", 0 },
		{ TEXT("#" THOUSAND "0123456789012345678901\n"), TG_STORE_DIR, 0 },
	};
	struct detail detail;
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(&detail, 0, sizeof(detail));
		memset(&conf, 0xff, sizeof(conf));
		ROW(conf_parse(rows[i].text, rows[i].len, "f", &conf, &detail) == TG_OK,
		    "row %zu: %s", i, detail.text);
		ROW(strcmp(conf.store, rows[i].store) == 0, "row %zu: store '%s'", i, conf.store);
		ROW(conf.uid == rows[i].uid, "row %zu: uid %u", i, conf.uid);
	}
}

/* 107 bytes, the most that a socket's path may have. */
#define SOCKET_PATH "/" HUNDRED "012345"

static void
the_daemons_settings_are_read(void **state)
{
	static const struct {
		const char *text, *socket;
		const char *listen[CONF_LISTEN_MAX + 1];
		uint32_t trusted[CONF_TRUSTED_MAX + 1]; /* up to the first 0 */
	} rows[] = {
		{ "", TG_SOCKET, { NULL }, { 0 } },
		{ "socket = /srv/check\n", "/srv/check", { NULL }, { 0 } },
		{ "socket = /srv/check/\n", "/srv/check", { NULL }, { 0 } },
		{ "socket = " SOCKET_PATH "\n", SOCKET_PATH, { NULL }, { 0 } },
		{ "listen = /a\n", TG_SOCKET, { "/a" }, { 0 } },
		{ "listen = /a \t/b/c/  /d\n", TG_SOCKET, { "/a", "/b/c", "/d" }, { 0 } },
		{ "listen = /1 /2 /3 /4 /5 /6 /7 /8\n", TG_SOCKET,
		    { "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8" }, { 0 } },
		{ "trusted = 33\n", TG_SOCKET, { NULL }, { 33 } },
		{ "trusted = 33 \t4294967294\n", TG_SOCKET, { NULL }, { 33, 4294967294 } },
		{ "trusted = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", TG_SOCKET, { NULL },
		    { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
	};
	struct detail detail;
	struct conf conf;
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(&conf, 0xff, sizeof(conf));
		ROW(conf_parse(rows[i].text, strlen(rows[i].text), "f", &conf, &detail) == TG_OK,
		    "row %zu: %s", i, detail.text);
		ROW(strcmp(conf.socket, rows[i].socket) == 0, "row %zu: '%s'", i, conf.socket);
		for (k = 0; rows[i].listen[k] != NULL; k++)
			ROW(strcmp(conf.listen[k], rows[i].listen[k]) == 0, "row %zu: '%s'", i,
			    conf.listen[k]);
		ROW(conf.nlisten == k, "row %zu: %zu paths", i, conf.nlisten);
		for (k = 0; rows[i].trusted[k] != 0; k++)
			ROW(conf.trusted[k] == rows[i].trusted[k], "row %zu: %u", i,
			    conf.trusted[k]);
		ROW(conf.ntrusted == k, "row %zu: %zu users", i, conf.ntrusted);
	}
}

static void
what_is_not_understood_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *detail;
	} rows[] = {
		{ TEXT("stor = /a\n"), "f:1: unknown key 'stor'" },
		{ TEXT("s = /a\n"), "f:1: unknown key 's'" },
		{ TEXT("k2345678901234567890123456789-_2 = 1\n"),
		    "f:1: unknown key 'k2345678901234567890123456789-_2'" },
		{ TEXT("# one\n\nuid = 1\nUID = 2\n"), "f:4: not a line" },
		{ TEXT("store\n"), "f:1: not a line" },
		{ TEXT("= /a\n"), "f:1: not a line" },
		{ TEXT("my store = /a\n"), "f:1: not a line" },
		{ TEXT("\x9b = /a\n"), "f:1: not a line" },
		{ TEXT("k23456789012345678901234567890123 = 1\n"), "f:1: not a line" },
		{ TEXT("store : /a\n"), "f:1: not a line" },
		{ TEXT("store = /a\nstore = /a\n"), "f:2: 'store' is set a second time" },
		{ TEXT("store =\n"), "f:1: 'store' has no value" },
		{ TEXT("uid = \t \n"), "f:1: 'uid' has no value" },
		{ TEXT("store = /a # here\n"), "f:1: 'store' has a '#' in its value" },
		{ TEXT("store = a\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = /\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = ///\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = /.\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = /a/./b\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = /a/..\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = /a/../\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = /../a\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("store = \"/a\"\n"), "f:1: 'store' must be an absolute path" },
		{ TEXT("uid = tokgate\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = -1\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = +1\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = 01\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = 0x1\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = 1 2\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = 4294967295\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = 4294967296\n"), "f:1: 'uid' must be the number" },
		{ TEXT("uid = 18446744073709551616\n"), "f:1: 'uid' must be the number" },
		{ TEXT("socket = check\n"), "f:1: 'socket' must be an absolute path" },
		{ TEXT("socket = /a /b\n"), "f:1: 'socket' must be an absolute path" },
		{ TEXT("socket = /a/../b\n"), "f:1: 'socket' must be an absolute path" },
		{ TEXT("socket = " SOCKET_PATH "6\n"), "f:1: 'socket' must be an absolute path" },
		{ TEXT("socket = /a\nsocket = /b\n"), "f:2: 'socket' is set a second time" },
		{ TEXT("listen =\n"), "f:1: 'listen' has no value" },
		{ TEXT("listen = a\n"), "f:1: 'listen' must be absolute paths" },
		{ TEXT("listen = /a b\n"), "f:1: 'listen' must be absolute paths" },
		{ TEXT("listen = /a,/./b\n"), "f:1: 'listen' must be absolute paths" },
		{ TEXT("listen = /a " SOCKET_PATH "6\n"), "f:1: 'listen' must be absolute paths" },
		{ TEXT("listen = /1 /2 /3 /4 /5 /6 /7 /8 /9\n"), "f:1: 'listen' has more than 8" },
		{ TEXT("trusted = www-data\n"), "f:1: 'trusted' must be numbers" },
		{ TEXT("trusted = 33,34\n"), "f:1: 'trusted' must be numbers" },
		{ TEXT("trusted = 33 034\n"), "f:1: 'trusted' must be numbers" },
		{ TEXT("trusted = 4294967295\n"), "f:1: 'trusted' must be numbers" },
		{ TEXT("trusted = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"),
		    "f:1: 'trusted' has more than 16" },
		{ TEXT("store = /a\0/b\n"), "f:1: control character" },
		{ TEXT("store = /a\n\0"), "f:2: control character" },
		{ TEXT("store = /a\r\n"), "f:1: control character" },
		{ TEXT("# \x1b[2J\n"), "f:1: control character" },
		{ TEXT("store = /a\x7f\n"), "f:1: control character" },
		{ TEXT("#" THOUSAND "01234567890123456789012\n"), "f:1: line is longer than 1023" },
		{ TEXT("\n#" THOUSAND THOUSAND), "f:2: line is longer than 1023" },
		{ TEXT("store = /a\n/b\n"), "f:2: not a line" },
		{ TEXT("store = /a\\\n"
		       "  /b\n"),
		    "f:2: not a line" },
	};
	static const struct conf zero;
	struct detail detail;
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(&detail, 0, sizeof(detail));
		memset(&conf, 0xff, sizeof(conf));
		ROW(conf_parse(rows[i].text, rows[i].len, "f", &conf, &detail) == TG_MISCONFIGURED,
		    "row %zu, '%s'", i, rows[i].detail);
		ROW(strncmp(detail.text, rows[i].detail, strlen(rows[i].detail)) == 0,
		    "'%s' not '%s'", detail.text, rows[i].detail);
		ROW(memcmp(&conf, &zero, sizeof(conf)) == 0, "'%s' left values", rows[i].detail);
	}
}

static void
the_text_needs_no_nul_behind_it(void **state)
{
	static const char line[] = "uid = 7";
	size_t len = strlen(line);
	struct detail detail;
	struct conf conf;
	char *text;

	(void)state;
	assert_non_null(text = malloc(len));
	memcpy(text, line, len);
	assert_int_equal(conf_parse(text, len, "f", &conf, &detail), TG_OK);
	assert_int_equal(conf.uid, 7);
	free(text);
}

static void
one_setting_can_be_replaced(void **state)
{
	struct conf conf = { .store = "/a", .uid = 1 }, before = conf;
	struct detail detail;

	(void)state;
	assert_int_equal(conf_set(&conf, "store", "b", &detail), TG_MISCONFIGURED);
	assert_int_equal(conf_set(&conf, "uid", "", &detail), TG_MISCONFIGURED);
	assert_int_equal(conf_set(&conf, "nothing", "b", &detail), TG_MISCONFIGURED);
	assert_string_equal(detail.text, "unknown setting 'nothing'");
	assert_memory_equal(&conf, &before, sizeof(conf));
	assert_int_equal(conf_set(&conf, "store", "/b/", &detail), TG_OK);
	assert_string_equal(conf.store, "/b");
	assert_int_equal(conf.uid, 1);
}

static void
a_store_is_shorter_than_the_longest_path(void **state)
{
	char store[PATH_MAX + 1];
	struct detail detail;
	struct conf conf;

	(void)state;
	memset(store, 'a', PATH_MAX);
	store[0] = '/';
	store[PATH_MAX] = '\0';
	assert_int_equal(conf_set(&conf, "store", store, &detail), TG_MISCONFIGURED);
	store[PATH_MAX - 1] = '\0';
	assert_int_equal(conf_set(&conf, "store", store, &detail), TG_OK);
	assert_string_equal(conf.store, store);
}

/* ---- files -------------------------------------------------------------- */

static char dir[] = "/tmp/tokgate-conf-XXXXXX";
static char path[sizeof(dir) + 16];

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/tokgate.conf", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static bool
write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(name, "w");
	bool done;

	if (file == NULL)
		return false;
	done = fputs(text, file) >= 0 && fchmod(fileno(file), mode) == 0;
	return fclose(file) == 0 && done;
}

static void
a_file_is_loaded_or_refused_as_a_whole(void **state)
{
	static const struct conf zero;
	int before = open_fds();
	struct detail detail;
	struct conf conf;

	(void)state;
	assert_true(write_file(path, "store = /srv/tokgate\nuid = 118\n", 0644));
	assert_int_equal(conf_load(path, &conf, &detail), TG_OK);
	assert_string_equal(conf.store, "/srv/tokgate");
	assert_int_equal(conf.uid, 118);

	assert_true(write_file(path, "store = /srv/tokgate\nuid = x\n", 0644));
	assert_int_equal(conf_load(path, &conf, &detail), TG_MISCONFIGURED);
	assert_non_null(strstr(detail.text, "/tokgate.conf:2: 'uid' must be"));
	assert_memory_equal(&conf, &zero, sizeof(conf));

	assert_true(write_file(path, "store = /srv/tokgate\n", 0666));
	assert_int_equal(conf_load(path, &conf, &detail), TG_MISCONFIGURED);
	assert_non_null(strstr(detail.text, "mode 0666"));
	assert_memory_equal(&conf, &zero, sizeof(conf));
	assert_int_equal(open_fds(), before);
}

static void
a_file_that_cannot_be_read_is_unavailable(void **state)
{
	struct detail detail;
	struct conf conf;

	(void)state;
	/* Ours, regular, safe; and nothing is mapped at address 0. */
	assert_int_equal(conf_load("/proc/self/mem", &conf, &detail), TG_UNAVAILABLE);
	assert_string_equal(detail.text, "cannot read '/proc/self/mem': Input/output error");
}

static void
a_named_file_must_exist(void **state)
{
	struct detail detail;
	struct conf conf;

	(void)state;
	unlink(path);
	assert_int_equal(conf_load(path, &conf, &detail), TG_MISCONFIGURED);
	assert_non_null(strstr(detail.text, "No such file"));
	assert_int_equal(conf_load("", &conf, &detail), TG_MISCONFIGURED);
}

static void
a_file_has_at_most_64_kib(void **state)
{
	static char text[CONF_FILE_MAX + 2];
	struct detail detail;
	struct conf conf;

	(void)state;
	memset(text, '\n', CONF_FILE_MAX);
	assert_true(write_file(path, text, 0600));
	assert_int_equal(conf_load(path, &conf, &detail), TG_OK);
	text[CONF_FILE_MAX] = '\n';
	assert_true(write_file(path, text, 0600));
	assert_int_equal(conf_load(path, &conf, &detail), TG_MISCONFIGURED);
	assert_non_null(strstr(detail.text, "larger than 65536 bytes"));
}

/* An empty /etc for this process alone; false if that is not allowed. */
static bool
private_etc(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", "/etc", "tmpfs", 0, "mode=755") == 0;
}

enum { PASSED, FAILED_AT_LINE = 1, NOT_ALLOWED = 255 };

#define STEP(condition) \
	do { \
		if (!(condition)) \
			return __LINE__ % 200 + FAILED_AT_LINE; \
	} while (0)

static int
use_default_file(void)
{
	struct detail detail = { "old" };
	struct conf conf;

	if (!private_etc())
		return NOT_ALLOWED;
	STEP(conf_load(NULL, &conf, &detail) == TG_OK && strcmp(conf.store, TG_STORE_DIR) == 0);
	STEP(detail.text[0] == '\0');
	STEP(mkdir("/etc/tokgate", 0755) == 0);
	STEP(conf_load(NULL, &conf, &detail) == TG_OK && strcmp(conf.store, TG_STORE_DIR) == 0);
	STEP(conf_load(TG_CONFIG_FILE, &conf, &detail) == TG_MISCONFIGURED);
	STEP(write_file(TG_CONFIG_FILE, "store = /srv/tokgate\n", 0644));
	STEP(conf_load(NULL, &conf, &detail) == TG_OK && strcmp(conf.store, "/srv/tokgate") == 0);
	STEP(chmod(TG_CONFIG_FILE, 0666) == 0);
	STEP(conf_load(NULL, &conf, &detail) == TG_MISCONFIGURED && conf.store[0] == '\0');
	/* Where anybody can put a file, its absence says nothing either. */
	STEP(unlink(TG_CONFIG_FILE) == 0 && chmod("/etc/tokgate", 0777) == 0);
	STEP(conf_load(NULL, &conf, &detail) == TG_MISCONFIGURED && conf.store[0] == '\0');
	return PASSED;
}

static void
the_default_file_may_be_missing_but_not_unsafe(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if ((pid = fork()) == 0)
		_exit(use_default_file());
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_ALLOWED)
		SKIP("needs root and a mount namespace");
	assert_int_equal(WEXITSTATUS(status), PASSED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("settings are read, what is not said keeps its default", settings_are_read),
		TEST("the daemon's settings are read", the_daemons_settings_are_read),
		TEST("what is not understood is refused as a whole, with file and line",
		    what_is_not_understood_is_refused_with_its_line),
		TEST("the text needs no NUL behind it", the_text_needs_no_nul_behind_it),
		TEST("one setting can be replaced, or stays as it was",
		    one_setting_can_be_replaced),
		TEST("a store's name is shorter than the longest path",
		    a_store_is_shorter_than_the_longest_path),
		TEST("a file is loaded or refused as a whole",
		    a_file_is_loaded_or_refused_as_a_whole),
		TEST("a file that cannot be read is unavailable, not empty",
		    a_file_that_cannot_be_read_is_unavailable),
		TEST("a named file must exist", a_named_file_must_exist),
		TEST("a file has at most 64 KiB", a_file_has_at_most_64_kib),
		TEST("the default file may be missing but not unsafe",
		    the_default_file_may_be_missing_but_not_unsafe),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, make_dir, remove_dir);
}
