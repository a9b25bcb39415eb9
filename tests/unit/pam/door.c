/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "door.h"

static char dir[64], build[PATH_MAX - 64];
static char config[PATH_MAX], store[PATH_MAX], module[PATH_MAX], record[PATH_MAX];
static struct tg *tg;

/* ---- what a process sends to the log, and the clock it reads ---------------- */

static char log_text[1 << 20];
static size_t log_len;
static bool log_stopped;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t clock_offset;

/* Two pieces of each secret of this run, and the first line that held one. */
enum { PIECE = 20, PIECES = 512 };
static char pieces[PIECES][PIECE + 1];
static size_t npieces;
static char leak[2048];

/* These stand before libc's for every object in the process. */
#define INSTEAD __attribute__((visibility("default"), used))

static void
look_for_leak(const char *line)
{
	size_t i;

	for (i = 0; i < npieces && leak[0] == '\0'; i++)
		if (strstr(line, pieces[i]) != NULL)
			strcpy(leak, line);
}

static void
log_line(const char *fmt, va_list ap)
{
	char line[2048];

	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	pthread_mutex_lock(&log_lock);
	look_for_leak(line);
	strcat(line, "\n");
	if (!log_stopped && log_len + strlen(line) < sizeof(log_text)) {
		strcpy(log_text + log_len, line);
		log_len += strlen(line);
	}
	pthread_mutex_unlock(&log_lock);
}

INSTEAD void
vsyslog(int priority, const char *fmt, va_list ap)
{
	(void)priority;
	log_line(fmt, ap);
}

INSTEAD void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsyslog(priority, fmt, ap);
	va_end(ap);
}

/* What syslog() becomes under _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void __vsyslog_chk(int priority, int flag, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

INSTEAD void
__vsyslog_chk(int priority, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	vsyslog(priority, fmt, ap);
}

INSTEAD void
__syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	vsyslog(priority, fmt, ap);
	va_end(ap);
}

bool (*door_clock_fails)(void);

INSTEAD int
clock_gettime(clockid_t id, struct timespec *ts)
{
	long r;

	if (door_clock_fails != NULL && door_clock_fails()) {
		errno = EINVAL;
		return -1;
	}
	r = syscall(SYS_clock_gettime, id, ts);
	if (r == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += clock_offset;
	return (int)r;
}

const char *
door_log(void)
{
	return log_text;
}

void
door_log_clear(void)
{
	pthread_mutex_lock(&log_lock);
	log_len = 0;
	log_text[0] = '\0';
	log_stopped = false;
	pthread_mutex_unlock(&log_lock);
}

void
door_log_stop(void)
{
	log_stopped = true;
}

const char *
door_leak(void)
{
	return leak;
}

/* A token that is to be found in no log line. */
static void
watch(const char *text)
{
	const char *secret = text + strlen(text) - 6 - TG_SECRET_LEN;

	if (npieces + 2 > PIECES)
		return;
	memcpy(pieces[npieces++], secret, PIECE);
	memcpy(pieces[npieces++], secret + TG_SECRET_LEN - PIECE, PIECE);
}

void
door_clock(int64_t offset_s)
{
	clock_offset = offset_s;
}

/* ---- files -------------------------------------------------------------------- */

const char *
door_dir(void)
{
	return dir;
}

const char *
door_config(void)
{
	return config;
}

const char *
door_store(void)
{
	return store;
}

const char *
door_module(void)
{
	return module;
}

const char *
door_file(const char *name, const char *text, unsigned int mode)
{
	static char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fchmod(fd, mode) == -1 || close(fd) == -1)
		fail_msg("%s: %s", path, strerror(errno));
	return path;
}

/* Copy `text` with each `name` in it replaced. */
static char *
replace(const char *text, const char *name, const char *by)
{
	size_t len = strlen(name), size = 0;
	const char *found;
	char *out = NULL;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	for (; (found = strstr(text, name)) != NULL; text = found + len)
		fprintf(f, "%.*s%s", (int)(found - text), text, by);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return out;
}

void
door_service(const char *name, const char *text)
{
	char path[NAME_MAX + 8], by[3 * PATH_MAX];
	char *one, *two, *three, *four;

	snprintf(by, sizeof(by), "MODULE config=%s debug", config);
	one = replace(text, "pam_tokgate.so", by);
	two = replace(one, "MODULE", module);
	snprintf(by, sizeof(by), "%s/tests/pam_recorder.so file=%s", build, record);
	three = replace(two, "pam_recorder.so", by);
	four = replace(three, "DIR", dir);
	snprintf(path, sizeof(path), "pam.d/%s", name);
	door_file(path, four, 0644);
	free(one);
	free(two);
	free(three);
	free(four);
}

