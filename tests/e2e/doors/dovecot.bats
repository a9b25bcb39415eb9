#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# Dovecot of Debian 12 with pam/examples/dovecot.pam and dovecot.conf: IMAP and
# POP3, which ask tokgated, by a process of root's or of Dovecot's own user

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"
# shellcheck source=tests/e2e/daemon.bash
. "$BATS_TEST_DIRNAME/../daemon.bash"

imap=imaps://127.0.0.1
pop3=pop3s://127.0.0.1
refusal=67 # of curl: the login was denied
cargo=$frame/cargo

# start_dovecot [SETTINGS]: the example, but for the seconds that Dovecot lets
# those wait who were refused.
start_dovecot() {
	{
		cat "$examples/dovecot.conf"
		cat <<-END
		auth_failure_delay = 0
		service anvil {
		  unix_listener anvil-auth-penalty {
		    mode = 0
		  }
		}
		${1-}
		END
	} >/etc/dovecot/dovecot.conf
	start dovecot 993 /usr/sbin/dovecot -F
	within 10 listening 995
}

# For one test.
restart_dovecot() {
	stop dovecot
	start_dovecot "$1"
	: >"$frame/restarted"
}

setup_file() {
	install_with_daemon
	make_certificate
	for name in alice bob; do
		add_user "$name"
	done
	for name in dovecot dovenull; do
		getent passwd "$name" >/dev/null || useradd -r -d /nonexistent -s /usr/sbin/nologin "$name"
	done
	mkdir -p /etc/dovecot
	printf 'From: x@example.org\r\nSubject: cargo\r\n\r\n%s\r\n' "$(head -c 3000 /dev/urandom | base64)" | sed 's/\r*$/\r/' >"$cargo"
	use_example dovecot.pam /etc/pam.d/dovecot
	start_dovecot
}

teardown_file() {
	stop dovecot
	stop tokgated
}

setup() {
	for name in alice bob; do
		rm -rf "/home/$name/Maildir"
		install -d -o "$name" -g "$name" "/home/$name/Maildir"{,/new,/cur,/tmp}
		install -o "$name" -g "$name" "$cargo" "/home/$name/Maildir/new/1.first"
	done
	mark_log
}

teardown() {
	all_is_back
	use_example dovecot.pam /etc/pam.d/dovecot
	if [ -e "$frame/restarted" ]; then
		rm "$frame/restarted"
		stop dovecot
		start_dovecot
	fi
}

# ---- what is done --------------------------------------------------------

# mail_as LOGIN SECRET ARGUMENT...: what was fetched lies in $frame/fetched.
mail_as() {
	rm -f "$frame/fetched"
	curl_as "$1" "$2" --cacert "$certificate" -o "$frame/fetched" "${@:3}"
}

# fetches LOGIN SECRET [OPTION...]: the first message, by IMAP.
fetches() {
	mail_as "$1" "$2" "$imap/INBOX;MAILINDEX=1" "${@:3}"
	cmp "$cargo" "$frame/fetched"
}

# refused LOGIN SECRET [OPTION...]: by the server, with nothing fetched.
refused() {
	run -"$refusal" mail_as "$1" "$2" "$imap/INBOX;MAILINDEX=1" "${@:3}"
	[ ! -s "$frame/fetched" ]
}

messages_of() {
	find "/home/$1/Maildir/new" "/home/$1/Maildir/cur" -type f | wc -l
}

mail_question='service=imap action=login resource=*'

# An audit line of the mailbox: VERDICT TOKEN OWNER LOGIN [SOURCE]
audited_login() {
	audited_at root "$1" "$2" "$3" "$4" "$mail_question" "${@:5}"
}

# ---- in ------------------------------------------------------------------

@test "IMAP opens with the owner's name and as __token__, and it is the owner's mailbox" {
	token=$(issue alice --scope imap:login)
	for login in alice __token__; do
		mark_log
		fetches "$login" "$token"
		audited_login ok "$token" alice "$login"
	done
	mail_as __token__ "$token" "$imap/INBOX" -T "$cargo"
	[ "$(messages_of alice)" -eq 2 ]
	[ "$(messages_of bob)" -eq 1 ]
	[ "$(find ~alice/Maildir -type f ! -user alice)" = '' ]
}

@test "POP3 opens with the same token, and what is deleted is gone" {
	token=$(issue alice --scope imap:login)
	for login in alice __token__; do
		mark_log
		mail_as "$login" "$token" "$pop3/1"
		cmp "$cargo" "$frame/fetched"
		audited_login ok "$token" alice "$login"
	done
	mail_as __token__ "$token" "$pop3/1" -X DELE -I
	[ "$(messages_of alice)" -eq 0 ]
	[ "$(messages_of bob)" -eq 1 ]
}

@test "a token bound to an address opens from there and from nowhere else" {
	token=$(issue alice --scope imap:login --from 127.0.0.2)
	refused alice "$token"
	audited_login wrong-source "$token" alice alice
	mark_log
	fetches alice "$token" --interface 127.0.0.2
	audited_login ok "$token" alice alice 127.0.0.2
}

@test "a token for one use is used up by it" {
	token=$(issue alice --scope imap:login --uses 1)
	fetches alice "$token"
	mark_log
	refused alice "$token"
	audited_login used-up "$token" alice alice
}

# ---- out -----------------------------------------------------------------

