#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# vsftpd of Debian 12 with pam/examples/vsftpd.pam and vsftpd.conf

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"

inbox=/srv/tokgate/ftp
cargo=$frame/cargo
refusal=67 # of curl: the login was denied

setup_file() {
	install_tokgate
	groupadd -f tokgate-upload
	add_user alice
	add_user bob
	head -c 300000 /dev/urandom >"$cargo"
	make_folders
	start_vsftpd
}

teardown_file() {
	stop vsftpd
}

setup() {
	file=$BATS_TEST_NUMBER
	mark_log
}

teardown() {
	[ ! -d "$frame/store.kept" ] || put_store_back
	use_example vsftpd.pam /etc/pam.d/vsftpd
}

# put LOGIN SECRET [OPTION...]: upload the cargo under the test's name.
put() {
	curl_as "$1" "$2" -T "$cargo" "ftp://127.0.0.1/$file" "${@:3}"
}

arrived_from() {
	cmp "$cargo" "$inbox/$file"
	[ "$(stat -c %U "$inbox/$file")" = "$1" ]
}

# refused LOGIN SECRET [OPTION...]: by the server, and nothing arrived.
refused() {
	run -"$refusal" put "$@"
	[ ! -e "$inbox/$file" ]
}

# An audit line of the folder: VERDICT TOKEN OWNER LOGIN [SOURCE]
audited_upload() {
	audited "verdict=$1 id=$(id_of "$2") owner=$3 login=$4" \
	    "service=ftp action=upload resource=demo source=${5-127.0.0.1}"
}

# ---- in ------------------------------------------------------------------

@test "curl uploads with the owner's name and a token" {
	token=$(issue alice --scope ftp:upload:demo)
	put alice "$token"
	arrived_from alice
	audited_upload ok "$token" alice alice
}

@test "curl uploads as __token__, and the file belongs to the token's owner" {
	token=$(issue alice --scope ftp:upload:demo)
	put __token__ "$token"
	arrived_from alice
	audited_upload ok "$token" alice __token__
}

@test "lftp uploads with the owner's name and as __token__" {
	token=$(issue bob --scope ftp:upload:demo)
	for login in bob __token__; do
		mark_log
		lftp_as "$login" "$token" "put -O / $cargo -o $file"
		arrived_from bob
		rm "$inbox/$file"
		audited_upload ok "$token" bob "$login"
	done
}

@test "a token bound to an address opens from there and from nowhere else" {
	token=$(issue alice --scope ftp:upload:demo --from 127.0.0.2)
	refused __token__ "$token"
	audited_upload wrong-source "$token" alice __token__
	mark_log
	put __token__ "$token" --interface 127.0.0.2
	arrived_from alice
	audited_upload ok "$token" alice __token__ 127.0.0.2
}

@test "a token for one use is used up by it" {
	token=$(issue alice --scope ftp:upload:demo --uses 1)
	put alice "$token"
	arrived_from alice
	rm "$inbox/$file"
	mark_log
	refused alice "$token"
	audited_upload used-up "$token" alice alice
}

@test "the store remembers the last use and the last refusal" {
	token=$(issue alice --scope ftp:upload:demo --as carol)
	put alice "$token"
	refused_by_name=$(put bob "$token" 2>&1) || true
	[[ "$refused_by_name" == *530* ]]
	[ "$(tokgate show "$(id_of "$token")" --json |
	    jq -r '[.last_used.service, .last_used.source, .last_refused.service, .last_refused.count] | @csv')" = \
	    '"ftp","127.0.0.1","ftp",1' ]
}

# ---- out -----------------------------------------------------------------

@test "a token for another service is refused" {
	token=$(issue alice --scope sftp:upload:demo --scope vsftpd:upload:demo)
	refused alice "$token"
	audited_upload wrong-service "$token" alice alice
}

@test "a token for another action or project is refused" {
	token=$(issue alice --scope ftp:download:demo)
	refused alice "$token"
	audited_upload wrong-action "$token" alice alice
	mark_log
	token=$(issue alice --scope ftp:upload:demo2)
	refused alice "$token"
	audited_upload wrong-resource "$token" alice alice
}

@test "an expired token is refused" {
	token=$(issue_expired alice --scope ftp:upload:demo)
	refused __token__ "$token"
	audited_upload expired "$token" alice __token__
}

