/* SPDX-License-Identifier: ISC */
/*
 * Input: a message to tokgated, which holds a store with tokens in it.
 *
 * Served as it is, and once more with the token or ticket that its text stands
 * for: "@live", "@limited", ... or any other text as it is.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "wire.h"

enum { NOW = 1800000000, DAY = 24 * 3600, PEER = 33 };

/* Tokens of alice for sftp:upload:demo from 192.0.2.0/24. */
enum sort { LIVE, LIMITED, USED_UP, REVOKED, EXPIRED, EARLY, SUSPENDED, SORTS };

static const char *const names[SORTS] = { "@live", "@limited", "@used-up", "@revoked", "@expired",
	"@early", "@suspended" };

static char dir[PATH_MAX];
static char texts[SORTS][TG_TOKEN_MAX + 1], ids[SORTS][TG_ID_LEN + 1];
static char tickets[SORTS][TG_TICKET_MAX + 1]; /* "" where there never was one */
static struct tg *tg;
static pid_t maker;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
clean_up(void)
{
	if (getpid() == maker)
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
one_line(void *arg, const char *line)
{
	(void)arg;
	MUST(strncmp(line, "tokgate: verdict=", 17) == 0 && strchr(line, '\n') == NULL);
	MUST(strstr(line, " uid=33") != NULL);
}

static void
issue(enum sort sort)
{
	static const struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo", .source = "192.0.2.1"
	};
	struct tg_token t = { .nscopes = 1,
		.scopes = { "sftp:upload:demo" },
		.nsources = 1,
		.sources = { "192.0.2.0/24" },
		.created_by = "root",
		.uses_left = TG_USES_UNLIMITED };
	struct tg_owner mallory = { .name = "mallory", .suspended = true };
	struct tg_grant grant;

	strcpy(t.owner, sort == SUSPENDED ? "mallory" : "alice");
	t.uses_left = sort == LIMITED || sort == USED_UP ? 1 : TG_USES_UNLIMITED;
	t.expires_at = sort == EXPIRED ? NOW : 0;
	t.not_before = sort == EARLY ? NOW + 1 : 0;
	MUST(tg_issue(tg, &t, texts[sort]) == TG_OK);
	memcpy(ids[sort], t.id, sizeof(t.id));
	if (sort != LIMITED && sort != EARLY) {
		MUST(tg_check(tg, texts[sort], strlen(texts[sort]), &req, &grant) == TG_OK);
		strcpy(tickets[sort], grant.ticket);
	}
	if (sort == REVOKED)
		MUST(tg_revoke(tg, t.id, "root", NULL) == TG_OK);
	if (sort == SUSPENDED)
		MUST(tg_owner_set(tg, &mallory, "root") == TG_OK);
}

static void
quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void
set_up(void)
{
	char config[PATH_MAX + 32], store[PATH_MAX + 32];
	enum sort sort;
	bool made;
	FILE *f;

	maker = getpid();
	/* Beside the harness: libFuzzer ends without atexit(3), and then `make clean` has it. */
	if (realpath(program_invocation_name, dir) == NULL || strlen(dir) > sizeof(dir) - 8 ||
	    mkdtemp(strcat(dir, ".XXXXXX")) == NULL)
		err(1, "%s", dir);
	atexit(clean_up);
	umask(022);
	snprintf(config, sizeof(config), "%s/tokgate.conf", dir);
	snprintf(store, sizeof(store), "%s/store", dir);
	if ((f = fopen(config, "w")) == NULL || fclose(f) == EOF)
		err(1, "%s", config);
	MUST(tg_open(config, store, &tg) == TG_OK);
	tg_set_now(tg, NOW - DAY);
	tg_set_log(tg, quiet, NULL);
	MUST(tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_OK);
	MUST(tg_hold(tg) == TG_OK);
	for (sort = 0; sort < SORTS; sort++)
		issue(sort);
	tg_set_now(tg, NOW);
	tg_set_log(tg, one_line, NULL);
}

