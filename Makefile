# SPDX-License-Identifier: ISC
# make          build everything below build/
# make demo     install what it needs, build, show a token opening real servers
# make test     install what it needs, build, run all tests
# make help     the other targets

VERSION   := 0.1.0
PREFIX    ?= /usr
SYSCONFDIR ?= /etc
TRIPLET   := $(shell $(CC) -print-multiarch 2>/dev/null)
LIBDIR    ?= $(PREFIX)/lib/$(TRIPLET)
PAMDIR    ?= /lib/$(TRIPLET)/security
MANDIR    ?= $(PREFIX)/share/man
DOCDIR    ?= $(PREFIX)/share/doc/tokgate
EXAMPLES  ?= $(DOCDIR)/examples
# Where systemd looks, whatever PREFIX is.
SYSTEMDLIB ?= /usr/lib
BUILD     ?= build

CFLAGS    ?= -O2 -g
# OpenSSF "Compiler Options Hardening Guide for C and C++"
FORTIFY   := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
HARDEN_C  := $(FORTIFY) -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
             -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
HARDEN_LD := -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed -Wl,--no-copy-dt-needed-entries
WARN      := -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
             -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough -Wnull-dereference -Wswitch-enum
WARN      += $(if $(WERROR),-Werror)
ALL_C      = -std=gnu11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -pthread $(WARN) $(HARDEN_C) -Icommon \
             -DEXAMPLES_DIR='"$(EXAMPLES)"' -DPAM_MODULE_DIR='"$(PAMDIR)"' $(CFLAGS) $(CPPFLAGS)
ALL_LD     = $(HARDEN_LD) $(LDFLAGS)

