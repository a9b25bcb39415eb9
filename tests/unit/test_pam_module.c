/* SPDX-License-Identifier: ISC */
/* The module as an object, and what it leaves behind in its process. */
#include "unit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "pam/door.h"

/* ---- the object file ----------------------------------------------------------- */

static const char *const entries[] = { "pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt",
	"pam_sm_open_session", "pam_sm_close_session" };

static void
the_module_exports_its_entry_points_and_nothing_else(void **state)
{
	char command[512], line[256], *name;
	size_t found = 0, i;
	FILE *f;

	(void)state;
	snprintf(command, sizeof(command), "nm -D --defined-only '%s'", door_module());
	assert_non_null(f = popen(command, "re"));
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n@")] = '\0';
		assert_non_null(name = strrchr(line, ' '));
		for (i = 0; i < ROWS(entries) && strcmp(name + 1, entries[i]) != 0; i++)
			;
		ROW(i < ROWS(entries), "exports %s", name + 1);
		found++;
	}
	assert_int_equal(pclose(f), 0);
	assert_int_equal(found, ROWS(entries));
}

static bool
allowed_library(const char *name)
{
	static const char *const allowed[] = {
		"libtokgate.so.0", "libpam.so.0", "libc.so.6", "liblmdb.so.0", "libsodium.so.23",
#ifdef __SANITIZE_ADDRESS__
		/* the sanitizers, and what that build links for them */
		"libasan.so.8", "libubsan.so.1", "libcrypt.so.1"
#endif
	};
	size_t i;

	for (i = 0; i < ROWS(allowed); i++)
		if (strcmp(name, allowed[i]) == 0)
			return true;
	return false;
}

/* The libraries that an object asks the loader for. */
static size_t
check_needed(const struct link_map *map)
{
	const char *strings = NULL;
	const ElfW(Dyn) * d;
	size_t n = 0;

	for (d = map->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_STRTAB)
			strings = (const char *)d->d_un.d_ptr;
	assert_non_null(strings);
	for (d = map->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_NEEDED) {
			ROW(allowed_library(strings + d->d_un.d_val), "%s needs %s", map->l_name,
			    strings + d->d_un.d_val);
			n++;
		}
	return n;
}

static void
the_module_loads_the_library_and_what_it_stands_on(void **state)
{
	void *module = dlopen(door_module(), RTLD_NOW | RTLD_LOCAL), *library;
	struct link_map *map;
	size_t i;

	(void)state;
	ROW(module != NULL, "%s", dlerror());
	for (i = 0; i < ROWS(entries); i++)
		assert_non_null(dlsym(module, entries[i]));
	assert_int_equal(dlinfo(module, RTLD_DI_LINKMAP, &map), 0);
	assert_true(check_needed(map) >= 3);
	assert_non_null(library = dlopen("libtokgate.so.0", RTLD_NOW | RTLD_NOLOAD));
	assert_int_equal(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
	assert_true(check_needed(map) >= 3);
	dlclose(library);
	dlclose(module);
}

/* ---- what is left behind ------------------------------------------------------- */

static void
many_logins_leave_no_descriptor(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	unsigned int before;
	char wrong[TG_TOKEN_MAX + 1];
	int i;

	(void)state;
	door_file("nowhere.conf", "store = /nonexistent/store\n", 0600);
	door_service("nowhere", "auth required MODULE config=DIR/nowhere.conf\n");
	strcpy(wrong, secret.text);
	door_spoil(wrong, -1);
	door_log_stop();
	assert_int_equal(door_try("beside", "alice", NULL, secret.text), PAM_SUCCESS);
	before = door_open_fds();
	for (i = 0; i < 1000; i++) {
		assert_int_equal(door_try("beside", "alice", NULL, secret.text), PAM_SUCCESS);
		assert_int_equal(door_try("beside", "alice", NULL, wrong), PAM_AUTH_ERR);
		assert_int_equal(door_try("nowhere", "alice", NULL, secret.text),
		    PAM_AUTHINFO_UNAVAIL);
	}
	assert_int_equal(door_open_fds(), before);
	door_log_clear();
}

static void *
log_in_often(void *arg)
{
	const char *password = arg;
	uintptr_t failed = 0;
	int i;

	for (i = 0; i < 50; i++)
		failed += door_try("beside", "alice", NULL, password) != PAM_SUCCESS;
	return (void *)failed;
}

static void
many_threads_log_in_at_once(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	pthread_t threads[8];
	void *failed;
	size_t i;

	(void)state;
	door_log_stop();
	for (i = 0; i < ROWS(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_in_often, secret.text), 0);
	for (i = 0; i < ROWS(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	door_log_clear();
}

/* Does this process's writable memory hold the needle, whose bytes are inverted here? */
static bool
memory_holds(const unsigned char *inverted, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512], mode[8];
	bool found = false;
	size_t i;

	if (maps == NULL)
		return true;
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		const unsigned char *p;

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    strncmp(mode, "rw", 2) != 0 || strstr(line, "[vv") != NULL)
			continue;
		for (p = (const unsigned char *)from;
		     p + len <= (const unsigned char *)to && !found; p++) {
			for (i = 0; i < len && (p[i] ^ inverted[i]) == 0xff; i++)
				;
			found = i == len;
		}
	}
	fclose(maps);
	return found;
}

