/* SPDX-License-Identifier: ISC */
/* unit.h - what every unit test includes */
#ifndef UNIT_H
#define UNIT_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A test whose name is a sentence. */
/* clang-format off */
#define TEST(sentence, function) { (sentence), (function), NULL, NULL, NULL }
/* clang-format on */

#define RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Leave the test as not run; tests/run shows the reason. */
#define SKIP(reason) \
	do { \
		print_message("# skip: %s\n", (reason)); \
		skip(); \
	} while (0)

/* Fail, and name the row that was at fault: ROW(want == got, "row '%s'", row->text); */
#define ROW(condition, ...) \
	do { \
		if (!(condition)) { \
			print_error("not true: %s\n", #condition); \
			fail_msg(__VA_ARGS__); \
		} \
	} while (0)

/* How many descriptors are open: the same before and after, or one was left. */
static inline int
open_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(fds);
	while (readdir(fds) != NULL)
		n++;
	closedir(fds);
	return n;
}

#endif
