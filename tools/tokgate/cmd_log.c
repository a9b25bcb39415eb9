/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "json.h"
#include "table.h"

static int run(struct cli *cli);

enum { OPT_TOKEN, OPT_OWNER, OPT_SINCE };

static const struct cli_option options[] = {
	[OPT_TOKEN] = { "token", "ID", "only what concerns this token", false },
	[OPT_OWNER] = { "owner", "OWNER", "only what concerns this owner", false },
	[OPT_SINCE] = { "since", "WHEN", "only from then on: a date, or how long ago", false },
};

const struct cli_command cmd_log = {
	.name = "log",
	.synopsis = "log [--token ID] [--owner OWNER] [--since WHEN]",
	.about = "List the changes to the store: who issued, changed or revoked what, and when.",
	.more = "Logins are in the system log; their lines begin with 'tokgate: verdict='.",
	.example = "tokgate log --owner alice --since 7d",
	.options = options,
	.noptions = CLI_COUNT(options),
	.run = run,
};

struct filter {
	char id[TG_ID_LEN + 1]; /* "": any */
	const char *owner;      /* NULL: any */
	int64_t since;          /* 0: any */
	struct table *table;    /* NULL: JSON */
	int code;
};

static int
print_json(const struct tg_entry *entry)
{
	struct json *json = json_new();

	json_number(json, "serial", entry->serial);
	json_when(json, "at", entry->at);
	json_text(json, "event", tg_event_name(entry->event));
	json_text(json, "id", entry->id);
	json_text(json, "owner", entry->owner);
	json_text(json, "by", entry->by);
	json_text(json, "what", entry->what);
	return json_print(&json);
}

static void
add_row(struct table *table, const struct tg_entry *entry)
{
	char serial[24];
	char at[TG_TIME_MAX + 1];
	const char *cells[] = { serial, at, tg_event_name(entry->event), entry->id, entry->owner,
		entry->by, entry->what };

	snprintf(serial, sizeof(serial), "%" PRIu64, entry->serial);
	tg_format_when(entry->at, at);
	table_add(table, cells);
}

static bool
take(void *arg, const struct tg_entry *entry)
{
	struct filter *filter = arg;

	if ((filter->id[0] != '\0' && strcmp(filter->id, entry->id) != 0) ||
	    (filter->owner != NULL && strcmp(filter->owner, entry->owner) != 0) ||
	    entry->at < filter->since)
		return true;
	if (filter->table != NULL) {
		add_row(filter->table, entry);
		return true;
	}
	filter->code = print_json(entry);
	return filter->code == CLI_DONE && !ferror(stdout);
}

/* A duration looks back here; everywhere else it looks ahead. */
static bool
parse_since(const char *text, int64_t now, int64_t *since)
{
	int64_t ago;

	if (tg_parse_duration(text, &ago) == TG_OK) {
		*since = now > ago ? now - ago : 0;
		return true;
	}
	return tg_parse_when(text, now, since) == TG_OK;
}

static int
fill_filter(const struct cli *cli, struct filter *filter)
{
	const char *token = cli_value(cli, OPT_TOKEN);
	const char *since = cli_value(cli, OPT_SINCE);

	filter->owner = cli_value(cli, OPT_OWNER);
	if (token != NULL && cli_looks_secret(token))
		return cli_fail(CLI_USAGE, "--token takes an id, never a token's text");
	if (token != NULL && tg_parse_id(token, filter->id) != TG_OK)
		return cli_fail(CLI_USAGE, "not the id of a token: '%s'", token);
	if (filter->owner != NULL && !tg_owner_valid(filter->owner))
		return cli_fail(CLI_USAGE, "not an owner's name: '%s'", filter->owner);
	if (since != NULL && !parse_since(since, time(NULL), &filter->since))
		return cli_fail(CLI_USAGE, "neither a date nor a duration: '%s'", since);
	return CLI_DONE;
}

static int
run(struct cli *cli)
{
	static const char *const heads[] = { "SERIAL", "AT", "EVENT", "ID", "OWNER", "BY", "WHAT" };
	struct filter filter = { 0 };
	enum tg_status status;
	int code = fill_filter(cli, &filter);

	if (code != CLI_DONE)
		return code;
	code = cli_open(cli);
	if (code != CLI_DONE)
		return code;
	if (!cli->json)
		filter.table = table_new(CLI_COUNT(heads), heads);
	status = tg_log(cli->tg, take, &filter);
	if (status != TG_OK)
		filter.code = cli_refused(cli, status);
	if (filter.table != NULL)
		table_print(&filter.table);
	return filter.code;
}
