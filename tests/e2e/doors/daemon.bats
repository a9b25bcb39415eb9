#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# tokgated as it is installed: its files for systemd, started by hand, by a
# socket, with a supervisor that wants to be told

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"
# shellcheck source=tests/e2e/daemon.bash
. "$BATS_TEST_DIRNAME/../daemon.bash"

units=/usr/lib/systemd/system

setup_file() {
	systemd-sysusers "$src/tools/tokgated/tokgate.sysusers"
	install_tokgate
	cp /etc/tokgate/tokgate.conf "$frame/kept.conf"
}

setup() {
	mark_log
}

teardown() {
	local name
	for name in tokgated activated; do
		if [ -e "$frame/$name.pid" ]; then
			kill -CONT "$(cat "$frame/$name.pid")" 2>/dev/null && stop "$name"
			rm "$frame/$name.pid"
		fi
	done
	rm -rf /run/tokgate /srv/jail /var/lib/other
	cp "$frame/kept.conf" /etc/tokgate/tokgate.conf
	[ ! -d "$frame/store.kept" ] || put_store_back
	chown -R tokgate:tokgate /var/lib/tokgate
	usermod -s /usr/sbin/nologin tokgate
}

# asked TOKEN [OPTION...]: what a program of nobody's is told.
asked() {
	setpriv --reuid nobody --regid nogroup --clear-groups \
	    tokgate check --service http --action upload --resource demo "${@:2}" <<<"$1" 2>&1 || :
}

is_told() { # TOKEN WHAT
	[[ "$(asked "$1")" == "$2"* ]]
}

as_tokgate() {
	setpriv --reuid tokgate --regid tokgate --clear-groups "$@"
}

# ---- the files for systemd -------------------------------------------------

@test "systemd finds nothing wrong with the units" {
	run -0 systemd-analyze verify --man=no --recursive-errors=no $units/tokgated.service $units/tokgated.socket
	[ -z "$output" ]
	# It would: a wrong word in a copy is found.
	mkdir "$frame/wrong"
	sed 's/^ProtectSystem=.*/ProtectSystem=wrong/' $units/tokgated.service >"$frame/wrong/wrong.service"
	run systemd-analyze verify --man=no --recursive-errors=no "$frame/wrong/wrong.service"
	[[ "$output" == *'wrong.service:'*'Failed to parse'* ]]
	for page in 'tokgated(8)' 'tokgate(8)'; do
		grep -q "^Documentation=.*man:$page" $units/tokgated.service
		page=${page%)}
		[ -e "/usr/share/man/man8/${page%(8}.8" ]
	done
}

@test "the service's exposure is at most 0.5 of 10" {
	systemd-analyze security --offline=true --threshold=5 $units/tokgated.service >"$frame/exposure"
	grep -q 'Overall exposure level for tokgated.service: 0.5 SAFE' "$frame/exposure"
	run ! systemd-analyze security --offline=true --threshold=4 $units/tokgated.service
}

@test "the service user is made without a shell, a password and a home" {
	root=$frame/root
	mkdir -p "$root/etc"
	systemd-sysusers --root="$root" "$src/tools/tokgated/tokgate.sysusers"
	[ "$(cut -d: -f1,5- "$root/etc/passwd")" = 'tokgate:tokgate:/:/usr/sbin/nologin' ]
	[[ "$(cut -d: -f1,2 "$root/etc/shadow")" == 'tokgate:!'* ]]
	cmp "$src/tools/tokgated/tokgate.sysusers" /usr/lib/sysusers.d/tokgate.conf
}

@test "the socket's directory is made, and it is root's" {
	root=$frame/root2
	mkdir -p "$root/etc" "$root/run"
	cp /etc/passwd /etc/group "$root/etc/"
	systemd-tmpfiles --create --root="$root" "$src/tools/tokgated/tokgate.tmpfiles"
	[ "$(stat -c '%a %U %G' "$root/run/tokgate")" = '755 root root' ]
	cmp "$src/tools/tokgated/tokgate.tmpfiles" /usr/lib/tmpfiles.d/tokgate.conf
}

