/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "crypt.h"
#include "place.h"
#include "store.h"
#include "token.h"

enum { TOO_LONG_MS = 60000 };

static char top[128], store[144], config[160];
static char line[AUDIT_MAX + 1];
static unsigned lines;

const char *
place_top(void)
{
	return top;
}

const char *
place_store(void)
{
	return store;
}

const char *
place_config(void)
{
	return config;
}

const char *
place_file(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", store, name);
	return path;
}

void
place_clear(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "gate", "usage" };
	size_t i;

	for (i = 0; i < ROWS(names); i++)
		unlink(place_file(names[i]));
	rmdir(store);
}

void
place_init(void)
{
	struct tg *tg = place_open();
	bool made;

	ROW(tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_OK, "%s", tg_detail(tg));
	assert_true(made);
	tg_close(&tg);
}

/* Thousands of commits need no disk; TMPDIR names one. */
static const char *
somewhere(void)
{
	const char *dir = getenv("TMPDIR");

	if (dir != NULL)
		return dir;
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

int
place_setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "%s/tokgate-unit-XXXXXX", somewhere());
	assert_non_null(mkdtemp(top));
	snprintf(store, sizeof(store), "%s/store", top);
	snprintf(config, sizeof(config), "%s/tokgate.conf", top);
	place_write(config, "", 0);
	place_init();
	return 0;
}

int
place_teardown(void **state)
{
	(void)state;
	place_clear();
	unlink(config);
	return rmdir(top);
}

/* ---- handles and tokens ---- */

void
place_keep_line(void *arg, const char *text)
{
	(void)arg;
	snprintf(line, sizeof(line), "%s", text);
	lines++;
}

const char *
place_line(void)
{
	return line;
}

unsigned
place_lines(void)
{
	return lines;
}

struct tg *
place_open(void)
{
	struct tg *tg;

	ROW(tg_open(config, store, &tg) == TG_OK, "%s", tg_detail(tg));
	tg_set_now(tg, PLACE_NOW);
	tg_set_log(tg, place_keep_line, NULL);
	return tg;
}

static void
drop_line(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

struct tg *
place_open_at(const char *path)
{
	struct tg *tg;

	if (tg_open(config, path, &tg) != TG_OK)
		abort();
	tg_set_now(tg, PLACE_NOW);
	tg_set_log(tg, drop_line, NULL);
	return tg;
}

struct tg *
place_open_apart(void)
{
	return place_open_at(store);
}

static void
copy_text(char *to, size_t size, const char *text)
{
	assert_true(strlen(text) < size);
	memcpy(to, text, strlen(text) + 1);
}

void
place_wish(const struct wish *wish, struct tg_token *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	copy_text(out->owner, sizeof(out->owner), wish->owner != NULL ? wish->owner : "alice");
	copy_text(out->name, sizeof(out->name), wish->name != NULL ? wish->name : "");
	copy_text(out->created_by, sizeof(out->created_by), wish->by != NULL ? wish->by : "root");
	for (i = 0; i < ROWS(wish->scopes) && wish->scopes[i] != NULL; i++)
		copy_text(out->scopes[out->nscopes++], sizeof(out->scopes[0]), wish->scopes[i]);
	if (out->nscopes == 0)
		copy_text(out->scopes[out->nscopes++], sizeof(out->scopes[0]), "sftp:upload:demo");
	for (i = 0; i < ROWS(wish->logins) && wish->logins[i] != NULL; i++)
		copy_text(out->logins[out->nlogins++], sizeof(out->logins[0]), wish->logins[i]);
	for (i = 0; i < ROWS(wish->sources) && wish->sources[i] != NULL; i++)
		copy_text(out->sources[out->nsources++], sizeof(out->sources[0]), wish->sources[i]);
	out->not_before = wish->not_before;
	out->expires_at = wish->expires_at;
	out->idle_s = wish->idle_s;
	out->uses_left = wish->uses != 0 ? wish->uses : TG_USES_UNLIMITED;
}

struct issued
place_issue(struct tg *tg, const struct wish *wish)
{
	static const struct wish usual;
	struct issued issued;
	struct tg_token token;

	place_wish(wish != NULL ? wish : &usual, &token);
	ROW(tg_issue(tg, &token, issued.text) == TG_OK, "%s", tg_detail(tg));
	memcpy(issued.id, token.id, sizeof(issued.id));
	return issued;
}

struct issued
place_other_secret(const struct issued *issued)
{
	struct issued other = *issued;
	char secret[TG_SECRET_LEN];

	assert_true(crypt_random_digits(secret, sizeof(secret)));
	token_format("tkg", issued->id, secret, other.text);
	return other;
}

struct issued
place_unknown(void)
{
	struct issued other = { .id = "" };

	assert_true(crypt_random_digits(other.id, TG_ID_LEN));
	return place_other_secret(&other);
}

enum tg_status
place_check(struct tg *tg, const char *text)
{
	static const struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo"
	};
	struct tg_grant grant;

	return tg_check(tg, text, strlen(text), &req, &grant);
}

