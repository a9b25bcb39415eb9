#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2030,SC2031
# The installed units under a systemd of their own: process 1 of a second frame
# within the frame, which runs nothing else

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/lib.bash
. "$BATS_TEST_DIRNAME/../lib.bash"
# shellcheck source=tests/e2e/daemon.bash
. "$BATS_TEST_DIRNAME/../daemon.bash"

units=/usr/lib/systemd/system

# ---- systemd ---------------------------------------------------------------

# In a control group of its own, so that it finds nobody else's and leaves none.
cgroups=$frame/cgroups
group=$cgroups/tokgate-$$

# What the machine would start with systemd is none of ours, nor are its settings.
bare_systemd() {
	rm -rf /etc/systemd/system /usr/lib/systemd/system/*.wants /usr/lib/systemd/system-generators
	mkdir /etc/systemd/system
}

# The frame's log, where a service with a /dev of its own looks for it.
share_log() {
	mkdir -p /run/systemd/journal
	: >/run/systemd/journal/dev-log
	mount --bind /dev/log /run/systemd/journal/dev-log
}

# Commands among systemd's processes, which do not see those of this frame.
inner() {
	nsenter -t "$(pgrep -o -x systemd)" -p -m "$@"
}

systemctl() {
	inner systemctl "$@"
}

systemd_runs() {
	local state
	state=$(systemctl is-system-running 2>&1) || :
	[ "$state" = running ]
}

boot() {
	mkdir -p "$cgroups"
	mount -t cgroup2 frame "$cgroups" && mkdir "$group" || return
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc --cgroup bash -c '
			umount -R /sys/fs/cgroup
			mount -t cgroup2 frame /sys/fs/cgroup
			container=frame exec /usr/lib/systemd/systemd --system --unit=sysinit.target \
			    --log-target=syslog --show-status=0'
	) >"$frame/systemd.out" 2>&1 </dev/null 3>&- &
	echo $! >"$frame/systemd.pid"
	within 10 systemd_runs
}

# shut_down: KILL reaches all of it; then its control groups are empty.
no_group() {
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -d "$group" ]
}

setup_file() {
	systemd-sysusers "$src/tools/tokgated/tokgate.sysusers"
	install_tokgate
	bare_systemd
	share_log
	boot || : >"$frame/no-systemd"
}

teardown_file() {
	kill -KILL "$(cat "$frame/systemd.pid")" || :
	within 10 no_group
}

setup() {
	[ ! -e "$frame/no-systemd" ] || skip "no systemd of its own here: $(tail -n 1 "$frame/systemd.out")"
	systemctl start tokgated.socket
	mark_log
}

teardown() {
	[ ! -e "$frame/no-systemd" ] || return 0
	rm -rf /etc/systemd/system/*
	[ ! -d "$frame/store.kept" ] || put_store_back
	systemctl stop tokgated.service tokgated.socket || :
	systemctl daemon-reload
}

# ---- what is done ----------------------------------------------------------

# asked TOKEN: what a program of nobody's is told.
asked() {
	setpriv --reuid nobody --regid nogroup --clear-groups \
	    tokgate check --service http --action upload --resource demo <<<"$1" 2>&1 || :
}

is_told() { # TOKEN WHAT
	[[ "$(asked "$1")" == "$2"* ]]
}

main_pid() {
	systemctl show -P MainPID tokgated.service
}

active() {
	[ "$(systemctl is-active tokgated.service)" = active ]
}

# status FIELD: of the daemon's process.
status() {
	inner cat "/proc/$(main_pid)/status" | sed -n "s/^$1:[ \t]*//p"
}

# ---- it works ---------------------------------------------------------------

@test "the first question starts tokgated, and it is answered" {
	token=$(issue alice --scope http:upload:demo)
	[ "$(systemctl is-active tokgated.service)" = inactive ]
	within 10 is_told "$token" ok
	active
	[ "$(stat -c '%a %U' /run/tokgate "$socket" | xargs)" = '755 root 666 root' ]
	audit | grep -q "verdict=ok id=$(id_of "$token") owner=alice login=(claimed)__token__ .* uid=65534"
	[ "$(audit | wc -l)" -eq "$(audit | grep -c "uid=65534\$")" ]
}

@test "it is ready when systemctl start returns, and stops when it shall" {
	token=$(issue alice --scope http:upload:demo)
	systemctl start tokgated.service
	is_told "$token" ok
	systemctl stop tokgated.service tokgated.socket
	[ ! -e "$socket" ]
	is_told "$token" unavailable
	[ "$(systemctl show -P Result tokgated.service)" = success ]
}

@test "everything that it does is allowed there: limited uses, last uses, revocation" {
	token=$(issue alice --scope http:upload:demo --uses 2)
	systemctl start tokgated.service
	is_told "$token" ok
	is_told "$token" ok
	is_told "$token" used-up
	tokgate show "$(id_of "$token")" --json | jq -e '.uses_left == 0 and .last_used.count == 2 and
	    .last_refused.why == "used-up"'
	token=$(issue alice --scope http:upload:demo)
	is_told "$token" ok
	tokgate revoke "$(id_of "$token")"
	is_told "$token" revoked
	# More tokens than there was room for at first.
	for n in {1..200}; do
		tokgate issue "crowd$n" --scope http:upload:demo --name "$(printf %099d "$n")" >/dev/null
	done
	token=$(issue last --scope http:upload:demo)
	is_told "$token" ok
	tokgate show "$(id_of "$token")" --json | jq -e '.last_used.count == 1'
}