void
door_example(const char *name, const char *file)
{
	char path[PATH_MAX + 64], text[16384];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "pam/examples/%s", file);
	f = fopen(path, "re");
	ROW(f != NULL, "%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	assert_true(n > 0);
	door_service(name, text);
}

/* ---- a machine of our own --------------------------------------------------------- */

/* "correct horse" for all that have a password; expired was over on 1970-01-03. */
#define HASH \
	"$6$tokgate$f9qQlV46tOPuStIB750fNiuWP8KZDnodaQ7gZTiPKyJwri0k.eeLQak/qDLuTKJdowZitEeoxpEWR8L0rHu621"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "toor:x:0:0:root too:/root:/bin/sh\n"
			     "alice:x:4001:4001::/nonexistent:/bin/sh\n"
			     "bob:x:4002:4002::/nonexistent:/bin/sh\n"
			     "expired:x:4003:4003::/nonexistent:/bin/sh\n"
			     "uploader:x:4004:4004::/nonexistent:/bin/sh\n"
			     "__token__:x:4005:4005::/nonexistent:/bin/sh\n";
static const char shadow[] = "root:*:19000:0:99999:7:::\n"
			     "toor:*:19000:0:99999:7:::\n"
			     "alice:" HASH ":19000:0:99999:7:::\n"
			     "bob:" HASH ":19000:0:99999:7:::\n"
			     "expired:" HASH ":19000:0:99999:7::2:\n"
			     "uploader:" HASH ":19000:0:99999:7:::\n"
			     "__token__:*:19000:0:99999:7:::\n";
static const char group[] = "root:x:0:\n"
			    "alice:x:4001:\n"
			    "bob:x:4002:\n"
			    "expired:x:4003:\n"
			    "uploader:x:4004:\n"
			    "__token__:x:4005:\n"
			    "tokgate-upload:x:4010:uploader\n";

static bool
put_over(const char *name, const char *text, const char *over, unsigned int mode)
{
	return mount(door_file(name, text, mode), over, NULL, MS_BIND, NULL) == 0;
}

static bool
private_machine(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    put_over("passwd", passwd, "/etc/passwd", 0644) &&
	    put_over("shadow", shadow, "/etc/shadow", 0600) &&
	    put_over("group", group, "/etc/group", 0644);
}

/* A door where "no opinion" of ours shows as the recorder's answer. */
static const char beside[] =
    "auth [success=done ignore=ignore default=die] pam_tokgate.so passthrough service=sftp action=upload resource=demo\n"
    "auth required pam_recorder.so accept=unix-secret\n"
    "account [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so\n"
    "account required pam_permit.so\n"
    "session required pam_permit.so\n"
    "session [success=ok ignore=ignore module_unknown=ignore default=die] pam_tokgate.so\n";

/* The same without passthrough: tokens alone. */
static const char alone[] =
    "auth [success=done ignore=ignore default=die] pam_tokgate.so service=sftp action=upload resource=demo\n"
    "auth required pam_recorder.so accept=unix-secret\n"
    "account required pam_tokgate.so\n"
    "account required pam_permit.so\n";

/* What Debian's pam-auth-update writes when nothing but pam_unix is there. */
static void
first_services(void)
{
	door_service("beside", beside);
	door_service("alone", alone);
	door_service("common-auth",
	    "auth [success=1 default=ignore] pam_unix.so nullok\n"
	    "auth requisite pam_deny.so\n"
	    "auth required pam_permit.so\n");
	door_service("common-account",
	    "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
	    "account requisite pam_deny.so\n"
	    "account required pam_permit.so\n");
	door_service("common-session",
	    "session [default=1] pam_permit.so\n"
	    "session requisite pam_deny.so\n"
	    "session required pam_permit.so\n"
	    "session required pam_unix.so\n");
	door_service("common-password", "password requisite pam_deny.so\n");
	door_service("other",
	    "auth required pam_deny.so\naccount required pam_deny.so\n"
	    "session required pam_deny.so\npassword required pam_deny.so\n");
}

static void
set(char *out, size_t size, const char *text)
{
	assert_true(strlen(text) < size);
	strcpy(out, text);
}

static void
set_paths(void)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

	assert_true(n > 0);
	build[n] = '\0';
	assert_non_null(slash = strstr(build, "/tests/"));
	*slash = '\0';
	snprintf(module, sizeof(module), "%s/pam_tokgate.so", build);
	snprintf(config, sizeof(config), "%s/tokgate.conf", dir);
	snprintf(store, sizeof(store), "%s/store", dir);
	snprintf(record, sizeof(record), "%s/recorded", dir);
}

