#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Each phase by itself, with pam/examples/token-only.pam and
# token-or-password.pam as the doors "tokens" and "both"

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"

setup_file() {
	install_tokgate
	add_user alice
	add_user bob
	use_example token-only.pam /etc/pam.d/tokens
	use_example token-or-password.pam /etc/pam.d/both
}

setup() {
	mark_log
}

teardown() {
	[ ! -d "$frame/store.kept" ] || put_store_back
	use_example token-only.pam /etc/pam.d/tokens
	use_example token-or-password.pam /etc/pam.d/both
}

# ask DOOR LOGIN SECRET [OPTION...] [OPERATION...]
ask() {
	local door=$1 login=$2 secret=$3 options=()
	shift 3
	while [[ "${1-}" == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	pamtester "${options[@]}" "$door" "$login" "${@-authenticate}" <<<"$secret"
}

# VERDICT TOKEN OWNER LOGIN DOOR [SOURCE]
audited_login() {
	audited "verdict=$1 id=$(id_of "$2") owner=$3 login=$4" \
	    "service=$5 action=login resource=* source=${6--}"
}

all=(authenticate acct_mgmt 'setcred(PAM_ESTABLISH_CRED)' open_session close_session)

@test "a token passes all phases of the door for tokens" {
	token=$(issue ci-release --scope tokens:login)
	run -0 ask tokens ci-release "$token" "${all[@]}"
	[ "$(grep -c 'pamtester: .*\(success\|done\)' <<<"$output")" -eq 5 ]
	audited_login ok "$token" ci-release ci-release tokens
}

@test "the drop-in login is let in at the door for tokens" {
	token=$(issue ci-release --scope tokens:login)
	ask tokens __token__ "$token" "${all[@]}"
	audited_login ok "$token" ci-release __token__ tokens
}

@test "a token of a user with an account passes all phases of the door for both" {
	token=$(issue alice --scope both:login)
	ask both alice "$token" "${all[@]}"
	audited_login ok "$token" alice alice both
}

@test "a door opens only for tokens of its own service" {
	token=$(issue alice --scope tokens:login)
	ask tokens alice "$token"
	mark_log
	run -1 ask both alice "$token"
	audited_login wrong-service "$token" alice alice both
}

@test "a token for some projects only is no login" {
	token=$(issue alice --scope 'tokens:login:serde-*')
	run -1 ask tokens alice "$token"
	audited_login wrong-resource "$token" alice alice tokens
}

@test "an expired token is refused, and the holder is told why" {
	token=$(issue_expired alice --scope tokens:login)
	run -1 ask tokens alice "$token"
	[[ "$output" == *"tkg_$(id_of "$token") expired"* ]]
	audited_login expired "$token" alice alice tokens
}

@test "a token is refused before it is valid and after its idle time" {
	token=$(issue alice --scope tokens:login --not-before 1h)
	run -1 ask tokens alice "$token"
	audited_login not-yet-valid "$token" alice alice tokens
	mark_log
	token=$(AT='2 days ago' issue alice --scope tokens:login --idle 1d)
	run -1 ask tokens alice "$token"
	audited_login idle "$token" alice alice tokens
}

@test "a token revoked a moment ago is refused" {
	token=$(issue alice --scope tokens:login)
	ask tokens alice "$token"
	tokgate revoke "$(id_of "$token")"
	mark_log
	run -1 ask tokens alice "$token"
	audited_login revoked "$token" alice alice tokens
}

# Another operation of pamtester that tells that authentication is over:
# it asks its input for nothing more, so the test can act before account.
@test "a token revoked after authentication gets no account and no session" {
	for operation in acct_mgmt open_session; do
		token=$(issue alice --scope tokens:login)
		id=$(id_of "$token")
		printf '%s\n' 'auth required pam_tokgate.so debug' "auth optional pam_exec.so quiet /usr/bin/tokgate revoke $id" \
		    'account required pam_tokgate.so debug' 'account required pam_permit.so' \
		    'session required pam_tokgate.so debug' 'session required pam_permit.so' >/etc/pam.d/tokens
		run -1 ask tokens alice "$token" authenticate "$operation"
		[[ "$output" == *'successfully authenticated'* ]]
		audited_login ok "$token" alice alice tokens
		mark_log
	done
}

@test "one mistyped character is refused, and no other module asks for more" {
	token=$(issue alice --scope both:login)
	run -1 ask both alice "$(mistyped "$token")"
	audited "verdict=malformed id=- owner=- login=alice" \
	    "service=both action=login resource=* source=-"
	run ! grep -q pam_unix <(log_since_mark)
}

@test "another secret with a right checksum is refused and told nothing" {
	token=$(issue alice --scope tokens:login)
	run -1 ask tokens alice "$(other_secret "$token")"
	[[ "$output" != *"$(id_of "$token")"* ]]
	audited "verdict=no-match id=$(id_of "$token") owner=- login=alice" \
	    "service=tokens action=login resource=* source=-"
}

@test "a second account is not entered with another owner's token" {
	token=$(issue alice --scope both:login)
	run -1 ask both bob "$token"
	audited_login wrong-login "$token" alice bob both
}

@test "a token bound to addresses needs one of them" {
	token=$(issue alice --scope tokens:login --from 192.0.2.0/24 --from 2001:db8::/32)
	for from in 192.0.2.7 2001:db8::1 ::ffff:192.0.2.8; do
		mark_log
		ask tokens alice "$token" -I "rhost=$from"
	done
	for from in 192.0.3.7 2001:db9::1 host.example.org ''; do
		run -1 ask tokens alice "$token" -I "rhost=$from"
		[ "$(audit | tail -n 1 | cut -d ' ' -f 2)" = verdict=wrong-source ]
	done
}

@test "a Unix password works at the door for both, and at the door for tokens it does not" {
	ask both alice "$(unix_password alice)" "${all[@]}"
	audited 'verdict=not-a-token id=- owner=- login=alice service=both action=login resource=* source=-'
	run -1 ask both alice "$(unix_password bob)"
	mark_log
	run -1 ask tokens alice "$(unix_password alice)"
	audited 'verdict=not-a-token id=- owner=- login=alice service=tokens action=login resource=* source=-'
}

@test "an expired Unix account is refused, by token too" {
	token=$(issue bob --scope both:login)
	chage -E 2000-01-01 bob
	run -1 ask both bob "$token" authenticate acct_mgmt
	chage -E -1 bob
	[[ "$output" == *'successfully authenticated'* ]]
	ask both bob "$token" authenticate acct_mgmt
}

@test "a login that was not by token needs nothing of ours" {
	keep_store
	rm -r /var/lib/tokgate
	sed -i 's/^\(account\|session\)\(.*\)pam_tokgate\.so.*/\1\2pam_tokgate.so nonsense/' /etc/pam.d/both
	ask both alice "$(unix_password alice)" "${all[@]}"
	sed -i 's/^\(account\|session\)\(.*\)pam_tokgate\.so.*/\1\2pam_tokgate_gone.so/' /etc/pam.d/both
	ask both alice "$(unix_password alice)" "${all[@]}"
}

@test "without a store tokens are unavailable, Unix passwords work" {
	token=$(issue alice --scope both:login)
	keep_store
	rm -r /var/lib/tokgate
	run -1 ask both alice "$token"
	audited "verdict=unavailable id=$(id_of "$token") owner=- login=alice" \
	    "service=both action=login resource=* source=-"
	ask both alice "$(unix_password alice)"
}

@test "no secret is in a log, a file or another process" {
	found_nowhere
}