@test "a token for another service or action is refused, by IMAP and by POP3" {
	for case in wrong-service:smtp:login wrong-action:imap:list; do
		mark_log
		token=$(issue alice --scope "${case#*:}")
		refused __token__ "$token"
		audited_login "${case%%:*}" "$token" alice __token__
		run -"$refusal" mail_as alice "$token" "$pop3/1"
		[ ! -s "$frame/fetched" ]
	done
}

@test "a token for one folder does not open the mailbox" {
	token=$(issue alice --scope imap:login:INBOX)
	refused alice "$token"
	audited_login wrong-resource "$token" alice alice
}

@test "an expired token is refused" {
	token=$(issue_expired alice --scope imap:login)
	refused __token__ "$token"
	audited_login expired "$token" alice __token__
}

@test "a token revoked a moment ago is refused by the running server, by IMAP and by POP3" {
	token=$(issue alice --scope imap:login)
	fetches alice "$token"
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused alice "$token"
	audited_login revoked "$token" alice alice
	run -"$refusal" mail_as __token__ "$token" "$pop3/1"
	[ ! -s "$frame/fetched" ]
}

@test "one mistyped character, or another secret, is refused" {
	token=$(issue alice --scope imap:login)
	refused __token__ "$(other_secret "$token")"
	audited_login no-match "$token" - __token__
	mark_log
	refused __token__ "$(mistyped "$token")"
	audited_login malformed '' - __token__
}

@test "nobody else's mailbox opens with a token" {
	token=$(issue alice --scope imap:login)
	refused bob "$token"
	audited_login wrong-login "$token" alice bob
}

@test "no token makes anybody root, nor opens anything for an owner without an account" {
	token=$(issue root --scope imap:login)
	refused __token__ "$token"
	audited_login ok "$token" root __token__
	token=$(issue ci-release --scope imap:login)
	refused __token__ "$token"
	refused ci-release "$token"
}

@test "an expired account is refused, whatever token it has" {
	token=$(issue alice --scope imap:login)
	chage -E 1970-01-02 alice
	refused __token__ "$token"
	chage -E -1 alice
	fetches __token__ "$token"
}

@test "what is refused is shown to no other passdb" {
	restart_dovecot $'passdb {\n driver = static\n args = nopassword\n}'
	token=$(issue alice --scope imap:login)
	fetches alice "$token"
	tokgate revoke "$(id_of "$token")"
	refused alice "$token"
	refused alice "$(unix_password alice)"
	keep_store
	rm -r /var/lib/tokgate
	refused alice "$token"
}

# ---- beside --------------------------------------------------------------

@test "the door for tokens alone takes no Unix password" {
	refused alice "$(unix_password alice)"
	audited_login not-a-token '' - alice
}

@test "token-or-password.pam takes a Unix password and a token" {
	use_example token-or-password.pam /etc/pam.d/dovecot
	token=$(issue alice --scope dovecot:login)
	fetches alice "$(unix_password alice)"
	fetches alice "$token"
	refused alice "$(unix_password bob)"
}

# ---- without -------------------------------------------------------------

@test "without tokgated root's process goes to the store itself" {
	token=$(issue alice --scope imap:login)
	stop tokgated
	fetches alice "$token"
	audited_login ok "$token" alice alice
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused alice "$token"
	audited_login revoked "$token" alice alice
}

@test "while tokgated is stopped root's process goes to the store itself, soon" {
	token=$(issue alice --scope imap:login)
	kill -STOP "$(cat "$frame/tokgated.pid")"
	fetches alice "$token" -m 5
}

@test "without a store tokens are unavailable, with and without tokgated, and back with it" {
	token=$(issue alice --scope imap:login)
	keep_store
	rm -r /var/lib/tokgate
	refused alice "$token"
	audited_login unavailable "$token" - alice
	stop tokgated
	mark_log
	refused alice "$token"
	audited_login unavailable "$token" - alice
	put_store_back
	fetches alice "$token"
}

# ---- without root's rights -----------------------------------------------

# As the end of dovecot.conf says.
as_user() {
	sed -i 's/pam_unix\.so/pam_permit.so/' /etc/pam.d/dovecot
	sed -n '/^#service auth-worker/,/^#}/s/^#//p' "$examples/dovecot.conf" >"$frame/worker"
	[ "$(wc -l <"$frame/worker")" -eq 3 ]
	restart_dovecot "$(cat "$frame/worker")"
}

@test "a process of Dovecot's own user asks tokgated, and without it tokens are unavailable" {
	as_user
	token=$(issue alice --scope imap:login)
	fetches __token__ "$token"
	audited_for dovecot ok "$token" alice __token__ "$mail_question"
	mail_as alice "$token" "$pop3/1"
	cmp "$cargo" "$frame/fetched"
	mark_log
	stop tokgated
	refused alice "$token"
	audited_at dovecot unavailable "$token" - alice "$mail_question"
	log_since_mark | grep -q "pam_tokgate(dovecot:auth): unavailable: no tokgated listens at '$socket'"
	start_tokgated
	fetches alice "$token"
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused alice "$token"
	audited_for dovecot revoked "$token" alice alice "$mail_question"
}

# ---- secrets -------------------------------------------------------------

@test "no secret is in a log, a file or another process" {
	token=$(issue alice --scope imap:login)
	fetches alice "$token"
	found_nowhere
}