@test "a token revoked a moment ago is refused by the running server" {
	token=$(issue alice --scope ftp:upload:demo)
	put __token__ "$token"
	arrived_from alice
	rm "$inbox/$file"
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused __token__ "$token"
	audited_upload revoked "$token" alice __token__
}

@test "one mistyped character is refused" {
	token=$(issue alice --scope ftp:upload:demo)
	refused __token__ "$(mistyped "$token")"
	audited "verdict=malformed id=- owner=- login=__token__" \
	    "service=ftp action=upload resource=demo source=127.0.0.1"
}

@test "another secret with a right checksum is refused" {
	token=$(issue alice --scope ftp:upload:demo)
	refused __token__ "$(other_secret "$token")"
	audited "verdict=no-match id=$(id_of "$token") owner=- login=__token__" \
	    "service=ftp action=upload resource=demo source=127.0.0.1"
}

@test "a second account is not entered with another owner's token" {
	token=$(issue alice --scope ftp:upload:demo)
	refused bob "$token"
	audited_upload wrong-login "$token" alice bob
}

@test "no token makes anybody root" {
	token=$(issue root --scope ftp:upload:demo)
	refused __token__ "$token"
	audited_upload ok "$token" root __token__
	refused root "$token"
}

@test "a token of an owner without an account opens nothing" {
	token=$(issue ci-release --scope ftp:upload:demo)
	refused __token__ "$token"
	refused ci-release "$token"
}

@test "the folder gives nothing back: no reading, listing, removing, renaming" {
	token=$(issue alice --scope ftp:upload:demo)
	put alice "$token"
	run ! curl_as alice "$token" "ftp://127.0.0.1/$file" -o "$frame/got"
	[ ! -s "$frame/got" ]
	run ! curl_as alice "$token" ftp://127.0.0.1/
	[[ "$output" != *"$file"* ]]
	run ! curl_as alice "$token" ftp://127.0.0.1/ -I -Q "DELE $file"
	run ! curl_as alice "$token" ftp://127.0.0.1/ -I -Q "RNFR $file" -Q 'RNTO stolen'
	arrived_from alice
}

@test "without a store tokens are unavailable" {
	token=$(issue alice --scope ftp:upload:demo)
	keep_store
	rm -r /var/lib/tokgate
	refused __token__ "$token"
	audited "verdict=unavailable id=$(id_of "$token") owner=- login=__token__" \
	    "service=ftp action=upload resource=demo source=127.0.0.1"
}

# ---- beside --------------------------------------------------------------

@test "the door for tokens alone takes no Unix password" {
	refused alice "$(unix_password alice)"
	audited "verdict=not-a-token id=- owner=- login=alice" \
	    "service=ftp action=upload resource=demo source=127.0.0.1"
}

@test "token-or-password.pam takes a Unix password and a login token" {
	use_example token-or-password.pam /etc/pam.d/vsftpd
	put alice "$(unix_password alice)"
	arrived_from alice
	rm "$inbox/$file"
	mark_log
	token=$(issue alice --scope vsftpd:login)
	put alice "$token"
	arrived_from alice
	audited "verdict=ok id=$(id_of "$token") owner=alice login=alice" \
	    "service=vsftpd action=login resource=* source=127.0.0.1"
	rm "$inbox/$file"
	token=$(issue alice --scope ftp:upload:demo)
	refused alice "$token"
}

@test "with token-or-password.pam Unix passwords work without a store, and tokens do not" {
	use_example token-or-password.pam /etc/pam.d/vsftpd
	token=$(issue alice --scope vsftpd:login)
	keep_store
	rm -r /var/lib/tokgate
	refused alice "$token"
	audited "verdict=unavailable id=$(id_of "$token") owner=- login=alice" \
	    "service=vsftpd action=login resource=* source=127.0.0.1"
	put alice "$(unix_password alice)"
	arrived_from alice
}

# ---- secrets -------------------------------------------------------------

# ftp_says CODE LINE: on the connection at descriptor 5.
ftp_says() {
	local answer
	printf '%s\r\n' "$2" >&5
	read -r -t 10 answer <&5
	[[ "$answer" == "$1"* ]]
}

@test "no secret is in a log, a file or another process, also while a session is open" {
	token=$(issue alice --scope ftp:upload:demo)
	exec 5<>/dev/tcp/127.0.0.1/21
	ftp_says 220 'USER __token__'
	read -r -t 10 answer <&5
	ftp_says 230 "PASS $token"
	found_nowhere
	ftp_says 221 QUIT
	exec 5>&-
}
