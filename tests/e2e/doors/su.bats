#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# su of Debian 12 with pam/examples/su.pam: carol becomes bob

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"

setup_file() {
	install_tokgate
	add_user bob
	add_user carol
	use_example su.pam /etc/pam.d/su
}

setup() {
	mark_log
	rm -f ~bob/ran
}

teardown() {
	[ ! -d "$frame/store.kept" ] || put_store_back
}

# become_bob SECRET [OPTION...]: carol runs su, which runs touch as bob.
become_bob() {
	local secret=$1
	shift
	setpriv --reuid carol --regid carol --init-groups \
	    su "$@" bob -c 'touch ~bob/ran' <<<"$secret"
}

became_bob() {
	[ "$(stat -c %U ~bob/ran)" = bob ]
}

refused() {
	run -1 become_bob "$@"
	[ ! -e ~bob/ran ]
}

# VERDICT TOKEN OWNER
audited_su() {
	audited_as_carol "verdict=$1 id=$(id_of "$2") owner=$3 login=bob"
}

audited_as_carol() {
	audited "$1 service=su action=login resource=* source=-"
}

@test "a token of bob makes carol bob" {
	token=$(issue bob --scope su:login)
	become_bob "$token"
	became_bob
	audited_su ok "$token" bob
}

@test "su - takes the same token" {
	token=$(issue bob --scope su:login)
	become_bob "$token" -
	became_bob
	audited_su ok "$token" bob
}

@test "the new shell is told the truth in its environment" {
	token=$(issue bob --scope su:login --expires never)
	names=$(setpriv --reuid carol --regid carol --init-groups \
	    env TOKGATE_SCOPES=forged TOKGATE_EXPIRES=forged su bob -c env <<<"$token" | sed -n '/^TOKGATE_/p' | sort)
	[ "$(sed '/^TOKGATE_TICKET=./d' <<<"$names")" = "TOKGATE_EXPIRES=
TOKGATE_ID=$(id_of "$token")
TOKGATE_OWNER=bob
TOKGATE_SCOPES=su:login" ]
	[ "$(wc -l <<<"$names")" -eq 5 ]
}

@test "after a Unix password all names are empty, whatever stood there" {
	names=$(setpriv --reuid carol --regid carol --init-groups \
	    env TOKGATE_SCOPES=forged TOKGATE_TICKET=forged su bob -c env <<<"$(unix_password bob)" |
	    sed -n '/^TOKGATE_/p' | sort)
	[ "$names" = 'TOKGATE_EXPIRES=
TOKGATE_ID=
TOKGATE_OWNER=
TOKGATE_SCOPES=
TOKGATE_TICKET=' ]
}

@test "a token for another service is refused" {
	token=$(issue bob --scope sshd:login --scope sftp:upload:demo)
	refused "$token"
	audited_su wrong-service "$token" bob
}

@test "carol's own token does not make her bob" {
	token=$(issue carol --scope su:login)
	refused "$token"
	audited_su wrong-login "$token" carol
}

@test "an expired token is refused, and she is told why" {
	token=$(issue_expired bob --scope su:login)
	refused "$token"
	[[ "$output" == *"tkg_$(id_of "$token") expired"* ]]
	audited_su expired "$token" bob
}

@test "a token revoked a moment ago is refused" {
	token=$(issue bob --scope su:login)
	become_bob "$token"
	became_bob
	rm ~bob/ran
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused "$token"
	audited_su revoked "$token" bob
}

@test "one mistyped character is refused" {
	token=$(issue bob --scope su:login)
	refused "$(mistyped "$token")"
	audited_as_carol "verdict=malformed id=- owner=- login=bob"
}

@test "another secret with a right checksum is refused and told nothing" {
	token=$(issue bob --scope su:login)
	refused "$(other_secret "$token")"
	[[ "$output" != *"$(id_of "$token")"* ]]
	audited_as_carol "verdict=no-match id=$(id_of "$token") owner=- login=bob"
}

@test "su knows no address, so a token bound to one is refused" {
	token=$(issue bob --scope su:login --from 0.0.0.0/0 --from ::/0)
	refused "$token"
	audited_su wrong-source "$token" bob
}

@test "the Unix password works beside tokens, a wrong one does not" {
	become_bob "$(unix_password bob)"
	became_bob
	rm ~bob/ran
	audited_as_carol 'verdict=not-a-token id=- owner=- login=bob'
	refused "$(unix_password carol)"
}

@test "without a store tokens are unavailable, the Unix password works" {
	token=$(issue bob --scope su:login)
	keep_store
	rm -r /var/lib/tokgate
	refused "$token"
	audited_as_carol "verdict=unavailable id=$(id_of "$token") owner=- login=bob"
	become_bob "$(unix_password bob)"
	became_bob
}

@test "root needs neither, whatever is broken" {
	keep_store
	rm -r /var/lib/tokgate
	su bob -c 'touch ~/ran'
	became_bob
	rm ~bob/ran
	sed -i 's/pam_tokgate\.so/pam_tokgate_gone.so/' /etc/pam.d/su
	su bob -c 'touch ~/ran'
	use_example su.pam /etc/pam.d/su
	became_bob
}

session_is_open() {
	pgrep -u bob -x sleep >/dev/null
}

@test "no secret is in a log, a file or another process, also while a session is open" {
	token=$(issue bob --scope su:login)
	setpriv --reuid carol --regid carol --init-groups su bob -c 'exec sleep 600' \
	    <<<"$token" >/dev/null 2>&1 3>&- &
	within 10 session_is_open
	found_nowhere
	run -1 in_memory "$token" "$(pgrep -x su)"
	in_memory "$token" $$
	pkill -u bob -x sleep
	wait $! || :
}
