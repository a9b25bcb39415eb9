#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# sshd of Debian 12 with pam/examples/sshd.pam and sshd.conf
#
#   alice, carol, __token__   in the upload group: a write-only folder
#   bob                       a shell account outside it, with a key
#
# The server is as careless as its settings allow: it takes TOKGATE_ names
# from clients and from users' files.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"

inbox=/srv/tokgate/demo
cargo=$frame/cargo

setup_file() {
	install_tokgate
	groupadd -f tokgate-upload
	for name in alice carol __token__; do
		add_user "$name" tokgate-upload
	done
	add_user bob
	install -d -m 700 -o bob -g bob ~bob/.ssh
	ssh-keygen -q -t ed25519 -N '' -f "$frame/bob.key"
	install -m 600 -o bob -g bob "$frame/bob.key.pub" ~bob/.ssh/authorized_keys
	head -c 300000 /dev/urandom >"$cargo"
	make_folders
	start_sshd -o 'AcceptEnv=TOKGATE_*' -o PermitUserEnvironment=yes
}

teardown_file() {
	stop sshd
}

setup() {
	file=$BATS_TEST_NUMBER
	mark_log
}

teardown() {
	pkill -u bob -x sleep || :
	[ ! -d "$frame/store.kept" ] || put_store_back
	rm -f ~bob/.pam_environment ~bob/.ssh/environment
	cp "$frame/bob.key.pub" ~bob/.ssh/authorized_keys
	use_example sshd.pam /etc/pam.d/sshd
}

# ---- what is done --------------------------------------------------------

# put LOGIN SECRET [OPTION...]: upload the cargo under the test's name.
put() {
	local login=$1 secret=$2
	shift 2
	sftp_as "$login" "$secret" "put $cargo $file" "$@"
}

arrived_from() {
	cmp "$cargo" "$inbox/$file"
	[ "$(stat -c %U "$inbox/$file")" = "$1" ]
}

# refused LOGIN SECRET [OPTION...]: by the server, and nothing arrived.
refused() {
	run -255 put "$@"
	[[ "$output" == *'Permission denied'* ]]
	[ ! -e "$inbox/$file" ]
}

# An audit line of the upload folder: VERDICT TOKEN OWNER LOGIN [SOURCE]
audited_upload() {
	audited "verdict=$1 id=$(id_of "$2") owner=$3 login=$4" \
	    "service=sftp action=upload resource=demo source=${5-127.0.0.1}"
}

# key_login [OPTION...] COMMAND
key_login() {
	ssh -o PubkeyAuthentication=yes -o BatchMode=yes -i "$frame/bob.key" "${@:1:$#-1}" \
	    "${ssh_options[@]}" bob@127.0.0.1 "${@: -1}" </dev/null
}

tokgate_names() {
	sed -n '/^TOKGATE_/p' | sort
}

no_names='TOKGATE_EXPIRES=
TOKGATE_ID=
TOKGATE_OWNER=
TOKGATE_SCOPES=
TOKGATE_TICKET='

# ---- in ------------------------------------------------------------------

@test "a token is a password: the upload arrives and belongs to the login" {
	token=$(issue alice --scope sftp:upload:demo)
	put alice "$token" "${by_password[@]}"
	arrived_from alice
	audited_upload ok "$token" alice alice
}

@test "a token answers the keyboard-interactive dialogue" {
	token=$(issue alice --scope sftp:upload:demo)
	put alice "$token" "${by_dialogue[@]}"
	arrived_from alice
	audited_upload ok "$token" alice alice
}

@test "the store remembers the last use and from where it came" {
	token=$(issue alice --scope sftp:upload:demo)
	put alice "$token" "${by_password[@]}"
	tokgate show "$(id_of "$token")" --json >"$frame/shown"
	[ "$(jq -r '[.last_used.service, .last_used.source, .last_used.count] | @csv' "$frame/shown")" = \
	    '"sftp","127.0.0.1",1' ]
}

@test "a __token__ account takes a token of any owner" {
	token=$(issue ci-release --scope sftp:upload:demo)
	put __token__ "$token" "${by_password[@]}"
	arrived_from __token__
	audited_upload ok "$token" ci-release __token__
}

@test "a token opens a second account only if it was issued for it" {
	token=$(issue alice --scope sftp:upload:demo)
	refused carol "$token" "${by_password[@]}"
	audited_upload wrong-login "$token" alice carol
	mark_log
	token=$(issue alice --scope sftp:upload:demo --as carol)
	put carol "$token" "${by_password[@]}"
	arrived_from carol
	audited_upload ok "$token" alice carol
}