/* The secret is written to a file by another process, so that this one knows it only inverted. */
static int
search_after_login(const char *path)
{
	static char password[TG_TOKEN_MAX + 1];
	static unsigned char inverted[TG_SECRET_LEN];
	int fd = open(path, O_RDONLY | O_CLOEXEC), i;
	ssize_t n = read(fd, password, sizeof(password) - 1);
	bool before;
	int r;

	close(fd);
	if (n < TG_SECRET_LEN + 6)
		return 10;
	for (i = 0; i < TG_SECRET_LEN; i++)
		inverted[i] = (unsigned char)~password[n - 6 - TG_SECRET_LEN + i];
	before = memory_holds(inverted, 16);
	r = door_try("beside", "alice", NULL, password);
	explicit_bzero(password, sizeof(password));
	if (r != PAM_SUCCESS)
		return 11;
	if (!before)
		return 12; /* the search is blind */
	return memory_holds(inverted, 16) ? 13 : 0;
}

static void
no_copy_of_the_token_stays_in_memory(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });
	char path[512];
	int status;
	pid_t pid;

	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	SKIP("the sanitizer keeps freed memory and its own stacks");
#endif
	strcpy(path, door_file("token", secret.text, 0600));
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		/* A fresh process image: this one's memory is full of tokens. */
		execl("/proc/self/exe", "test_pam", "--search", door_dir(), path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ROW(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned int)status);
}

/* Last, since everything above ran with "debug". */
static void
no_log_line_ever_held_half_a_secret(void **state)
{
	struct secret secret = door_issue((struct wish) { 0 });

	(void)state;
	door_log_clear();
	assert_int_equal(door_try("beside", "alice", NULL, secret.text), PAM_SUCCESS);
	assert_non_null(strstr(door_log(), "tokgate: verdict=ok"));
	assert_non_null(strstr(door_log(), "service sftp, action upload, resource demo"));
	ROW(door_leak()[0] == '\0', "%s", door_leak());
	syslog(LOG_DEBUG, "%s", secret.text);
	assert_non_null(strstr(door_leak(), secret.text));
}

static const struct CMUnitTest tests[] = {
	TEST("the module exports its entry points and nothing else",
	    the_module_exports_its_entry_points_and_nothing_else),
	TEST("the module loads the library and what it stands on",
	    the_module_loads_the_library_and_what_it_stands_on),
	TEST("many logins leave no descriptor", many_logins_leave_no_descriptor),
	TEST("many threads log in at once", many_threads_log_in_at_once),
	TEST("no copy of the token stays in memory", no_copy_of_the_token_stays_in_memory),
	TEST("no log line ever held half a secret", no_log_line_ever_held_half_a_secret),
};

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--search") == 0) {
		door_attach(argv[2]);
		return search_after_login(argv[3]);
	}
	return DOOR_RUN(tests);
}
