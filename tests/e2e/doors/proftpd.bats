#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# ProFTPD of Debian 12 with pam/examples/proftpd.pam, proftpd-sftp.pam and
# proftpd.conf: FTP and SFTP (mod_sftp), which ask tokgated as root

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"
# shellcheck source=tests/e2e/daemon.bash
. "$BATS_TEST_DIRNAME/../daemon.bash"

inbox=/srv/tokgate/ftp
cargo=$frame/cargo

start_proftpd() {
	cp "$examples/proftpd.conf" /etc/proftpd/proftpd.conf
	[ $# -eq 0 ] || sed -i "$1" /etc/proftpd/proftpd.conf
	start proftpd 21 /usr/sbin/proftpd --nodaemon
	within 10 listening 2222
}

use_files() {
	use_example proftpd.pam /etc/pam.d/proftpd
	use_example proftpd-sftp.pam /etc/pam.d/proftpd-sftp
}

setup_file() {
	install_with_daemon
	for name in alice bob; do
		add_user "$name"
	done
	getent passwd proftpd >/dev/null || useradd -r -d /run/proftpd -s /usr/sbin/nologin proftpd
	[ -e /etc/ftpusers ] || echo root >/etc/ftpusers
	[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
	head -c 300000 /dev/urandom >"$cargo"
	install -d -m 0755 /srv/tokgate
	install -d -m 1777 "$inbox"
	mkdir -p /etc/proftpd /var/log/proftpd
	use_files
	start_proftpd
}

teardown_file() {
	stop proftpd
	stop tokgated
}

setup() {
	file=$BATS_TEST_NUMBER
	mark_log
}

teardown() {
	all_is_back
	use_files
	userdel -rf __token__ >/dev/null 2>&1 || :
	rm -f "$inbox"/*
	if [ -e "$frame/restarted" ]; then
		rm "$frame/restarted"
		stop proftpd
		start_proftpd
	fi
}

# ---- what is done --------------------------------------------------------

# Upload the cargo under the test's name, by ftp or sftp.
ftp_put() { # LOGIN SECRET [OPTION...]
	curl_as "$1" "$2" -T "$cargo" "ftp://127.0.0.1/$file" "${@:3}"
}

sftp_put() { # LOGIN SECRET [OPTION...]
	sftp_as "$1" "$2" "put $cargo $file" -P 2222 "${by_password[@]}" "${@:3}"
}

doors='ftp sftp'

# puts DOOR LOGIN SECRET [OPTION...]: it arrives, and is the login's.
puts() {
	"$1_put" "${@:2}"
	cmp "$cargo" "$inbox/$file"
	[ "$(stat -c %U "$inbox/$file")" = "$2" ]
	rm "$inbox/$file"
}

# refused DOOR LOGIN SECRET [OPTION...]: by the server, and nothing arrived.
refused() {
	run "$1_put" "${@:2}"
	case $1 in
	ftp) [ "$status" -eq 67 ] ;;
	sftp) [ "$status" -eq 255 ] && [[ "$output" == *'Permission denied'* ]] ;;
	esac
	[ ! -e "$inbox/$file" ]
}

# An audit line of the folder: DOOR VERDICT TOKEN OWNER LOGIN [SOURCE]
audited_upload() {
	audited_at root "${@:2:4}" "service=$1 action=upload resource=demo" "${@:6}"
}

# ---- in ------------------------------------------------------------------

@test "curl and lftp upload by FTP with the owner's name" {
	token=$(issue alice --scope ftp:upload:demo)
	puts ftp alice "$token"
	audited_upload ftp ok "$token" alice alice
	lftp_as alice "$token" "put -O / $cargo -o $file"
	cmp "$cargo" "$inbox/$file"
}

@test "sftp, scp, curl and paramiko upload by SFTP with the owner's name" {
	token=$(issue alice --scope sftp:upload:demo)
	puts sftp alice "$token"
	audited_upload sftp ok "$token" alice alice
	sftp_as alice "$token" "put -p $cargo $file.p" -P 2222
	typed "$token" scp -P 2222 "${ssh_options[@]}" "$cargo" "alice@127.0.0.1:$file.scp"
	curl_as alice "$token" -k -T "$cargo" "sftp://127.0.0.1:2222/$file.curl"
	/usr/bin/python3 - "$cargo" "/$file.paramiko" 9<<<"$token" <<-'END'
	import sys, paramiko
	with paramiko.Transport(("127.0.0.1", 2222)) as t:
	    t.connect(username="alice", password=open(9).read().strip())
	    paramiko.SFTPClient.from_transport(t).put(sys.argv[1], sys.argv[2])
	END
	for name in p scp curl paramiko; do
		cmp "$cargo" "$inbox/$file.$name"
		[ "$(stat -c '%U %a' "$inbox/$file.$name")" = 'alice 640' ]
	done
}

@test "a token bound to an address opens from there and from nowhere else" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo --from 127.0.0.2)
	for door in $doors; do
		mark_log
		refused "$door" alice "$token"
		audited_upload "$door" wrong-source "$token" alice alice
	done
	mark_log
	puts ftp alice "$token" --interface 127.0.0.2
	audited_upload ftp ok "$token" alice alice 127.0.0.2
	mark_log
	puts sftp alice "$token" -o BindAddress=127.0.0.2
	audited_upload sftp ok "$token" alice alice 127.0.0.2
}

@test "with names in the place of addresses a bound token opens from nowhere" {
	stop proftpd
	start_proftpd 's/UseReverseDNS off/UseReverseDNS on/'
	: >"$frame/restarted"
	token=$(issue alice --scope ftp:upload:demo --from 127.0.0.0/8)
	refused ftp alice "$token"
	[[ "$(audit)" == "tokgate: verdict=wrong-source id=$(id_of "$token") "*" source=localhost uid=0" ]]
}

@test "a token for one use is used up by it" {
	for door in $doors; do
		token=$(issue alice --scope "$door:upload:demo" --uses 1)
		puts "$door" alice "$token"
		mark_log
		refused "$door" alice "$token"
		audited_upload "$door" used-up "$token" alice alice
	done
}

# ---- out -----------------------------------------------------------------

@test "an FTP token does not open SFTP, nor the other way round" {
	token=$(issue alice --scope sftp:upload:demo)
	refused ftp alice "$token"
	audited_upload ftp wrong-service "$token" alice alice
	mark_log
	token=$(issue alice --scope ftp:upload:demo)
	refused sftp alice "$token"
	audited_upload sftp wrong-service "$token" alice alice
}

@test "a token for another action or project is refused" {
	for case in wrong-action:download:demo wrong-resource:upload:demo2; do
		for door in $doors; do
			mark_log
			token=$(issue alice --scope "$door:${case#*:}")
			refused "$door" alice "$token"
			audited_upload "$door" "${case%%:*}" "$token" alice alice
		done
	done
}

@test "an expired token is refused" {
	for door in $doors; do
		mark_log
		token=$(issue_expired alice --scope "$door:upload:demo")
		refused "$door" alice "$token"
		audited_upload "$door" expired "$token" alice alice
	done
}

@test "a token revoked a moment ago is refused by the running server" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	for door in $doors; do
		puts "$door" alice "$token"
	done
	tokgate revoke "$(id_of "$token")"
	for door in $doors; do
		mark_log
		refused "$door" alice "$token"
		audited_upload "$door" revoked "$token" alice alice
	done
}

@test "one mistyped character, or another secret, is refused" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	for door in $doors; do
		mark_log
		refused "$door" alice "$(other_secret "$token")"
		audited_upload "$door" no-match "$token" - alice
		mark_log
		refused "$door" alice "$(mistyped "$token")"
		audited_upload "$door" malformed '' - alice
	done
}

@test "a token of one owner opens no other's account, unless it was issued for it" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	for door in $doors; do
		mark_log
		refused "$door" bob "$token"
		audited_upload "$door" wrong-login "$token" alice bob
	done
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo --as bob)
	for door in $doors; do
		puts "$door" bob "$token"
	done
}

@test "__token__ opens nothing where there is no such account, and that account where there is one" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	for door in $doors; do
		refused "$door" __token__ "$token"
	done
	[ -z "$(audit)" ]
	add_user __token__
	for door in $doors; do
		puts "$door" __token__ "$token"
	done
}

@test "no token makes anybody root" {
	token=$(issue root --scope ftp:upload:demo --scope sftp:upload:demo)
	for door in $doors; do
		refused "$door" root "$token"
	done
}

@test "an expired account is refused, whatever token it has" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	chage -E 1970-01-02 alice
	for door in $doors; do
		refused "$door" alice "$token"
	done
	chage -E -1 alice
	puts ftp alice "$token"
}

# sftp_fails COMMAND: the server refuses it.
sftp_fails() {
	run sftp_as alice "$token" "$1" -P 2222
	[ "$status" -eq 1 ]
	[[ "$output" == *'Permission denied'* ]]
}

@test "the folder gives nothing back and keeps what it has" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	ftp_put alice "$token"
	head -c 10 /dev/urandom >"$frame/less"
	sftp_fails "get $file $frame/got"
	run sftp_as alice "$token" ls -P 2222
	[[ "$output" == *'readdir("/"): Permission denied'* ]]
	sftp_fails "rm $file"
	sftp_fails "rename $file stolen"
	sftp_fails "ln $file stolen"
	sftp_fails "ln -s $file stolen"
	sftp_fails 'mkdir new'
	sftp_fails "put $frame/less $file"
	run -78 curl_as alice "$token" "ftp://127.0.0.1/$file" -o "$frame/got"
	for list in LIST NLST MLSD; do
		run curl_as alice "$token" ftp://127.0.0.1/ -X $list -o "$frame/got"
	done
	[ ! -s "$frame/got" ]
	for command in "DELE $file" 'MKD new' "SITE CHMOD 777 $file" "RNFR $file" "APPE $file" "MDTM $file"; do
		run -21 curl_as alice "$token" ftp://127.0.0.1/ -I -Q "$command"
	done
	run -25 curl_as alice "$token" -T "$frame/less" "ftp://127.0.0.1/$file"
	run ! typed "$token" scp -O -P 2222 "${ssh_options[@]}" "$frame/less" "alice@127.0.0.1:$file"
	run ! typed "$token" scp -O -P 2222 "${ssh_options[@]}" "alice@127.0.0.1:$file" "$frame/got"
	[ ! -s "$frame/got" ]
	cmp "$cargo" "$inbox/$file"
	[ "$(ls -A "$inbox")" = "$file" ]
}

@test "SFTP opens no shell and no tunnel" {
	token=$(issue alice --scope sftp:upload:demo)
	run ! typed "$token" ssh -p 2222 "${ssh_options[@]}" alice@127.0.0.1 touch /tmp/shell
	[ ! -e /tmp/shell ]
	run ! typed "$token" ssh -p 2222 "${ssh_options[@]}" -W 127.0.0.1:21 alice@127.0.0.1
	[[ "$output" != *220* ]]
}

# ---- beside --------------------------------------------------------------

@test "the door for tokens alone takes no Unix password, though another module would" {
	for door in $doors; do
		mark_log
		refused "$door" alice "$(unix_password alice)"
		audited_upload "$door" not-a-token '' - alice
	done
}

@test "token-or-password.pam takes a Unix password and a token" {
	use_example token-or-password.pam /etc/pam.d/proftpd
	token=$(issue alice --scope proftpd:login)
	puts ftp alice "$(unix_password alice)"
	puts ftp alice "$token"
	refused ftp alice "$(unix_password bob)"
}

# ---- without -------------------------------------------------------------

@test "without tokgated, or while it is stopped, root's process goes to the store itself" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	kill -STOP "$(cat "$frame/tokgated.pid")"
	for door in $doors; do
		puts "$door" alice "$token"
	done
	kill -CONT "$(cat "$frame/tokgated.pid")"
	stop tokgated
	mark_log
	puts ftp alice "$token"
	audited_upload ftp ok "$token" alice alice
	tokgate revoke "$(id_of "$token")"
	for door in $doors; do
		mark_log
		refused "$door" alice "$token"
		audited_upload "$door" revoked "$token" alice alice
	done
}

@test "without a store tokens are unavailable, with and without tokgated, and back with it" {
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	keep_store
	rm -r /var/lib/tokgate
	for door in $doors; do
		mark_log
		refused "$door" alice "$token"
		audited_upload "$door" unavailable "$token" - alice
	done
	stop tokgated
	for door in $doors; do
		mark_log
		refused "$door" alice "$token"
		audited_upload "$door" unavailable "$token" - alice
	done
	put_store_back
	puts sftp alice "$token"
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
	token=$(issue alice --scope ftp:upload:demo --scope sftp:upload:demo)
	puts sftp alice "$token"
	exec 5<>/dev/tcp/127.0.0.1/21
	ftp_says 220 'USER alice'
	read -r -t 10 answer <&5
	ftp_says 230 "PASS $token"
	found_nowhere
	ftp_says 221 QUIT
	exec 5>&-
}
