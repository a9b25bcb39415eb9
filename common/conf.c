/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "secure.h"

static const struct conf defaults = { .store = TG_STORE_DIR, .socket = TG_SOCKET };

/* An absolute path of `len` bytes, without slashes at its end, that fits `size`. */
static bool
copy_path(const char *value, size_t len, char *out, size_t size)
{
	const char *p;
	size_t part;

	while (len > 0 && value[len - 1] == '/')
		len--;
	if (len == 0 || value[0] != '/' || len >= size)
		return false;
	memcpy(out, value, len);
	out[len] = '\0';
	for (p = out; *p != '\0'; p += part) {
		p += strspn(p, "/");
		part = strcspn(p, "/");
		if ((part == 1 && p[0] == '.') || (part == 2 && p[0] == '.' && p[1] == '.'))
			return false;
	}
	return true;
}

static bool
parse_uid(const char *value, size_t len, uint32_t *out)
{
	char digits[11] = "";
	uint64_t uid;

	if (len == 0 || len >= sizeof(digits) || strspn(value, "0123456789") < len ||
	    (value[0] == '0' && len > 1))
		return false;
	memcpy(digits, value, len);
	if ((uid = strtoull(digits, NULL, 10)) >= UINT32_MAX)
		return false;
	*out = (uint32_t)uid;
	return true;
}

/* The next of the words in *text, which moves behind it; its length, 0 at the end. */
static size_t
next_word(const char **text, const char **word)
{
	size_t len;

	*word = *text + strspn(*text, " \t");
	len = strcspn(*word, " \t");
	*text = *word + len;
	return len;
}

/* Setters return NULL, or a static text that says what the value must be. */
static const char *
set_store(struct conf *conf, const char *value)
{
	if (copy_path(value, strlen(value), conf->store, sizeof(conf->store)))
		return NULL;
	return "must be an absolute path other than '/', without '.' and '..' parts";
}

static const char *
set_uid(struct conf *conf, const char *value)
{
	if (parse_uid(value, strlen(value), &conf->uid))
		return NULL;
	return "must be the number of a user, 0 to 4294967294";
}

static const char *
set_socket(struct conf *conf, const char *value)
{
	if (strpbrk(value, " \t") == NULL &&
	    copy_path(value, strlen(value), conf->socket, sizeof(conf->socket)))
		return NULL;
	return "must be an absolute path of at most 107 bytes, without blanks, '.' and '..' parts";
}

static const char *
set_listen(struct conf *conf, const char *value)
{
	const char *word;
	size_t len;

	conf->nlisten = 0;
	while ((len = next_word(&value, &word)) > 0) {
		if (conf->nlisten == CONF_LISTEN_MAX)
			return "has more than 8 paths";
		if (!copy_path(word, len, conf->listen[conf->nlisten], sizeof(conf->listen[0])))
			return "must be absolute paths of at most 107 bytes, without '.' and '..' parts";
		conf->nlisten++;
	}
	return NULL;
}

static const char *
set_trusted(struct conf *conf, const char *value)
{
	const char *word;
	size_t len;

	conf->ntrusted = 0;
	while ((len = next_word(&value, &word)) > 0) {
		if (conf->ntrusted == CONF_TRUSTED_MAX)
			return "has more than 16 users";
		if (!parse_uid(word, len, &conf->trusted[conf->ntrusted]))
			return "must be numbers of users, 0 to 4294967294";
		conf->ntrusted++;
	}
	return NULL;
}

static const struct setting {
	const char *key;
	const char *(*set)(struct conf *conf, const char *value);
} settings[] = {
	{ "store", set_store },
	{ "uid", set_uid },
	{ "socket", set_socket },
	{ "listen", set_listen },
	{ "trusted", set_trusted },
};

enum { NSETTINGS = sizeof(settings) / sizeof(settings[0]) };

