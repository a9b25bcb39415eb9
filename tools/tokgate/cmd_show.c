/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "json.h"

static int run(struct cli *cli);

const struct cli_command cmd_show = {
	.name = "show",
	.synopsis = "show ID",
	.about = "Show all that is known about a token.",
	.example = "tokgate show 7Hq2mX9aBc",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};

static void
print_text(const char *label, const char *text)
{
	if (*text != '\0')
		printf("%-13s %s\n", label, text);
}

static void
print_texts(const char *label, size_t n, const char *first, size_t stride)
{
	for (size_t i = 0; i < n; i++)
		print_text(i == 0 ? label : "", first + i * stride);
}

/* "created       2027-01-31T12:00:00Z by root"; nothing where there is no time. */
static void
print_when(const char *label, int64_t at, const char *prep, const char *whom)
{
	char text[TG_TIME_MAX + 1];

	if (at == 0)
		return;
	tg_format_when(at, text);
	printf("%-13s %s%s%s\n", label, text, *whom != '\0' ? prep : "", whom);
}

static void
print_use(const char *label, const struct tg_use *use)
{
	char at[TG_TIME_MAX + 1];

	if (use->at == 0)
		return;
	tg_format_when(use->at, at);
	printf("%-13s %s, %s from %s, %" PRIu32 " in all", label, at, use->service,
	    *use->source != '\0' ? use->source : "an unknown address", use->count);
	if (use->why != TG_OK)
		printf(", %s", tg_status_name(use->why));
	putchar('\n');
}

static void
print_limits(const struct tg_token *token)
{
	char span[CLI_SPAN_MAX + 1];

	if (token->expires_at == 0)
		print_text("expires", "never");
	print_when("expires", token->expires_at, "", "");
	if (token->idle_s != 0) {
		cli_span(token->idle_s, span);
		printf("%-13s after %s without use\n", "idle", span);
	}
	if (token->uses_left != TG_USES_UNLIMITED)
		printf("%-13s %" PRIu32 "\n", "uses left", token->uses_left);
}

static void
print_token(const struct tg_token *token)
{
	print_text("id", token->id);
	print_text("owner", token->owner);
	print_text("name", token->name);
	print_text("state", cli_state_name(token->state));
	print_texts("scopes", token->nscopes, token->scopes[0], sizeof(token->scopes[0]));
	print_texts("also as", token->nlogins, token->logins[0], sizeof(token->logins[0]));
	print_texts("only from", token->nsources, token->sources[0], sizeof(token->sources[0]));
	print_when("created", token->created_at, " by ", token->created_by);
	print_when("not before", token->not_before, "", "");
	print_limits(token);
	print_when("revoked", token->revoked_at, " by ", token->revoked_by);
	print_text("reason", token->revoked_why);
	print_use("last used", &token->last_used);
	print_use("last refused", &token->last_refused);
}

static int
run(struct cli *cli)
{
	struct tg_token token;
	struct json *json;
	char id[TG_ID_LEN + 1];
	enum tg_status status;
	int code;

	/* A text that cannot be an id is the id of no token. */
	if (tg_parse_id(cli->words.at[0], id) != TG_OK)
		return cli_fail(CLI_NO, "no token '%s'", cli->words.at[0]);
	code = cli_open(cli);
	if (code != CLI_DONE)
		return code;
	status = tg_get(cli->tg, id, &token);
	if (status == TG_NO_MATCH)
		return cli_fail(CLI_NO, "no token '%s'", cli->words.at[0]);
	if (status != TG_OK)
		return cli_refused(cli, status);
	if (cli->json) {
		json = json_token(&token);
		return json_print(&json);
	}
	print_token(&token);
	return CLI_DONE;
}