# ---- by hand -----------------------------------------------------------------

@test "started by root it serves as the service user, and a program of nobody's is answered" {
	start_tokgated
	[ "$(ps -o user= -C tokgated | sort -u)" = tokgate ]
	[ "$(stat -c '%a' $socket)" = 666 ]
	[ "$(stat -c '%a %U' /run/tokgate)" = '755 tokgate' ]
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
	[ "$(audit)" = "tokgate: verdict=ok id=$(id_of "$token") owner=alice login=(claimed)__token__ service=http\
 action=upload resource=demo source=- uid=65534" ]
}

@test "TERM and INT end it, its second process and its socket" {
	for signal in TERM INT HUP; do
		start_tokgated
		kill -$signal "$(cat "$frame/tokgated.pid")"
		within 10 gone "$(cat "$frame/tokgated.pid")"
		[ ! -e $socket ]
		run ! pgrep -x tokgated
	done
}

@test "what a killed one left does not keep the next one from starting" {
	start_tokgated
	kill -KILL "$(cat "$frame/tokgated.pid")"
	within 10 gone "$(cat "$frame/tokgated.pid")"
	[ -S $socket ]
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" unavailable
	start_tokgated
	is_told "$token" ok
}

@test "a second one does not take the first one's socket" {
	start_tokgated
	run -3 tokgated
	[[ "$output" == "tokgated: cannot listen at '$socket': Address already in use" ]]
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
}

@test "it listens where the configuration says, also for a program in a chroot" {
	jail=/srv/jail
	mkdir -p $jail/usr/bin $jail/run $jail/etc/tokgate
	echo "listen = $socket $jail$socket" >>/etc/tokgate/tokgate.conf
	cp /etc/tokgate/tokgate.conf $jail/etc/tokgate/
	{
		ldd /usr/bin/tokgate | grep -o '/[^ ]*'
		echo /usr/bin/tokgate
	} | xargs cp -L --parents -t $jail
	start_tokgated
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
	[ "$(chroot --userspec=65534:65534 $jail /usr/bin/tokgate check --service http --action upload \
	    --resource demo <<<"$token")" = ok ]
	stop tokgated
	rm "$frame/tokgated.pid"
	[ ! -e $jail$socket ]
}

@test "without a store it starts, says so, and finds the store when it comes" {
	keep_store
	rm -r /var/lib/tokgate
	: >"$frame/tokgated.out"
	start_tokgated
	grep -q "^tokgated: .*'/var/lib/tokgate" "$frame/tokgated.out"
	put_store_back
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
}

@test "a configuration that it does not understand is the end, with a reason" {
	echo 'nonsense = 1' >>/etc/tokgate/tokgate.conf
	run -3 tokgated
	[[ "$output" == "tokgated: /etc/tokgate/tokgate.conf:2: unknown key 'nonsense'" ]]
	[ ! -e $socket ]
	run -2 tokgated --nonsense
	run -2 tokgated word
	run -0 tokgated --version
	[ "$output" = "tokgated $(tokgate version | cut -d' ' -f2)" ]
}

# ---- a socket and a supervisor --------------------------------------------------

@test "started by a socket it serves there, and leaves the socket to whom it belongs" {
	mkdir -m 755 /run/tokgate
	systemd-socket-activate --seqpacket --listen=$socket setpriv --reuid tokgate --regid tokgate --clear-groups \
	    /usr/sbin/tokgated >>"$frame/activated.out" 2>&1 </dev/null 3>&- &
	echo $! >"$frame/activated.pid"
	within 10 daemon_listens
	run ! pgrep -x tokgated
	chmod 666 $socket
	token=$(issue alice --scope http:upload:demo)
	within 10 is_told "$token" ok
	[ "$(ps -o user= -p "$(cat "$frame/activated.pid")")" = tokgate ]
	stop activated
	rm "$frame/activated.pid"
	[ -S $socket ]
}