# ---- it is fenced in ---------------------------------------------------------

@test "it runs as tokgate, without capabilities, network, cores and a way to more" {
	systemctl start tokgated.service
	uid=$(id -u tokgate)
	[ "$(status Uid | xargs)" = "$uid $uid $uid $uid" ]
	[ -z "$(status Groups | xargs)" ] || [ "$(status Groups | xargs)" = "$(id -g tokgate)" ]
	[ "$(status CapBnd)" = 0000000000000000 ]
	[ "$(status CapEff)" = 0000000000000000 ]
	[ "$(status NoNewPrivs)" = 1 ]
	[ "$(status Seccomp)" = 2 ]
	pid=$(main_pid)
	[ "$(inner readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	inner grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits"
	# The consumer as well.
	[ "$(pgrep -c -u tokgate -x tokgated)" -eq 2 ]
}

@test "the file system is read-only for it, but for /var/lib" {
	systemctl start tokgated.service
	inner awk '{ print $5, substr($6, 1, 2) }' "/proc/$(main_pid)/mountinfo" >"$frame/mounts"
	for dir in / /etc /run /usr /var; do
		grep -qx "$dir ro" "$frame/mounts"
		run ! grep -x "$dir rw" "$frame/mounts"
	done
	grep -qx '/var/lib rw' "$frame/mounts"
}

# ---- it comes back -------------------------------------------------------------

other_pid() {
	active && [ "$(main_pid)" != "$1" ]
}

@test "killed, it comes back, again and again" {
	token=$(issue alice --scope http:upload:demo)
	systemctl start tokgated.service
	for n in {1..7}; do
		before=$(main_pid)
		systemctl kill -s KILL --kill-who=main tokgated.service
		within 10 other_pid "$before"
	done
	is_told "$token" ok
	[ "$(systemctl is-active tokgated.socket)" = active ]
}

@test "without its second process it starts anew" {
	systemctl start tokgated.service
	before=$(main_pid)
	kill -KILL "$(pgrep -u tokgate -n -x tokgated)"
	within 10 other_pid "$before"
}

@test "stopped for too long, it is killed by the watchdog and comes back" {
	mkdir -p /etc/systemd/system/tokgated.service.d
	printf '[Service]\nWatchdogSec=2\n' >/etc/systemd/system/tokgated.service.d/test.conf
	systemctl daemon-reload
	token=$(issue alice --scope http:upload:demo)
	systemctl start tokgated.service
	before=$(main_pid)
	systemctl kill -s STOP --kill-who=main tokgated.service
	is_told "$token" unavailable
	within 20 other_pid "$before"
	within 10 is_told "$token" ok
}

# ---- the store -------------------------------------------------------------------

@test "a store that is moved away and made again is found, and the old one when it is back" {
	token=$(issue alice --scope http:upload:demo)
	systemctl start tokgated.service
	is_told "$token" ok
	keep_store
	rm -r /var/lib/tokgate
	is_told "$token" unavailable
	tokgate init >/dev/null
	is_told "$token" no-match
	new=$(issue alice --scope http:upload:demo)
	is_told "$new" ok
	put_store_back
	is_told "$token" ok
}

@test "a store of root's is not given away, and tokens are unavailable here" {
	token=$(issue alice --scope http:upload:demo)
	chown -R root:root /var/lib/tokgate
	systemctl start tokgated.service
	is_told "$token" unavailable
	[ "$(stat -c %U /var/lib/tokgate /var/lib/tokgate/* | sort -u)" = root ]
	chown -R tokgate:tokgate /var/lib/tokgate
	is_told "$token" ok
}

@test "a socket in a chroot is one more line for systemd" {
	jail=/srv/jail
	mkdir -p /etc/systemd/system/tokgated.socket.d
	sed -n 's/^#\t//p' "$units/tokgated.socket" | sed "s,/var/spool/postfix,$jail," >/etc/systemd/system/tokgated.socket.d/chroot.conf
	[ "$(wc -l </etc/systemd/system/tokgated.socket.d/chroot.conf)" -eq 2 ]
	systemctl stop tokgated.service tokgated.socket
	systemctl daemon-reload
	systemctl start tokgated.socket
	token=$(issue alice --scope http:upload:demo)
	mkdir -p $jail/usr/bin
	{
		ldd /usr/bin/tokgate | grep -o '/[^ ]*'
		echo /usr/bin/tokgate
	} | xargs cp -L --parents -t $jail
	from_jail() {
		[ "$(chroot --userspec=65534:65534 $jail /usr/bin/tokgate check --service http --action upload \
		    --resource demo <<<"$token" 2>&1)" = ok ]
	}
	within 10 from_jail
	is_told "$token" ok
}