/* In 192.0.2.0/24, mapped into IPv6 or not? */
static bool
within(const char *source)
{
	static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2 };
	uint8_t a[16];

	if (inet_pton(AF_INET, source, a) == 1)
		return memcmp(a, mapped + 12, 3) == 0;
	return inet_pton(AF_INET6, source, a) == 1 && memcmp(a, mapped, 15) == 0;
}

/* Is this what the live tokens are for?  Written down a second time, and otherwise. */
static bool
may_be_granted(const struct wire_question *q)
{
	if (q->kind == WIRE_ASK)
		return strcmp(q->ticket, tickets[LIVE]) == 0 ||
		    strcmp(q->ticket, tickets[USED_UP]) == 0;
	if (strcmp(q->token, texts[LIVE]) != 0 && strcmp(q->token, texts[LIMITED]) != 0)
		return false;
	if (strcmp(q->service, "sftp") != 0 || !within(q->source))
		return false;
	if (q->login[0] != '\0' && strcmp(q->login, "alice") != 0 &&
	    strcmp(q->login, TG_DROP_IN) != 0)
		return false;
	if (strcmp(q->action, "upload") != 0 && !(q->gate && q->action[0] == '\0'))
		return false;
	return q->gate || strcmp(q->resource, "demo") == 0;
}

static void
must_be_right(const struct wire_question *q, const uint8_t *reply, size_t len, bool later)
{
	static struct wire_answer a;
	const struct tg_grant *g = &a.grant;

	MUST(wire_answer_decode(reply, len, &a));
	MUST(a.status >= 0 || a.status == TG_INVALID);
	MUST(a.serial > 0 && a.status != TG_UNAVAILABLE);
	if (a.status == TG_OK) {
		MUST(!later && may_be_granted(q));
		MUST(strcmp(g->identity, "alice") == 0 && strcmp(g->owner, "alice") == 0);
		MUST(g->nscopes == 1 && strcmp(g->scopes[0], "sftp:upload:demo") == 0);
		MUST(strncmp(g->ticket, "tgt1_", 5) == 0);
		return;
	}
	MUST(g->nscopes == 0 && g->identity[0] == '\0' && g->ticket[0] == '\0');
	if (a.status < TG_REVOKED)
		MUST(g->id[0] == '\0' && g->owner[0] == '\0' && g->text[0] == '\0' &&
		    g->expires_at == 0);
}

/* As the first process does it: what has to be written is for another one. */
static void
serve(const uint8_t *data, size_t size)
{
	static uint8_t reply[TG_MESSAGE_MAX];
	struct wire_question q;
	size_t len = 1;
	bool fit = wire_question_decode(data, size, &q);

	switch (tg_serve(tg, PEER, data, size, NULL, reply, &len)) {
	case TG_SERVE_DROP:
		MUST(!fit && len == 0);
		break;
	case TG_SERVE_LAST:
		MUST(false);
		break;
	case TG_SERVE_LATER:
		MUST(fit && len == 0 && strcmp(q.token, texts[LIMITED]) == 0 && !q.dry_run);
		MUST(may_be_granted(&q));
		break;
	case TG_SERVE_ANSWER:
		MUST(fit);
		must_be_right(&q, reply, len, false);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t message[WIRE_QUESTION_MAX];
	struct wire_question q;
	enum sort sort;

	if (tg == NULL)
		set_up();
	serve(data, size);
	if (!wire_question_decode(data, size, &q))
		return 0;
	for (sort = 0; sort < SORTS; sort++) {
		if (strcmp(q.token, names[sort]) == 0)
			strcpy(q.token, texts[sort]);
		if (strcmp(q.ticket, names[sort]) == 0)
			strcpy(q.ticket, tickets[sort]);
	}
	serve(message, wire_question_encode(&q, message));
	return 0;
}
