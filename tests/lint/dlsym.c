/* SPDX-License-Identifier: ISC */
/* dlsym OBJECT NAME...        load it as libpam would; say which names are not to be had */
#include <dlfcn.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	void *object;
	int i;

	if (argc < 3) {
		puts("dlsym: no object or no names");
		return 1;
	}
	if ((object = dlopen(argv[1], RTLD_NOW)) == NULL) {
		puts(dlerror());
		return 1;
	}
	for (i = 2; i < argc; i++)
		if (dlsym(object, argv[i]) == NULL)
			printf("%s: no %s\n", argv[1], argv[i]);
	dlclose(object);
	return 0;
}