@test "a socket of another kind is refused" {
	mkdir -m 755 /run/tokgate
	systemd-socket-activate --listen=$socket /usr/sbin/tokgated >"$frame/activated.out" 2>&1 </dev/null 3>&- &
	echo $! >"$frame/activated.pid"
	within 10 daemon_listens
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' $socket
	within 10 gone "$(cat "$frame/activated.pid")"
	grep -q 'tokgated: inherited descriptor 3 is no listening SOCK_SEQPACKET socket' "$frame/activated.out"
	rm "$frame/activated.pid"
}

# Writes each message that it gets as a line of $frame/notes.
supervise() {
	: >"$frame/notes"
	python3 - "$frame/notify" "$frame/notes" <<-'END' >/dev/null 2>&1 3>&-
	import os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind(sys.argv[1])
	os.chmod(sys.argv[1], 0o666)
	with open(sys.argv[2], "ab", buffering=0) as notes:
	    if os.fork() == 0:
	        os.setsid()
	        while True:
	            notes.write(s.recv(4096) + b"\n")
	END
}

noted() {
	grep -qx "$1" "$frame/notes"
}

@test "a supervisor is told when it is ready, that it is alive, and when it stops" {
	supervise
	NOTIFY_SOCKET=$frame/notify tokgated >>"$frame/tokgated.out" 2>&1 </dev/null 3>&- &
	echo $! >"$frame/tokgated.pid"
	within 10 noted READY=1
	# Ready means that a question is answered.
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
	within 10 noted WATCHDOG=1
	[ "$(head -n 1 "$frame/notes")" = READY=1 ]
	stop tokgated
	rm "$frame/tokgated.pid"
	within 10 noted STOPPING=1
}

# ---- secrets --------------------------------------------------------------------

@test "no secret is in a log, a file, what others see of it, or a core" {
	start_tokgated
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
	found_nowhere
	pid=$(cat "$frame/tokgated.pid")
	grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits"
	run ! as_tokgate cat "/proc/$pid/environ"
	run ! as_tokgate cat "/proc/$pid/mem"
	kill -ABRT "$pid"
	within 10 gone "$pid"
	[ -z "$(find / -xdev \( -name core -o -name 'core.[0-9]*' \) -type f -newer "$frame/marked" 2>/dev/null)" ]
	rm "$frame/tokgated.pid"
}

# ---- doctor ------------------------------------------------------------------------

# found CHECK WHERE: doctor finds exactly this.
found() {
	run --separate-stderr tokgate doctor --json
	[ "$status" -eq 1 ] && [ -z "$stderr" ] &&
	    jq -se --arg check "$1" --arg where "$2" 'length == 1 and .[0].check == $check and .[0].where == $where and
	    .[0].problem != "" and .[0].fix != ""' <<<"$output" >/dev/null && return
	printf 'expected %s at %s, found:\n%s\n' "$1" "$2" "$output$stderr" >&2
	return 1
}

nothing_found() {
	run tokgate doctor
	[ "$status" -eq 0 ] && return
	echo "$output" >&2
	return 1
}

says() { # WORDS, in the finding
	[[ "$output" == *"$1"* ]]
}

@test "doctor finds nothing wrong with a daemon that was installed as shown" {
	start_tokgated
	nothing_found
}

@test "doctor finds that no daemon listens, where one is expected" {
	found daemon $socket
	# A store of root's needs none, ...
	rm /etc/tokgate/tokgate.conf
	chown -R root:root /var/lib/tokgate
	nothing_found
	# ... until there is a server that is not root.
	mkdir -p /etc/apache2/sites-enabled
	ln -s ../sites-available/tokgate.conf /etc/apache2/sites-enabled/
	cp "$examples/apache.conf" /etc/apache2/sites-available/tokgate.conf
	cp "$examples/apache.pam" /etc/pam.d/apache
	found daemon $socket
	says "/etc/apache2/sites-enabled/tokgate.conf:"
	rm /etc/pam.d/apache /etc/apache2/sites-enabled/tokgate.conf
}

