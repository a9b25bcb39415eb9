#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154
#
# What `make install` puts where, and that `make uninstall` takes it away again.

bats_require_minimum_version 1.5.0

setup() {
	top=$BATS_TEST_DIRNAME/../..
	dest=$BATS_TEST_TMPDIR/dest
	triplet=$(cc -print-multiarch)
	made=$BATS_TEST_TMPDIR/made
}

# In a build of its own for other than the default places, which would rebuild the usual one.
mk() {
	env -u MAKEFLAGS -u MAKELEVEL -u PREFIX make -s --no-print-directory -C "$top" DESTDIR="$dest" "$@" >"$made" 2>&1 || { cat "$made"; return 1; }
}

files() {
	(cd "$dest" && find . ! -type d -printf '%m %P\n' | sort -k 2)
}

# expected PREFIX: the files below it, with modes.
expected() {
	local prefix=$1 f
	{
		echo "755 $prefix/bin/tokgate"
		echo "755 $prefix/sbin/tokgated"
		echo "644 $prefix/include/tokgate.h"
		echo "644 $prefix/lib/$triplet/libtokgate.so.0"
		echo "777 $prefix/lib/$triplet/libtokgate.so"
		echo "644 $prefix/lib/$triplet/pkgconfig/tokgate.pc"
		echo "644 lib/$triplet/security/pam_tokgate.so"
		for f in systemd/system/tokgated.service systemd/system/tokgated.socket sysusers.d/tokgate.conf \
		    tmpfiles.d/tokgate.conf; do
			echo "644 usr/lib/$f"
		done
		echo "644 $prefix/share/man/man8/tokgate.8"
		echo "644 $prefix/share/man/man8/tokgated.8"
		echo "644 $prefix/share/man/man8/pam_tokgate.8"
		echo "644 $prefix/share/man/man5/tokgate.conf.5"
		for f in apache.conf apache.pam dovecot.conf dovecot.pam nginx.conf nginx.pam proftpd.conf proftpd.pam \
		    proftpd-sftp.pam sshd.conf sshd.pam su.pam token-only.pam token-or-password.pam vsftpd.conf vsftpd.pam; do
			echo "644 $prefix/share/doc/tokgate/examples/$f"
		done
		echo "644 $prefix/share/doc/tokgate/LICENSE"
		echo "644 $prefix/share/doc/tokgate/FORMAT.md"
		echo "644 $prefix/share/doc/tokgate/README.md"
	} | sort -k 2
}

@test "install puts every file in its Debian place, and nothing else" {
	mk install # builds; what follows only copies
	rm -r "$dest"
	(umask 077 && mk install)
	diff <(expected usr) <(files)
	[ -z "$(find "$dest" -type d ! -perm 755)" ]
	[ "$(readlink "$dest/usr/lib/$triplet/libtokgate.so")" = libtokgate.so.0 ]
	cmp "$dest/usr/lib/$triplet/libtokgate.so.0" "$top/build/libtokgate.so.0"
}

@test "uninstall takes away what install made and leaves what it did not make" {
	mk install
	mkdir -p "$dest/etc/tokgate" "$dest/var/lib/tokgate"
	touch "$dest/etc/tokgate/tokgate.conf" "$dest/var/lib/tokgate/data.mdb" "$dest/usr/bin/other" \
	    "$dest/usr/share/doc/tokgate/examples/ours"
	mk uninstall
	[ "$(files | cut -d' ' -f2 | xargs)" = \
	    "etc/tokgate/tokgate.conf usr/bin/other usr/share/doc/tokgate/examples/ours var/lib/tokgate/data.mdb" ]
	rm "$dest/usr/share/doc/tokgate/examples/ours"
	mk install
	mk uninstall
	[ ! -e "$dest/usr/share/doc/tokgate" ]
	# and once more, with nothing there
	mk uninstall
}

@test "an installed program looks for its library in the system's places only" {
	mk install
	run -0 readelf -d "$dest/usr/bin/tokgate" "$dest/usr/sbin/tokgated" "$dest/lib/$triplet/security/pam_tokgate.so" "$dest/usr/lib/$triplet/libtokgate.so.0"
	[[ $output == *"[libtokgate.so.0]"* ]]
	[[ $output != *RPATH* && $output != *RUNPATH* ]]
	run -0 env LD_LIBRARY_PATH="$dest/usr/lib/$triplet" "$dest/usr/bin/tokgate" version
}

@test "a file that is in use is replaced, not overwritten" {
	mk install
	local lib=$dest/usr/lib/$triplet/libtokgate.so.0
	exec 8<"$lib"
	local before
	before=$(stat -c %i "$lib")
	mk install
	[ "$(stat -c %i "$lib")" != "$before" ]
	cmp "$top/build/libtokgate.so.0" /dev/fd/8
	exec 8<&-
	[ -z "$(find "$dest" -name '*.new')" ]
}

@test "PREFIX is honoured, and the programs know where their files are" {
	mk install BUILD="$BATS_TEST_TMPDIR/build" PREFIX=/opt/tokgate CFLAGS=-O0
	diff <(expected opt/tokgate) <(files)
	grep -qx 'prefix=/opt/tokgate' "$dest/opt/tokgate/lib/$triplet/pkgconfig/tokgate.pc"
	run -0 readelf -d "$dest/opt/tokgate/bin/tokgate" "$dest/opt/tokgate/sbin/tokgated" \
	    "$dest/lib/$triplet/security/pam_tokgate.so"
	[ "$(grep -cF "[/opt/tokgate/lib/$triplet]" <<<"$output")" -eq 3 ]
	grep -qx 'ExecStart=/opt/tokgate/sbin/tokgated' "$dest/usr/lib/systemd/system/tokgated.service"
	grep -qaF /opt/tokgate/share/doc/tokgate/examples "$dest/opt/tokgate/bin/tokgate"
	mk uninstall BUILD="$BATS_TEST_TMPDIR/build" PREFIX=/opt/tokgate
	[ -z "$(files)" ]
}

@test "a program is built against the installed library by pkg-config" {
	mk install
	cat >"$BATS_TEST_TMPDIR/host.c" <<-'END'
	#include <tokgate.h>
	int main(void) { return tg_owner_valid("alice") ? 0 : 1; }
	END
	# shellcheck disable=SC2046
	(cd "$BATS_TEST_TMPDIR" && cc -o host host.c $(PKG_CONFIG_SYSROOT_DIR="$dest" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
	    PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 PKG_CONFIG_PATH="$dest/usr/lib/$triplet/pkgconfig" pkg-config --cflags --libs tokgate) \
	    -Wl,-rpath-link,/usr/lib)
	LD_LIBRARY_PATH="$dest/usr/lib/$triplet" "$BATS_TEST_TMPDIR/host"
	[ "$(PKG_CONFIG_PATH="$dest/usr/lib/$triplet/pkgconfig" pkg-config --modversion tokgate)" = \
	    "$(sed -n 's/^#define TG_VERSION "\(.*\)"/\1/p' "$top/common/tokgate.h")" ]
}
