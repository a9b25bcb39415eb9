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
CLI_SRC   := $(wildcard tools/tokgate/*.c)
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

.PHONY: all help deps test-deps demo test unit sanitize sanitized lint fuzz fuzzed install uninstall clean
.SECONDARY:
all: $(LIB) $(BUILD)/libtokgate.so $(BUILD)/tokgate.pc $(MODULE) $(CLI)

help:
	@sed -n '2,5s/^# //p' Makefile
	@echo 'make unit, sanitize, lint, fuzz    parts of what CI runs (.ci/run)'
	@echo 'make deps, test-deps               packages for building; for tests and demo'
	@echo 'make install, uninstall            honour DESTDIR and PREFIX'

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_C) -MMD -MP -c -o $@ $<

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
	$(CC) -shared $(ALL_LD) -Wl,--version-script=pam/pam_tokgate.map -Wl,-z,defs \
	    -o $@ $(call obj,$(PAM_SRC)) -L$(BUILD) -ltokgate -lpam

# build/tokgate finds the library beside itself; an installed one in the system's place.
$(CLI): $(call obj,$(CLI_SRC)) $(BUILD)/libtokgate.so
	$(CC) -pie $(ALL_LD) -Wl,-rpath,'$$ORIGIN' -o $@ $(call obj,$(CLI_SRC)) -L$(BUILD) -ltokgate -ljansson

# Unit tests see the core's inside, so they link its objects.
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(call obj,$(UNIT_LIB)) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LD) -o $@ $^ -lcmocka -llmdb -lsodium -lpam -ldl -pthread

# A harness replays tests/fuzz/corpus/NAME, unless libFuzzer brings its own main().
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,$(FUZZ_MAIN)) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LD) -o $@ $^ -llmdb -lsodium -pthread

unit: $(UNIT_BIN)
	tests/run $^

# The same tests and the fuzz corpora in a second build, with the sanitizers looking on.
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_BUILD  = WARN= FORTIFY=-U_FORTIFY_SOURCE CFLAGS='-O1 -g -fno-omit-frame-pointer $(SANITIZE) $(1)' \
             LDFLAGS='$(SANITIZE) $(2)'
sanitize:
	$(MAKE) BUILD=$(BUILD)/san $(call SAN_BUILD) sanitized
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
	tests/lint/run

-include $(patsubst %.o,%.d,$(CORE_OBJ) $(call obj,$(PAM_SRC) $(CLI_SRC) $(UNIT_SRC) $(UNIT_LIB) $(FUZZ_SRC) $(FUZZ_MAIN)))

clean:
	rm -rf $(BUILD)
