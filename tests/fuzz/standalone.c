/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A main() for a target without libFuzzer: runs it on the files named, on those
 * in the directories named, or on standard input where nothing is named (AFL++).
 *
 * With FUZZ_TARGET and FUZZ_DIR defined it is a test instead, in TAP: it replays
 * the target's corpus and the inputs that once failed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1u << 20)

static uint8_t input[INPUT_MAX];

static void run(FILE *f)
{
	size_t len = fread(input, 1, sizeof(input), f);
	uint8_t *data = malloc(len ? len : 1); /* exactly: overreads show */

	if (!data) {
		abort();
	}
	memcpy(data, input, len);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
}

static bool run_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	printf("# %s\n", path); /* the last one is the one that ended the program */
	run(f);
	fclose(f);
	return true;
}

/* Returns the number of inputs, -1 for an error. */
static int run_dir(const char *path)
{
	struct dirent **list = NULL;
	char file[4096];
	int i, n = scandir(path, &list, NULL, alphasort), num = 0;

	for (i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.' && num >= 0) {
			snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
			num = run_file(file) ? num + 1 : -1;
		}
		free(list[i]);
	}
	free(list);
	return n < 0 ? -1 : num;
}

#ifdef FUZZ_TARGET

int main(void)
{
	int corpus, regress;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..2\n");
	corpus = run_dir(FUZZ_DIR "/corpus/" FUZZ_TARGET);
	printf("%sok 1 - %d inputs of the corpus\n", corpus > 0 ? "" : "not ",
	       corpus);
	regress = run_dir(FUZZ_DIR "/regress/" FUZZ_TARGET);
	printf("ok 2 - %d inputs that once failed\n", regress > 0 ? regress : 0);
	return corpus > 0 ? 0 : 1;
}

#else

int main(int argc, char **argv)
{
	int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 1) {
		run(stdin);
	}
	for (i = 1; i < argc; i++) {
		struct stat st;

		if (!stat(argv[i], &st) && S_ISDIR(st.st_mode)) {
			failed += run_dir(argv[i]) < 0;
		} else {
			failed += !run_file(argv[i]);
		}
	}
	return failed ? 1 : 0;
}

#endif
