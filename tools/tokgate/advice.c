/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "cli.h"
#include "advice.h"

/* Who the client says it is: the door maps the drop-in name to the owner, or it does not. */
enum login {
	AS_OWNER,  /* the name must be the owner's; a real account of the machine */
	AS_EITHER, /* the drop-in name, or the owner's */
};

/* How stock clients are told a password without an argument that others can read. */
static const struct door {
	const char *service;
	enum login login;
	const char *how;
} doors[] = {
	{ "sshd", AS_OWNER, "ssh USER@HOST, token at the password prompt" },
	{ "sftp", AS_OWNER, "sftp USER@HOST, token at the password prompt" },
	{ "ftp", AS_EITHER,
	    "curl --netrc-file FILE -T UPLOAD ftp://HOST/, user and token in FILE" },
	{ "smtp", AS_EITHER, "the token as the password of the outgoing server" },
	{ "imap", AS_EITHER, "the token as the password of the incoming server" },
	{ "ldap", AS_OWNER, "ldapsearch -x -W -D DN, token at the password prompt" },
	{ "http", AS_EITHER,
	    "curl --netrc-file FILE https://HOST/; twine: user and token in .pypirc" },
};

static bool
has_service(const char *scope, const char *service)
{
	size_t len = strcspn(scope, ":");

	return (len == 1 && *scope == '*') ||
	    (len == strlen(service) && memcmp(scope, service, len) == 0);
}

static bool
opens(const struct tg_token *token, const char *service)
{
	for (size_t i = 0; i < token->nscopes; i++) {
		if (has_service(token->scopes[i], service))
			return true;
	}
	return false;
}

/* A missing part means '*'. */
bool
advice_any_action(const char *scope)
{
	const char *action = strchr(scope, ':');

	return action == NULL || strcmp(action, ":*") == 0 || strncmp(action, ":*:", 3) == 0;
}

static void
explain_scope(const char *scope, FILE *out)
{
	const char *action = strchr(scope, ':');
	const char *resource = action != NULL ? strchr(action + 1, ':') : NULL;
	int service_len = (int)strcspn(scope, ":");
	int action_len = action != NULL ? (int)strcspn(action + 1, ":") : 0;

	fprintf(out, "  %.*s: %.*s %s\n", service_len, scope,
	    advice_any_action(scope) ? (int)strlen("everything") : action_len,
	    advice_any_action(scope) ? "everything" : action + 1,
	    resource != NULL && strcmp(resource, ":*") != 0 ? resource + 1 :
							      "of the whole service");
}

static void
explain_life(const struct tg_token *token, int64_t now, FILE *out)
{
	char text[TG_TIME_MAX + 1];
	char span[CLI_SPAN_MAX + 1];

	if (token->not_before > now) {
		tg_format_when(token->not_before, text);
		fprintf(out, "It is valid from %s on.\n", text);
	}
	tg_format_when(token->expires_at, text);
	cli_span(token->expires_at > now ? token->expires_at - now : 0, span);
	if (token->expires_at == 0)
		fputs("It never expires by itself.\n", out);
	else
		fprintf(out, "It dies on %s, in %s.\n", text, span);
	cli_span(token->idle_s, span);
	if (token->idle_s != 0)
		fprintf(out, "It dies earlier after %s without use.\n", span);
	if (token->uses_left != TG_USES_UNLIMITED)
		fprintf(out, "It dies earlier after %u use%s.\n", (unsigned int)token->uses_left,
		    token->uses_left == 1 ? "" : "s");
}

static void
explain_doors(const struct tg_token *token, FILE *out)
{
	fprintf(out, "Send it in the place of a password. User name: %s", token->owner);
	for (size_t i = 0; i < token->nlogins; i++)
		fprintf(out, " or %s", token->logins[i]);
	fputs(",\nor " TG_DROP_IN " where said.\n", out);
	for (size_t i = 0; i < CLI_COUNT(doors); i++) {
		if (opens(token, doors[i].service))
			fprintf(out, "  %-5s %s%s\n", doors[i].service, doors[i].how,
			    doors[i].login == AS_EITHER ? " (also as " TG_DROP_IN ")" : "");
	}
}

void
advice_token(const struct tg_token *token, int64_t now, FILE *out)
{
	fprintf(out, "Token %s of %s may do:\n", token->id, token->owner);
	for (size_t i = 0; i < token->nscopes; i++)
		explain_scope(token->scopes[i], out);
	explain_life(token, now, out);
	explain_doors(token, out);
	fputs("It is shown once: nobody can read it out of the store.\n", out);
}

void
advice_scopes(FILE *out)
{
	fputs("A scope is SERVICE[:ACTION[:RESOURCE]]; a missing part means '*'. For example\n"
	      "  --scope sftp:upload:serde-json   put files of one project by SFTP\n"
	      "  --scope 'ftp:upload:serde-*'     of all projects whose names begin so, by FTP\n"
	      "  --scope smtp:login               send mail\n"
	      "  --scope sshd:login               open a shell\n",
	    out);
}