@test "doctor finds a daemon that does not answer" {
	start_tokgated
	kill -STOP "$(cat "$frame/tokgated.pid")"
	found daemon $socket
	says 'none in time'
}

@test "doctor finds a daemon that answers from another store, or from none" {
	start_tokgated
	mkdir "$frame/other.etc"
	printf 'store = /var/lib/other\nuid = %s\n' "$(id -u tokgate)" >"$frame/other.etc/tokgate.conf"
	tokgate --config "$frame/other.etc/tokgate.conf" init >/dev/null
	cp "$frame/other.etc/tokgate.conf" /etc/tokgate/tokgate.conf
	found daemon $socket
	says "does not answer from the store '/var/lib/other'"
	cp "$frame/kept.conf" /etc/tokgate/tokgate.conf
	nothing_found
}

@test "doctor finds a daemon that runs as root, or as another user than the configured one" {
	echo '# root' >/etc/tokgate/tokgate.conf
	chown -R root:root /var/lib/tokgate
	start_tokgated
	found daemon $socket
	says 'runs as root'
	stop tokgated
	chown -R tokgate:tokgate /var/lib/tokgate
	cp "$frame/kept.conf" /etc/tokgate/tokgate.conf
	start_tokgated
	useradd -r -s /usr/sbin/nologin other
	echo "uid = $(id -u other)" >/etc/tokgate/tokgate.conf
	chown -R other:other /var/lib/tokgate
	chown root /run/tokgate
	run tokgate doctor --json
	[ "$status" -eq 1 ]
	says "tokgated runs as uid $(id -u tokgate), not as $(id -u other)"
	userdel other
}

@test "doctor finds a socket that others cannot reach, or could replace" {
	start_tokgated
	chmod 700 /run/tokgate
	found daemon-socket /run/tokgate
	chmod 755 /run/tokgate
	chmod 600 $socket
	found daemon-socket $socket
	chmod 666 $socket
	nothing_found
	chmod 777 /run/tokgate
	run tokgate doctor --json
	[ "$status" -eq 1 ]
	[ "$(jq -r .check <<<"$output" | sort | xargs)" = 'daemon daemon-socket' ]
	chmod 755 /run/tokgate
	chown nobody /run/tokgate
	run tokgate doctor --json
	[ "$(jq -r .check <<<"$output" | sort | xargs)" = 'daemon daemon-socket' ]
	chown tokgate /run/tokgate
	nothing_found
	stop tokgated
	rm "$frame/tokgated.pid"
	: >$socket
	run tokgate doctor --json
	says 'is not a socket'
}

@test "doctor finds a configured path where the daemon does not listen" {
	start_tokgated
	echo "listen = $socket /srv/jail$socket" >>/etc/tokgate/tokgate.conf
	found daemon-listen "/srv/jail$socket"
	mkdir -p /srv/jail/run
	stop tokgated
	start_tokgated
	nothing_found
}

@test "doctor finds a service user without account, or with a shell" {
	start_tokgated
	usermod -s /bin/bash tokgate
	found daemon-account "uid $(id -u tokgate)"
	says "'/bin/bash'"
	usermod -s /usr/sbin/nologin tokgate
	nothing_found
	stop tokgated
	rm "$frame/tokgated.pid"
	echo 'uid = 4242' >/etc/tokgate/tokgate.conf
	chown -R 4242:4242 /var/lib/tokgate
	rmdir /run/tokgate
	run tokgate doctor --json
	[ "$(jq -r .check <<<"$output" | sort | xargs)" = 'daemon daemon-account' ]
	run -3 tokgated
	[ "$output" = "tokgated: the configuration's uid 4242 is no user of this system" ]
}