static const struct setting *
find(const char *key)
{
	size_t i;

	for (i = 0; i < NSETTINGS; i++)
		if (strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

enum tg_status
conf_set(struct conf *conf, const char *key, const char *value, struct detail *detail)
{
	const struct setting *setting = find(key);
	const char *must;

	if (setting == NULL)
		return detail_set(detail, TG_MISCONFIGURED, "unknown setting '%s'", key);
	if ((must = setting->set(conf, value)) != NULL)
		return detail_set(detail, TG_MISCONFIGURED, "%s %s", key, must);
	return TG_OK;
}

/* Cut blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	text[len] = '\0';
	return text;
}

static bool
has_control(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return true;
	return false;
}

/* Names from the file are shown only if they look like one, so that it cannot write to a terminal. */
static bool
key_like(const char *key)
{
	size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= 32 && key[len] == '\0';
}

/* Returns NULL, or `buf` with what is wrong.  `seen` has a place for each setting. */
static const char *
assign(const char *key, const char *value, struct conf *conf, bool *seen, char *buf, size_t size)
{
	const struct setting *setting = find(key);
	const char *must;

	if (setting == NULL)
		snprintf(buf, size, "unknown key '%s'", key);
	else if (seen[setting - settings])
		snprintf(buf, size, "'%s' is set a second time", key);
	else if (value[0] == '\0')
		snprintf(buf, size, "'%s' has no value", key);
	else if (strchr(value, '#') != NULL)
		snprintf(buf, size, "'%s' has a '#' in its value; a remark needs its own line",
		    key);
	else if ((must = setting->set(conf, value)) != NULL)
		snprintf(buf, size, "'%s' %s", key, must);
	else {
		seen[setting - settings] = true;
		return NULL;
	}
	return buf;
}

/* Take one line, without its newline; otherwise as assign(). */
static const char *
parse_line(const char *text, size_t len, struct conf *conf, bool *seen, char *buf, size_t size)
{
	char line[CONF_LINE_MAX + 1], *key, *value;

	if (len > CONF_LINE_MAX) {
		snprintf(buf, size, "line is longer than %d bytes", CONF_LINE_MAX);
		return buf;
	}
	if (has_control(text, len))
		return "control character";
	memcpy(line, text, len);
	line[len] = '\0';
	key = trim(line);
	if (key[0] == '\0' || key[0] == '#')
		return NULL;
	if ((value = strchr(key, '=')) != NULL)
		*value++ = '\0';
	key = trim(key);
	if (value == NULL || !key_like(key))
		return "not a line of 'key = value'";
	return assign(key, trim(value), conf, seen, buf, size);
}

enum tg_status
conf_parse(const char *text, size_t len, const char *name, struct conf *out, struct detail *detail)
{
	bool seen[NSETTINGS] = { false };
	const char *end = text + len, *newline, *problem = NULL;
	unsigned int number = 0;
	char buf[160];

	*out = defaults;
	while (problem == NULL && text < end) {
		if ((newline = memchr(text, '\n', (size_t)(end - text))) == NULL)
			newline = end;
		number++;
		problem = parse_line(text, (size_t)(newline - text), out, seen, buf, sizeof(buf));
		text = newline == end ? end : newline + 1;
	}
	if (problem == NULL)
		return TG_OK;
	memset(out, 0, sizeof(*out));
	return detail_set(detail, TG_MISCONFIGURED, "%s:%u: %s", name, number, problem);
}

/* Read up to `size` bytes, to the end of the file if that comes first; -1 on failure. */
static ssize_t
read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

enum tg_status
conf_load(const char *path, struct conf *out, struct detail *detail)
{
	const char *name = path != NULL ? path : TG_CONFIG_FILE;
	enum tg_status status;
	char *text = NULL;
	ssize_t len;
	int fd;

	memset(out, 0, sizeof(*out));
	status = secure_open(name, 0, &fd, detail);
	if (status == TG_NO_MATCH && path == NULL) {
		*out = defaults;
		detail->text[0] = '\0';
		return TG_OK;
	}
	if (status != TG_OK)
		return status == TG_NO_MATCH ? TG_MISCONFIGURED : status;

	/* One more than allowed, so that too much shows; not on the stack, which may be a small one. */
	if ((text = malloc(CONF_FILE_MAX + 1)) == NULL)
		status = detail_set(detail, TG_UNAVAILABLE, "cannot read '%s': out of memory",
		    name);
	else if ((len = read_all(fd, text, CONF_FILE_MAX + 1)) == -1)
		status = detail_set(detail, TG_UNAVAILABLE, "cannot read '%s': %s", name,
		    strerror(errno));
	else if (len > CONF_FILE_MAX)
		status = detail_set(detail, TG_MISCONFIGURED, "'%s' is larger than %d bytes", name,
		    CONF_FILE_MAX);
	else
		status = conf_parse(text, (size_t)len, name, out, detail);
	free(text);
	close(fd);
	return status;
}