enum tg_status
place_ask(const char *text)
{
	struct tg *tg = place_open_apart();
	enum tg_status r = place_check(tg, text);

	tg_close(&tg);
	return r;
}

void
place_owner(struct tg *tg, const char *owner, bool suspended, const char *ceiling)
{
	struct tg_owner o = { .suspended = suspended, .has_ceiling = ceiling != NULL };

	copy_text(o.name, sizeof(o.name), owner);
	if (ceiling != NULL && ceiling[0] != '\0')
		copy_text(o.scopes[o.nscopes++], sizeof(o.scopes[0]), ceiling);
	ROW(tg_owner_set(tg, &o, "root") == TG_OK, "%s", tg_detail(tg));
}

struct count {
	size_t n;
	uint64_t serial;
};

static bool
count_entry(void *arg, const struct tg_entry *entry)
{
	struct count *count = arg;

	count->n++;
	count->serial = entry->serial;
	return true;
}

size_t
place_journal(struct tg *tg, uint64_t *last_serial)
{
	struct count count = { 0 };

	ROW(tg_log(tg, count_entry, &count) == TG_OK, "%s", tg_detail(tg));
	if (last_serial != NULL)
		*last_serial = count.serial;
	return count.n;
}

static bool
count_token(void *arg, const struct tg_token *token)
{
	(void)token;
	++*(size_t *)arg;
	return true;
}

size_t
place_tokens(struct tg *tg)
{
	size_t n = 0;

	ROW(tg_each(tg, NULL, count_token, &n) == TG_OK, "%s", tg_detail(tg));
	return n;
}

/* ---- processes and waiting ---- */

/* Its handlers would jump back into the tests, in the child. */
static void
leave_cmocka(void)
{
	static const int caught[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };
	size_t i;

	for (i = 0; i < ROWS(caught); i++)
		signal(caught[i], SIG_DFL);
}

pid_t
place_fork(int (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		leave_cmocka();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? fn(arg) : 127);
	}
	return pid;
}

int64_t
place_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
place_pause(void)
{
	const struct timespec half_ms = { .tv_nsec = 500000 };

	nanosleep(&half_ms, NULL);
}

int
place_wait_ms(pid_t pid, int ms)
{
	int64_t end = place_ms() + ms;
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		if (place_ms() >= end) {
			place_kill(pid);
			return -SIGALRM;
		}
		place_pause();
	}
	assert_int_equal(got, pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int
place_wait(pid_t pid)
{
	return place_wait_ms(pid, TOO_LONG_MS);
}

int
place_child(int (*fn)(void *arg), void *arg)
{
	return place_wait(place_fork(fn, arg));
}

static enum tg_status
never_come_back(void *arg, struct store *opened, struct detail *detail)
{
	(void)opened;
	(void)detail;
	__atomic_store_n((volatile int *)arg, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return TG_OK;
}

static int
write_forever(void *arg)
{
	const struct store_how how = { .path = store, .writing = true, .patience_ms = 5000 };
	struct detail detail;
	struct store *opened;

	return store_open(&how, &opened, &detail) != TG_OK ||
	    store_update(opened, never_come_back, arg, &detail) != TG_OK;
}

pid_t
place_stuck_writer(void)
{
	volatile int *flag = place_shared(sizeof(*flag));
	pid_t pid = place_fork(write_forever, (void *)(uintptr_t)flag);

	assert_true(place_await(flag, 1));
	place_unshare((void *)(uintptr_t)flag, sizeof(*flag));
	return pid;
}

void
place_stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

void
place_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void *
place_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

void
place_unshare(void *memory, size_t size)
{
	munmap(memory, size);
}

bool
place_await(const volatile int *flag, int least)
{
	int64_t end = place_ms() + TOO_LONG_MS;

	while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) < least) {
		if (place_ms() >= end)
			return false;
		place_pause();
	}
	return true;
}

unsigned
place_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

bool
place_is_root(void)
{
	return geteuid() == 0;
}

/* ---- chance and bytes ---- */

static uint64_t chance;

void
place_seed(void)
{
	const char *seed = getenv("SEED");
	uint32_t value;

	if (seed != NULL)
		value = (uint32_t)strtoul(seed, NULL, 10);
	else
		assert_int_equal(getrandom(&value, sizeof(value), 0), sizeof(value));
	print_message("# SEED=%u\n", value);
	chance = (uint64_t)value << 16 | 0x9e37;
}

/* The linear congruential generator of POSIX drand48(3). */
uint32_t
place_random(uint32_t below)
{
	chance = chance * UINT64_C(0x5deece66d) + 0xb;
	return (uint32_t)(((chance & UINT64_C(0xffffffffffff)) >> 16) * below >> 32);
}

uint8_t *
place_read(const char *path, size_t *len)
{
	struct stat st;
	uint8_t *data;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_non_null(data = malloc((size_t)st.st_size + 1));
	assert_int_equal(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	*len = (size_t)st.st_size;
	return data;
}

void
place_write(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}
