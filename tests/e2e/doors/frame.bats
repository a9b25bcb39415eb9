#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The frame, seen from outside: the machine does not notice it

bats_require_minimum_version 1.5.0

frame=$BATS_TEST_DIRNAME/../frame

# What a frame could leave behind: accounts, files, mounts, names in /dev.
machine() {
	cat /etc/passwd /etc/group
	ls /home /srv /usr/bin
	ls -d {/etc,/home,/root,/srv,/tmp,/usr/bin,/var/lib,/run}/made* /dev/log 2>&1 || :
	cut -d ' ' -f 2 /proc/mounts
}

no_process() {
	! pgrep -f "^$1" >/dev/null
}

within() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -le "$deadline" ]
		sleep 0.02
	done
}

@test "users, files, servers and log lines of a frame are gone with it" {
	machine >"$BATS_TEST_TMPDIR/before"
	run -0 "$frame" bash -ec '
		useradd -m tokgate-frame
		id tokgate-frame
		touch /etc/made /home/made /root/made /srv/made /tmp/made /usr/bin/made /var/lib/made /run/made
		install -d -o tokgate-frame /var/lib/made.dir
		sleep 31557601 &
		logger "from inside"
		for i in {1..500}; do grep -q "from inside" /run/frame/syslog && exit; sleep 0.02; done
		exit 1'
	[[ "$output" == *'uid='*'(tokgate-frame)'* ]]
	machine >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	no_process 'sleep 31557601'
}

@test "the exit code and the standard streams are those of the command" {
	run -3 "$frame" bash -c 'exit 3'
	[ "$("$frame" cat <<<hello)" = hello ]
	run -127 "$frame" no-such-command
}

@test "nothing of the caller's environment comes in" {
	run ! env SECRET=found "$frame" printenv SECRET
}

@test "two frames at a time do not see each other" {
	"$frame" bash -c 'touch /etc/one; exec 5<>/dev/udp/127.0.0.1/9; sleep 31557602' 3>&- &
	within 10 pgrep -f '^sleep 31557602' >/dev/null
	run ! "$frame" bash -c 'ls /etc/one || pgrep -f "^sleep 31557602"'
	kill $!
	wait $! || :
}

@test "a frame that is ended by a signal takes all with it" {
	local signal code
	for signal in TERM:143 INT:130 KILL:137; do
		env --default-signal=INT "$frame" bash -c 'setsid sleep 31557603 & sleep 31557603' 3>&- &
		within 10 pgrep -f '^sleep 31557603' >/dev/null
		kill -"${signal%:*}" $!
		code=0
		wait $! || code=$?
		[ "$code" -eq "${signal#*:}" ]
		within 10 no_process 'sleep 31557603'
	done
}

@test "who is not root is told so" {
	cd /
	run -77 setpriv --reuid 65534 --regid 65534 --clear-groups bash -s true <"$frame"
	[[ "$output" == *'needs root'* ]]
}
