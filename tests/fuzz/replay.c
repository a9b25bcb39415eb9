/* SPDX-License-Identifier: ISC */
/*
 * replay.c - main() of a harness that is not run by libFuzzer
 *
 * fuzz_NAME              run the seeds tests/fuzz/corpus/NAME, say so in TAP
 * fuzz_NAME FILE...      run these files: to see a finding again
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <limits.h>

#include "fuzz.h"

static void
run(const char *path)
{
	uint8_t *data;
	long size;
	FILE *file;

	if ((file = fopen(path, "rb")) == NULL || fseek(file, 0, SEEK_END) == -1 ||
	    (size = ftell(file)) == -1 || fseek(file, 0, SEEK_SET) == -1)
		err(1, "%s", path);
	/* Exactly the size, and nothing at all for an empty file. */
	if ((data = malloc((size_t)size)) == NULL && size > 0)
		err(1, "%s", path);
	if (fread(data, 1, (size_t)size, file) != (size_t)size)
		err(1, "%s", path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

static int
is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
run_corpus(const char *name)
{
	char dir[PATH_MAX / 2], path[PATH_MAX];
	struct dirent **seeds;
	int i, n;

	snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name);
	if ((n = scandir(dir, &seeds, is_seed, alphasort)) == -1)
		err(1, "%s", dir);
	printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, seeds[i]->d_name);
		run(path);
		printf("ok %d - %s %s\n", i + 1, name, seeds[i]->d_name);
		fflush(stdout);
		free(seeds[i]);
	}
	free(seeds);
}

int
main(int argc, char **argv)
{
	const char *name = strstr(program_invocation_short_name, "fuzz_");
	int i;

	if (name == NULL)
		errx(1, "not named fuzz_NAME");
	for (i = 1; i < argc; i++)
		run(argv[i]);
	if (argc == 1)
		run_corpus(name + strlen("fuzz_"));
	return 0;
}