@test "paramiko uploads with a token as well" {
	token=$(issue alice --scope sftp:upload:demo)
	/usr/bin/python3 - "$cargo" "/demo/$file" 9<<<"$token" <<-'END'
	import sys, paramiko
	client = paramiko.SSHClient()
	client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
	client.connect("127.0.0.1", username="alice", password=open(9).read().strip(),
	    allow_agent=False, look_for_keys=False)
	client.open_sftp().put(sys.argv[1], sys.argv[2])
	END
	arrived_from alice
	audited_upload ok "$token" alice alice
}

@test "a token bound to an address opens from there and from nowhere else" {
	token=$(issue alice --scope sftp:upload:demo --from 127.0.0.2)
	refused alice "$token" "${by_password[@]}"
	audited_upload wrong-source "$token" alice alice
	mark_log
	put alice "$token" "${by_password[@]}" -o BindAddress=127.0.0.2
	arrived_from alice
	audited_upload ok "$token" alice alice 127.0.0.2
}

@test "a token for one use is used up by it" {
	token=$(issue alice --scope sftp:upload:demo --uses 1)
	put alice "$token" "${by_dialogue[@]}"
	arrived_from alice
	rm "$inbox/$file"
	mark_log
	refused alice "$token" "${by_dialogue[@]}"
	audited_upload used-up "$token" alice alice
}

# ---- out -----------------------------------------------------------------

@test "a token for another service is refused" {
	token=$(issue alice --scope ftp:upload:demo)
	refused alice "$token" "${by_password[@]}"
	audited_upload wrong-service "$token" alice alice
}

@test "a token for another project is refused" {
	token=$(issue alice --scope sftp:upload:serde)
	refused alice "$token" "${by_password[@]}"
	audited_upload wrong-resource "$token" alice alice
}

@test "an expired token is refused, and the dialogue says why" {
	token=$(issue_expired alice --scope sftp:upload:demo)
	refused alice "$token" "${by_dialogue[@]}" -o LogLevel=INFO
	[[ "$output" == *"tkg_$(id_of "$token") expired"* ]]
	audited_upload expired "$token" alice alice
}

@test "a token revoked a moment ago is refused by the running server" {
	token=$(issue alice --scope sftp:upload:demo)
	put alice "$token" "${by_password[@]}"
	arrived_from alice
	rm "$inbox/$file"
	mark_log
	tokgate revoke "$(id_of "$token")"
	refused alice "$token" "${by_password[@]}"
	audited_upload revoked "$token" alice alice
}

@test "one mistyped character is refused, in either method" {
	token=$(issue alice --scope sftp:upload:demo)
	for method in "${by_password[@]:1}" "${by_dialogue[@]:1}"; do
		mark_log
		refused alice "$(mistyped "$token")" -o "$method"
		audited "verdict=malformed id=- owner=- login=alice" \
		    "service=sftp action=upload resource=demo source=127.0.0.1"
	done
}

@test "another secret with a right checksum is refused and told nothing" {
	token=$(issue alice --scope sftp:upload:demo)
	other=$(other_secret "$token")
	[ "$other" != "$token" ]
	refused alice "$other" "${by_dialogue[@]}" -o LogLevel=INFO
	[[ "$output" != *"$(id_of "$token")"* ]]
	audited "verdict=no-match id=$(id_of "$token") owner=- login=alice" \
	    "service=sftp action=upload resource=demo source=127.0.0.1"
}

@test "an upload token runs no command of a member of the group" {
	token=$(issue alice --scope sftp:upload:demo)
	run ssh_as alice "$token" "${by_password[@]}" -- "touch ~/ran; id"
	[[ "$output" != *uid=* ]]
	[ ! -e ~alice/ran ]
	audited_upload ok "$token" alice alice
}

@test "an upload token opens no shell of an account outside the group" {
	for scope in sftp:upload:demo sftp:upload 'sftp:*'; do
		mark_log
		token=$(issue bob --scope "$scope")
		run -255 ssh_as bob "$token" "${by_password[@]}" -- touch ran
		[ ! -e ~bob/ran ]
		audited "verdict=wrong-service id=$(id_of "$token") owner=bob login=bob" \
		    "service=sshd action=login resource=* source=127.0.0.1"
	done
}