static bool
set_up(const char **why)
{
	char text[2 * PATH_MAX];
	bool made;

	if (geteuid() != 0) {
		*why = "needs root, as the doors do";
		return false;
	}
	strcpy(dir, "/tmp/tokgate-door-XXXXXX");
	assert_non_null(mkdtemp(dir));
	set_paths();
	snprintf(text, sizeof(text), "%s/pam.d", dir);
	assert_int_equal(mkdir(text, 0755), 0);
	snprintf(text, sizeof(text), "store = %s\n", store);
	door_file("tokgate.conf", text, 0600);
	if (!private_machine()) {
		*why = "may not make a mount namespace";
		return false;
	}
	first_services();
	assert_int_equal(tg_open(config, NULL, &tg), TG_OK);
	ROW(tg_init(tg, 0, 0, NULL, "root", &made) == TG_OK, "init: %s", tg_detail(tg));
	return true;
}

void
door_attach(const char *path)
{
	set(dir, sizeof(dir), path);
	set_paths();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
take_down(void)
{
	tg_close(&tg);
	if (dir[0] == '\0')
		return;
	umount2("/etc/passwd", MNT_DETACH);
	umount2("/etc/shadow", MNT_DETACH);
	umount2("/etc/group", MNT_DETACH);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- the store ------------------------------------------------------------------------ */

struct tg *
door_tg(void)
{
	return tg;
}

struct secret
door_issue(struct wish wish)
{
	static struct tg_token token;
	struct secret secret;
	enum tg_status status;

	memset(&token, 0, sizeof(token));
	set(token.owner, sizeof(token.owner), wish.owner != NULL ? wish.owner : "alice");
	set(token.scopes[token.nscopes++], sizeof(token.scopes[0]),
	    wish.scope != NULL ? wish.scope : "sftp:upload:demo");
	if (wish.scope2 != NULL)
		set(token.scopes[token.nscopes++], sizeof(token.scopes[0]), wish.scope2);
	if (wish.as != NULL)
		set(token.logins[token.nlogins++], sizeof(token.logins[0]), wish.as);
	if (wish.from != NULL)
		set(token.sources[token.nsources++], sizeof(token.sources[0]), wish.from);
	set(token.created_by, sizeof(token.created_by), "test");
	token.not_before = wish.not_before;
	token.expires_at = wish.expires_at;
	token.idle_s = wish.idle_s;
	token.uses_left = wish.uses != 0 ? wish.uses : TG_USES_UNLIMITED;
	tg_set_now(tg, wish.issued_at);
	status = tg_issue(tg, &token, secret.text);
	tg_set_now(tg, 0);
	ROW(status == TG_OK, "issue: %s: %s", tg_status_name(status), tg_detail(tg));
	strcpy(secret.id, token.id);
	watch(secret.text);
	return secret;
}

void
door_revoke(const struct secret *secret)
{
	ROW(tg_revoke(tg, secret->id, "test", "because") == TG_OK, "%s", tg_detail(tg));
}

static void
change_owner(const char *name, bool suspended, bool has_ceiling, const char *scope)
{
	static struct tg_owner owner;

	ROW(tg_owner_get(tg, name, &owner) == TG_OK, "%s: %s", name, tg_detail(tg));
	memset(owner.scopes, 0, sizeof(owner.scopes));
	owner.suspended = suspended;
	owner.has_ceiling = has_ceiling;
	owner.nscopes = 0;
	if (scope != NULL)
		set(owner.scopes[owner.nscopes++], sizeof(owner.scopes[0]), scope);
	ROW(tg_owner_set(tg, &owner, "test") == TG_OK, "%s: %s", name, tg_detail(tg));
}

void
door_suspend(const char *name, bool suspended)
{
	change_owner(name, suspended, false, NULL);
}

void
door_ceiling(const char *name, const char *scope)
{
	change_owner(name, false, scope != NULL, scope);
}

void
door_spoil(char *text, int at)
{
	size_t i = at >= 0 ? (size_t)at : strlen(text) - (size_t)-at;

	text[i] = text[i] == 'x' ? 'y' : 'x';
}

void
door_reseal(char *text)
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(text) - 6, i;
	uint32_t crc = 0xffffffff;
	int bit;

	for (i = 0; i < len; i++) {
		crc ^= (unsigned char)text[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	for (i = 0; i < 6; i++, crc /= 62)
		text[len + 5 - i] = digits[crc % 62];
}

/* ---- the client -------------------------------------------------------------------------- */

static int
answer_one(struct client *client, const struct pam_message *msg, struct pam_response *resp)
{
	size_t len = strlen(client->shown);

	if (msg->msg_style == PAM_TEXT_INFO || msg->msg_style == PAM_ERROR_MSG) {
		snprintf(client->shown + len, sizeof(client->shown) - len, "%s\n", msg->msg);
		return client->answer == ANSWER_REFUSE_TEXTS ? PAM_CONV_ERR : PAM_SUCCESS;
	}
	client->prompts++;
	if (client->answer == ANSWER_CANCEL)
		return PAM_CONV_ERR;
	if (client->answer != ANSWER_NULL && client->password != NULL &&
	    (resp->resp = strdup(client->password)) == NULL)
		return PAM_BUF_ERR;
	return PAM_SUCCESS;
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp, void *arg)
{
	struct client *client = arg;
	int r = PAM_SUCCESS, i;

	*resp = NULL;
	if (client->answer == ANSWER_NO_RESPONSE)
		return PAM_SUCCESS;
	if ((*resp = calloc((size_t)n, sizeof(**resp))) == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < n && r == PAM_SUCCESS; i++)
		r = answer_one(client, msg[i], &(*resp)[i]);
	if (r != PAM_SUCCESS) {
		free(*resp);
		*resp = NULL;
	}
	return r;
}

/* Nobody waits in a test. */
static void
note_delay(int retval, unsigned int usec, void *arg)
{
	struct client *client = arg;

	(void)retval;
	if (usec > client->delay)
		client->delay = usec;
}

pam_handle_t *
door_open(const char *service, const char *login, const char *from, struct client *client)
{
	/* libpam takes a function where its prototype says object. */
	union {
		void (*function)(int retval, unsigned int usec, void *arg);
		const void *object;
	} delay = { note_delay };
	char confdir[128];
	pam_handle_t *pamh = NULL;

	client->conv.conv = converse;
	client->conv.appdata_ptr = client;
	snprintf(confdir, sizeof(confdir), "%s/pam.d", dir);
	assert_int_equal(pam_start_confdir(service, login, &client->conv, confdir, &pamh),
	    PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_FAIL_DELAY, delay.object), PAM_SUCCESS);
	if (from != NULL)
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, from), PAM_SUCCESS);
	return pamh;
}

