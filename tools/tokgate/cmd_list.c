/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "json.h"
#include "table.h"

static int run(struct cli *cli);

enum { OPT_OWNER, OPT_SERVICE, OPT_STATE };

static const struct cli_option options[] = {
	[OPT_OWNER] = { "owner", "OWNER", "only tokens of this owner", false },
	[OPT_SERVICE] = { "service", "SERVICE", "only tokens with a scope that covers this service",
	    false },
	[OPT_STATE] = { "state", "STATE",
	    "active (default), not-yet-valid, expired, idle, used-up, revoked, all", false },
};

const struct cli_command cmd_list = {
	.name = "list",
	.synopsis = "list [--owner OWNER] [--service SERVICE] [--state STATE]",
	.about = "List tokens, the active ones unless told otherwise.",
	.example = "tokgate list --owner alice --state all",
	.options = options,
	.noptions = CLI_COUNT(options),
	.run = run,
};

/* Those that a token can be in by itself: tg_token.state. */
static const enum tg_status states[] = { TG_OK, TG_NOT_YET_VALID, TG_EXPIRED, TG_IDLE, TG_USED_UP,
	TG_REVOKED };

struct listing {
	const char *service; /* NULL: any */
	bool any_state;
	enum tg_status state;
	int64_t now;
	struct table *table; /* NULL: JSON */
	int code;
};

static bool
scope_has_service(const char *scope, const char *service)
{
	size_t len = strcspn(scope, ":");

	return (len == 1 && *scope == '*') ||
	    (len == strlen(service) && memcmp(scope, service, len) == 0);
}

static bool
is_wanted(const struct listing *listing, const struct tg_token *token)
{
	if (!listing->any_state && token->state != listing->state)
		return false;
	for (size_t i = 0; listing->service != NULL && i < token->nscopes; i++) {
		if (scope_has_service(token->scopes[i], listing->service))
			return true;
	}
	return listing->service == NULL;
}

static void
format_expiry(int64_t expires_at, int64_t now, size_t size, char *out)
{
	char span[CLI_SPAN_MAX + 1];

	if (expires_at == 0) {
		snprintf(out, size, "never");
		return;
	}
	cli_span(expires_at > now ? expires_at - now : now - expires_at, span);
	snprintf(out, size, "%s%s", span, expires_at > now ? "" : " ago");
}

static void
format_use(const struct tg_use *use, int64_t now, size_t size, char *out)
{
	char span[CLI_SPAN_MAX + 1];

	if (use->at == 0) {
		snprintf(out, size, "-");
		return;
	}
	cli_span(now > use->at ? now - use->at : 0, span);
	snprintf(out, size, "%s ago%s%s", span, *use->source != '\0' ? " from " : "", use->source);
}

static void
join_scopes(const struct tg_token *token, size_t size, char *out)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < token->nscopes && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "",
		    token->scopes[i]);
}

static void
add_row(const struct listing *listing, const struct tg_token *token)
{
	char scopes[TG_SCOPES_MAX * (TG_SCOPE_MAX + 2) + 1];
	char expiry[CLI_SPAN_MAX + 8];
	char used[CLI_SPAN_MAX + TG_SOURCE_MAX + 16];
	const char *cells[] = { token->id, token->owner, token->name, scopes,
		cli_state_name(token->state), expiry, used };

	join_scopes(token, sizeof(scopes), scopes);
	format_expiry(token->expires_at, listing->now, sizeof(expiry), expiry);
	format_use(&token->last_used, listing->now, sizeof(used), used);
	table_add(listing->table, cells);
}

static bool
take(void *arg, const struct tg_token *token)
{
	struct listing *listing = arg;
	struct json *json;

	if (!is_wanted(listing, token))
		return true;
	if (listing->table != NULL) {
		add_row(listing, token);
		return true;
	}
	json = json_token(token);
	listing->code = json_print(&json);
	return listing->code == CLI_DONE && !ferror(stdout);
}

static bool
parse_state(const char *text, struct listing *listing)
{
	listing->any_state = strcmp(text, "all") == 0;
	for (size_t i = 0; i < CLI_COUNT(states); i++) {
		if (strcmp(text, cli_state_name(states[i])) == 0) {
			listing->state = states[i];
			return true;
		}
	}
	return listing->any_state;
}

static int
run(struct cli *cli)
{
	static const char *const heads[] = { "ID", "OWNER", "NAME", "SCOPES", "STATE", "EXPIRES IN",
		"LAST USED" };
	struct listing listing = { .state = TG_OK, .now = time(NULL) };
	const char *owner = cli_value(cli, OPT_OWNER);
	const char *state = cli_value(cli, OPT_STATE);
	enum tg_status status;
	int code;

	listing.service = cli_value(cli, OPT_SERVICE);
	if (state != NULL && !parse_state(state, &listing))
		return cli_fail(CLI_USAGE, "unknown state '%s': %s", state,
		    options[OPT_STATE].help);
	if (owner != NULL && !tg_owner_valid(owner))
		return cli_fail(CLI_USAGE, "not an owner's name: '%s'", owner);
	if (listing.service != NULL &&
	    (strchr(listing.service, ':') != NULL || !tg_scope_valid(listing.service, NULL)))
		return cli_fail(CLI_USAGE, "not a service: '%s'", listing.service);

	code = cli_open(cli);
	if (code != CLI_DONE)
		return code;
	if (!cli->json)
		listing.table = table_new(CLI_COUNT(heads), heads);
	status = tg_each(cli->tg, owner, take, &listing);
	if (status != TG_OK && status != TG_NO_MATCH)
		listing.code = cli_refused(cli, status);
	if (listing.table != NULL)
		table_print(&listing.table);
	return listing.code;
}