CORE_SRC  := $(wildcard common/*.c)
PAM_SRC   := $(wildcard pam/*.c)
CLI_SRC   := $(wildcard tools/tokgate/*.c) pam/args.c
DAEMON_SRC := $(wildcard tools/tokgated/*.c)
UNIT_SRC  := $(wildcard tests/unit/test_*.c)
UNIT_LIB  := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_MAIN := tests/fuzz/replay.c
obj        = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE_OBJ  := $(call obj,$(CORE_SRC))
UNIT_BIN  := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

LIB       := $(BUILD)/libtokgate.so.0
MODULE    := $(BUILD)/pam_tokgate.so
CLI       := $(BUILD)/tokgate
DAEMON    := $(BUILD)/tokgated
DAEMON_SYS := $(BUILD)/installed/tokgated
UNIT_SYS  := $(BUILD)/installed/tokgated.service
CLI_SYS   := $(BUILD)/installed/tokgate

# Where the loader does not look by itself, programs and module say where the library is.
SYS_DIRS  := $(foreach d,/usr/lib /lib /usr/local/lib,$(d) $(d)/$(TRIPLET))
RPATH     := $(if $(filter $(LIBDIR),$(SYS_DIRS)),,-Wl,-rpath,$(LIBDIR))

.PHONY: all help deps test-deps lint-deps demo test unit sanitize sanitized lint fuzz fuzzed install uninstall clean
.SECONDARY:
all: $(DAEMON) $(LIB) $(BUILD)/libtokgate.so $(BUILD)/tokgate.pc $(MODULE) $(CLI)

help:
	@sed -n '2,5s/^# //p' Makefile
	@echo 'make unit, sanitize, lint, fuzz    parts of what CI runs (.ci/run)'
	@echo 'make deps, test-deps               packages for building; for tests and demo'
	@echo 'make install, uninstall            honour DESTDIR and PREFIX'

# doctor reads the module's arguments as the module does.
$(BUILD)/obj/tools/tokgate/doctor_pam.o: CPPFLAGS += -Ipam

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_C) -MMD -MP -c -o $@ $<

# What has an installed path in it is made again when that changes.
$(BUILD)/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX) $(LIBDIR) $(PAMDIR) $(EXAMPLES)' | cmp -s - $@ || echo '$(PREFIX) $(LIBDIR) $(PAMDIR) $(EXAMPLES)' > $@
FORCE:
$(call obj,$(CLI_SRC)) $(MODULE) $(CLI_SYS) $(BUILD)/tokgate.pc: $(BUILD)/paths

# One shared object for every adapter in a process: LMDB demands unique state.
# nodelete, since libpam unloads its modules with everything below them.
$(LIB): $(CORE_OBJ) common/libtokgate.map
	$(CC) -shared $(ALL_LD) -Wl,-z,nodelete -Wl,-soname,libtokgate.so.0 -Wl,--version-script=common/libtokgate.map \
	    -Wl,-z,defs -o $@ $(CORE_OBJ) -llmdb -lsodium -pthread

$(BUILD)/libtokgate.so: $(LIB)
	ln -sf libtokgate.so.0 $@

$(BUILD)/tokgate.pc: Makefile
	@mkdir -p $(@D)
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' 'Name: tokgate' \
	    'Description: scoped, expiring tokens in the place of passwords' 'Version: $(VERSION)' \
	    'Libs: -L$${libdir} -ltokgate' 'Cflags: -I$${includedir}' > $@

$(MODULE): $(call obj,$(PAM_SRC)) $(BUILD)/libtokgate.so pam/pam_tokgate.map
	$(CC) -shared $(ALL_LD) $(RPATH) -Wl,--version-script=pam/pam_tokgate.map -Wl,-z,defs \
	    -o $@ $(call obj,$(PAM_SRC)) -L$(BUILD) -ltokgate -lpam

# build/tokgate finds the library beside itself; an installed one in the system's place.
$(CLI): RPATH = -Wl,-rpath,'$$ORIGIN'
$(CLI) $(CLI_SYS): $(call obj,$(CLI_SRC)) $(BUILD)/libtokgate.so
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LD) $(RPATH) -o $@ $(call obj,$(CLI_SRC)) -L$(BUILD) -ltokgate -ljansson

$(DAEMON): RPATH = -Wl,-rpath,'$$ORIGIN'
$(DAEMON) $(DAEMON_SYS): $(call obj,$(DAEMON_SRC)) $(BUILD)/libtokgate.so
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LD) $(RPATH) -o $@ $(call obj,$(DAEMON_SRC)) -L$(BUILD) -ltokgate -lsystemd

$(UNIT_SYS): tools/tokgated/tokgated.service $(BUILD)/paths
	@mkdir -p $(@D)
	sed 's,/usr/sbin/tokgated,$(PREFIX)/sbin/tokgated,' $< > $@

# Unit tests see the core's inside, so they link its objects.
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(call obj,$(UNIT_LIB)) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LD) -o $@ $^ -lcmocka -llmdb -lsodium -lpam -ldl -pthread
# This one loads copies of the library beside it.
$(BUILD)/tests/test_store_hosts: | $(LIB)

# Tests of the PAM module meet it as a door does: loaded by libpam, over the shared library.
# libcrypt is for pam_unix: the sanitizer finds only what is there from the start.
DOOR_SRC  := $(wildcard tests/unit/pam/*.c)
DOOR_BIN  := $(filter $(BUILD)/tests/test_pam_%,$(UNIT_BIN))
$(BUILD)/tests/test_pam_faults: $(BUILD)/obj/tests/unit/pam/faults.o
$(DOOR_BIN): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/obj/tests/unit/pam/door.o \
    | $(MODULE) $(BUILD)/tests/pam_recorder.so
	$(CC) -pie $(ALL_LD) -rdynamic -Wl,-rpath,'$$ORIGIN/..' -o $@ $^ -L$(BUILD) -ltokgate -lcmocka -lpam -ldl -pthread \
	    -Wl,--no-as-needed -lcrypt
$(BUILD)/tests/pam_recorder.so: $(BUILD)/obj/tests/unit/pam/recorder.o
	@mkdir -p $(@D)
	$(CC) -shared $(ALL_LD) -o $@ $^ -lpam

# The way through the daemon without a socket.
$(BUILD)/tests/test_two_ways: private ALL_LD += -Wl,--wrap=remote_ask

# Tests of the daemon start it.
$(filter $(BUILD)/tests/test_daemon%,$(UNIT_BIN)): | $(DAEMON)

# A harness replays tests/fuzz/corpus/NAME, unless libFuzzer brings its own main().
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,$(FUZZ_MAIN)) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LD) -o $@ $^ -llmdb -lsodium -pthread

# The module itself, with a libpam of the harness's own.
$(BUILD)/fuzz/fuzz_pam: $(call obj,$(PAM_SRC))

# Packages of Debian 12.  Servers are unpacked below build/, where nothing starts them.
BUILD_PKGS := gcc libc6-dev make pkg-config libpam0g-dev libsodium-dev liblmdb-dev libjansson-dev libsystemd-dev
TEST_PKGS  := bats jq faketime libcmocka-dev openssh-client sshpass lftp curl pamtester python3-minimal \
              python3-paramiko iproute2 procps util-linux openssl netbase twine
SERVERS    := openssh-server openssh-sftp-server vsftpd systemd \
              apache2 apache2-bin libapache2-mod-authnz-pam nginx nginx-common libnginx-mod-http-auth-pam \
              dovecot-core dovecot-imapd dovecot-pop3d proftpd-core proftpd-mod-crypto
deps:
	@tests/packages install $(BUILD_PKGS)
test-deps: deps
	@tests/packages install $(TEST_PKGS)
	@tests/packages unpack $(BUILD)/unpacked $(SERVERS)
lint-deps:
	@tests/packages install $(LINT_PKGS)

# In a second make, which sees the compiler that the first one has installed.
demo: test-deps
	@$(MAKE) -s all $(CLI_SYS)
	@tests/e2e/frame tests/e2e/demo
test: test-deps
	@$(MAKE) --no-print-directory all $(CLI_SYS) $(UNIT_BIN)
	tests/run $(UNIT_BIN) $(wildcard tests/e2e/*.bats) tests/e2e/all-doors

unit: $(UNIT_BIN)
	tests/run $^

# The same tests and the fuzz corpora in a second build, with the sanitizers looking on.
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_BUILD  = WARN= FORTIFY=-U_FORTIFY_SOURCE CFLAGS='-O1 -g -fno-omit-frame-pointer $(SANITIZE) $(1)' \
             LDFLAGS='$(SANITIZE) $(2)'
# ASan calls a crypt_r(3) that was there from the start, not the one that pam_unix brings.
SAN_CRYPT := -Wl,--no-as-needed -lcrypt -Wl,--as-needed
sanitize:
	$(MAKE) BUILD=$(BUILD)/san $(call SAN_BUILD,,$(SAN_CRYPT)) sanitized
sanitized: export ASAN_OPTIONS = handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2
sanitized: export UBSAN_OPTIONS = print_stacktrace=1
sanitized: $(UNIT_BIN) $(FUZZ_BIN)
	tests/run $^

FUZZ_SECONDS ?= 60
fuzz:
	$(MAKE) BUILD=$(BUILD)/libfuzzer CC=clang FUZZ_MAIN= \
	    $(call SAN_BUILD,-fsanitize=fuzzer-no-link,-fsanitize=fuzzer) fuzzed
fuzzed: $(FUZZ_BIN)
	tests/fuzz/run $(FUZZ_SECONDS) $^

LINT_PKGS := shellcheck mandoc clang clang-format cppcheck
lint: all
	BUILD=$(BUILD) CC=$(CC) tests/lint/run

-include $(patsubst %.o,%.d,$(CORE_OBJ) $(call obj,$(PAM_SRC) $(CLI_SRC) $(DAEMON_SRC) $(UNIT_SRC) $(UNIT_LIB) $(DOOR_SRC) $(FUZZ_SRC) $(FUZZ_MAIN)))

# MODE:SOURCE:PLACE
MAN_SRC   := $(wildcard pam/*.[1-8] tools/*.[1-8] tools/*/*.[1-8])
PLACES     = 0644:$(LIB):$(LIBDIR)/libtokgate.so.0 \
             0644:common/tokgate.h:$(PREFIX)/include/tokgate.h \
             0644:$(BUILD)/tokgate.pc:$(LIBDIR)/pkgconfig/tokgate.pc \
             0644:$(MODULE):$(PAMDIR)/pam_tokgate.so \
             0755:$(CLI_SYS):$(PREFIX)/bin/tokgate \
             0755:$(DAEMON_SYS):$(PREFIX)/sbin/tokgated \
             0644:$(UNIT_SYS):$(SYSTEMDLIB)/systemd/system/tokgated.service \
             0644:tools/tokgated/tokgated.socket:$(SYSTEMDLIB)/systemd/system/tokgated.socket \
             0644:tools/tokgated/tokgate.sysusers:$(SYSTEMDLIB)/sysusers.d/tokgate.conf \
             0644:tools/tokgated/tokgate.tmpfiles:$(SYSTEMDLIB)/tmpfiles.d/tokgate.conf \
             $(foreach f,$(MAN_SRC),0644:$(f):$(MANDIR)/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
             $(foreach f,$(wildcard pam/examples/*),0644:$(f):$(EXAMPLES)/$(notdir $(f))) \
             $(foreach f,$(wildcard README.md LICENSE common/FORMAT.md),0644:$(f):$(DOCDIR)/$(notdir $(f)))

# Each file takes its name in one rename: a running sshd has the old one mapped.
install: all $(CLI_SYS) $(DAEMON_SYS) $(UNIT_SYS)
	@set -e; for place in $(PLACES); do \
	    IFS=:; set -- $$place; to="$(DESTDIR)$$3"; \
	    install -D -m $$1 $$2 "$$to.new"; mv -f "$$to.new" "$$to"; \
	done
	@ln -sfn libtokgate.so.0 $(DESTDIR)$(LIBDIR)/libtokgate.so
	$(if $(DESTDIR),,-ldconfig)

# Neither configuration nor store: those are the site's.
uninstall:
	@for place in $(PLACES); do rm -f "$(DESTDIR)$${place##*:}"; done
	@rm -f $(DESTDIR)$(LIBDIR)/libtokgate.so
	@rmdir --ignore-fail-on-non-empty $(wildcard $(DESTDIR)$(EXAMPLES) $(DESTDIR)$(DOCDIR)) 2>/dev/null || :

clean:
	rm -rf $(BUILD)