void
door_close(pam_handle_t *pamh)
{
	assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

int
door_try(const char *service, const char *login, const char *from, const char *password)
{
	struct client client = { .password = password };
	pam_handle_t *pamh = door_open(service, login, from, &client);
	int r = pam_authenticate(pamh, 0);

	door_close(pamh);
	return r;
}

const char *
door_user(pam_handle_t *pamh)
{
	const void *user = NULL;

	assert_int_equal(pam_get_item(pamh, PAM_USER, &user), PAM_SUCCESS);
	return user;
}

static const char *const names[] = { "TOKGATE_TICKET", "TOKGATE_ID", "TOKGATE_OWNER",
	"TOKGATE_SCOPES", "TOKGATE_EXPIRES" };

void
door_all_empty(pam_handle_t *pamh)
{
	const char *value;
	size_t i;

	for (i = 0; i < ROWS(names); i++) {
		value = pam_getenv(pamh, names[i]);
		ROW(value != NULL && value[0] == '\0', "%s is '%s'", names[i],
		    value != NULL ? value : "(unset)");
	}
}

void
door_all_unset(pam_handle_t *pamh)
{
	size_t i;

	for (i = 0; i < ROWS(names); i++)
		ROW(pam_getenv(pamh, names[i]) == NULL, "%s is set", names[i]);
}

void
door_nothing_set(pam_handle_t *pamh)
{
	const char *value;
	size_t i;

	for (i = 0; i < ROWS(names); i++) {
		value = pam_getenv(pamh, names[i]);
		ROW(value == NULL || value[0] == '\0', "%s is '%s'", names[i], value);
	}
}

/* ---- what was left behind ------------------------------------------------------------------ */

const char *
door_recorded(void)
{
	static char text[4096];
	FILE *f = fopen(record, "re");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

void
door_record_clear(void)
{
	unlink(record);
}

unsigned int
door_open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* ---- the run ------------------------------------------------------------------------------------ */

static const char *why_not;

static void
every_test_of_a_door(void **state)
{
	(void)state;
	SKIP(why_not);
}

static const struct CMUnitTest skipped[] = { TEST("every test of a door", every_test_of_a_door) };

int
door_run(const char *file, const struct CMUnitTest *tests, size_t n)
{
	int failed;

	if (set_up(&why_not))
		failed = _cmocka_run_group_tests(file, tests, n, NULL, NULL);
	else
		failed = _cmocka_run_group_tests(file, skipped, ROWS(skipped), NULL, NULL);
	take_down();
	return failed;
}