@test "a login token of sshd opens a shell, and no folder of the group" {
	token=$(issue bob --scope sshd:login)
	ssh_as bob "$token" "${by_password[@]}" -- touch ran
	[ "$(stat -c %U ~bob/ran)" = bob ]
	rm ~bob/ran
	audited "verdict=ok id=$(id_of "$token") owner=bob login=bob" \
	    "service=sshd action=login resource=* source=127.0.0.1"
	mark_log
	token=$(issue alice --scope sshd:login)
	refused alice "$token" "${by_password[@]}"
	audited_upload wrong-service "$token" alice alice
}

@test "the folder gives nothing back: no reading, listing, removing, renaming" {
	token=$(issue alice --scope sftp:upload:demo)
	put alice "$token" "${by_password[@]}"
	for batch in "get $file $frame/got" "ls -l" "rm $file" "rename $file stolen" "chmod 777 $file"; do
		run sftp_as alice "$token" "$batch" "${by_password[@]}"
		[[ "$output" == *'Permission denied'* ]]
	done
	[ ! -s "$frame/got" ]
	[ "$(stat -c %a "$inbox/$file")" = 640 ]
	arrived_from alice
}

# ---- beside --------------------------------------------------------------

@test "Unix passwords work beside tokens, and are nobody's token" {
	ssh_as bob "$(unix_password bob)" "${by_password[@]}" -- touch ran
	[ "$(stat -c %U ~bob/ran)" = bob ]
	rm ~bob/ran
	put alice "$(unix_password alice)" "${by_dialogue[@]}"
	arrived_from alice
	[ "$(audit | cut -d ' ' -f 2-4 | sort -u)" = 'verdict=not-a-token id=- owner=-' ]
}

@test "a wrong Unix password is refused" {
	run -255 ssh_as bob "$(unix_password carol)" "${by_password[@]}" -- touch ran
	[ ! -e ~bob/ran ]
}

@test "an expired account is refused, by token too" {
	token=$(issue carol --scope sftp:upload:demo)
	chage -E 2000-01-01 carol
	run put carol "$token" "${by_password[@]}"
	chage -E -1 carol
	[ "$status" -ne 0 ]
	[ ! -e "$inbox/$file" ]
}

@test "without a store tokens are unavailable; passwords and keys get in" {
	token=$(issue alice --scope sftp:upload:demo)
	keep_store
	rm -r /var/lib/tokgate
	refused alice "$token" "${by_password[@]}"
	audited "verdict=unavailable id=$(id_of "$token") owner=- login=alice" \
	    "service=sftp action=upload resource=demo source=127.0.0.1"
	ssh_as bob "$(unix_password bob)" "${by_password[@]}" -- true
	key_login true
}

@test "with a damaged store tokens are unavailable; passwords and keys get in" {
	token=$(issue alice --scope sftp:upload:demo)
	keep_store
	for db in /var/lib/tokgate/*; do
		head -c 8192 /dev/urandom | dd of="$db" conv=notrunc status=none
	done
	refused alice "$token" "${by_password[@]}"
	audited "verdict=unavailable id=$(id_of "$token") owner=- login=alice" \
	    "service=sftp action=upload resource=demo source=127.0.0.1"
	ssh_as bob "$(unix_password bob)" "${by_password[@]}" -- true
	key_login true
}

@test "a misspelt argument refuses tokens and locks no key out" {
	token=$(issue alice --scope sftp:upload:demo)
	sed -i 's/pam_tokgate\.so/& passtrough/' /etc/pam.d/sshd
	refused alice "$token" "${by_password[@]}"
	[ "$(audit)" = '' ]
	key_login true
}

@test "a missing module refuses tokens and locks no key out" {
	token=$(issue alice --scope sftp:upload:demo)
	sed -i 's/pam_tokgate\.so/pam_tokgate_gone.so/' /etc/pam.d/sshd
	refused alice "$token" "${by_password[@]}"
	key_login true
}

# ---- the session's environment -------------------------------------------

@test "a session by token is told the truth in its environment" {
	token=$(issue bob --scope sshd:login --scope ftp:upload:demo)
	for method in "${by_password[@]:1}" "${by_dialogue[@]:1}"; do
		names=$(ssh_as bob "$token" -o "$method" -- env | tokgate_names)
		[ "$(sed '/^TOKGATE_TICKET=/d' <<<"$names")" = "TOKGATE_EXPIRES=$(
			tokgate show "$(id_of "$token")" --json | jq -r .expires_at)
TOKGATE_ID=$(id_of "$token")
TOKGATE_OWNER=bob
TOKGATE_SCOPES=sshd:login" ]
		grep -q '^TOKGATE_TICKET=.' <<<"$names"
	done
}

# Every way in which a user or client may say what the environment shall be,
# with the names in "$1", one NAME=VALUE a line.
forge() {
	cp <(echo "$1") ~bob/.pam_environment
	cp <(echo "$1") ~bob/.ssh/environment
	chown bob: ~bob/.pam_environment ~bob/.ssh/environment
	{
		sed 's/.*/environment="&"/' <<<"$1" | tr '\n' , | sed 's/,$/ /'
		cat "$frame/bob.key.pub"
	} >~bob/.ssh/authorized_keys
	forged=(-o "SetEnv=$(tr '\n' ' ' <<<"$1")")
}

lies='TOKGATE_EXPIRES=2099-01-01T00:00:00Z
TOKGATE_ID=0000000000
TOKGATE_OWNER=root
TOKGATE_SCOPES=*
TOKGATE_TICKET=forged'

@test "what the user's files and the client say widens no session by token" {
	token=$(issue bob --scope sshd:login)
	truth=$(ssh_as bob "$token" "${by_password[@]}" -- env | tokgate_names | sed '/TICKET/d')
	forge "$lies"
	for method in "${by_password[@]:1}" "${by_dialogue[@]:1}"; do
		names=$(ssh_as bob "$token" -o "$method" "${forged[@]}" -- env | tokgate_names)
		[ "$(sed '/TICKET/d' <<<"$names")" = "$truth" ]
		grep -q '^TOKGATE_TICKET=' <<<"$names"
		run ! grep forged <<<"$names"
	done
}

@test "in a session by password or key all names are empty, whatever is forged" {
	forge "$lies"
	[ "$(ssh_as bob "$(unix_password bob)" "${by_password[@]}" "${forged[@]}" -- env | tokgate_names)" = "$no_names" ]
	[ "$(ssh_as bob "$(unix_password bob)" "${by_dialogue[@]}" "${forged[@]}" -- env | tokgate_names)" = "$no_names" ]
	[ "$(key_login "${forged[@]}" env | tokgate_names)" = "$no_names" ]
}

@test "the careless server would have believed other names" {
	forge 'OTHER=forged'
	[ "$(ssh_as bob "$(unix_password bob)" "${by_password[@]}" -- 'echo $OTHER')" = forged ]
	forge 'TOKGATE_OTHER=forged'
	rm ~bob/.pam_environment ~bob/.ssh/environment
	[ "$(ssh_as bob "$(unix_password bob)" "${by_password[@]}" "${forged[@]}" -- 'echo $TOKGATE_OTHER')" = forged ]
}

@test "a ticket replayed by the user or the client opens nothing" {
	token=$(issue bob --scope sshd:login)
	ticket=$(ssh_as bob "$token" "${by_password[@]}" -- 'echo $TOKGATE_TICKET')
	[ -n "$ticket" ]
	forge "TOKGATE_TICKET=$ticket"
	[ "$(ssh_as bob "$(unix_password bob)" "${by_password[@]}" "${forged[@]}" -- env | tokgate_names)" = "$no_names" ]
	[ "$(ssh_as bob "$(unix_password bob)" "${by_dialogue[@]}" "${forged[@]}" -- env | tokgate_names)" = "$no_names" ]
	[ "$(key_login "${forged[@]}" env | tokgate_names)" = "$no_names" ]
	run -255 ssh_as bob "$ticket" "${by_password[@]}" -- true
}

# ---- secrets -------------------------------------------------------------

session_is_open() {
	pgrep -u bob -x sleep >/dev/null
}

@test "no secret is in a log, a file or another process, also while a session is open" {
	token=$(issue bob --scope sshd:login)
	ssh_as bob "$token" "${by_password[@]}" -- exec sleep 600 >/dev/null 2>&1 3>&- &
	within 10 session_is_open
	found_nowhere
	cut -c 16-58 <<<"$token" >/tmp/planted
	run ! found_nowhere
	[[ "$output" == *planted* ]]
	rm /tmp/planted
	mapfile -t server < <(pgrep -f '^sshd: bob')
	[ "${#server[@]}" -eq 2 ]
	run -1 in_memory "$token" "${server[@]}"
	in_memory "$token" $$
	pkill -u bob -x sleep
	wait $! || :
}
