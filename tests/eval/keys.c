/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For ./run eval, in a guest: generates keys without end, as the mail of 2011 has it, and
 * says each response, a line of hexadecimal digits; an empty one where the driver said an error.
 *
 *   keys DEVICE COMMAND >LINES      COMMAND: a file, of TPM2_CreatePrimary
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUCCESS "\0\0\0\0"

static unsigned char rsp[4096];

/* Bytes of the response; 0: the driver says that it failed. */
static ssize_t transmit(int tpm, const void *cmd, size_t len)
{
	ssize_t n = write(tpm, cmd, len) == (ssize_t)len ? read(tpm, rsp, sizeof(rsp)) : 0;

	return n < 0 ? 0 : n;
}

/* Whatever handle the key got: a TPM has room for three. */
static void flush(int tpm)
{
	unsigned char cmd[14] = { 0x80, 0x01, 0, 0, 0, 14, 0, 0, 0x01, 0x65, 0x80, 0, 0, 0 };

	for (cmd[13] = 0; cmd[13] < 3; cmd[13]++) {
		ssize_t n = transmit(tpm, cmd, sizeof(cmd));

		if (n == 10 && !memcmp(rsp + 6, SUCCESS, 4)) {
			return;
		}
	}
}

int main(int argc, char **argv)
{
	static unsigned char cmd[4096];
	int tpm = argc == 3 ? open(argv[1], O_RDWR) : -1;
	int file = argc == 3 ? open(argv[2], O_RDONLY) : -1;
	ssize_t len = file < 0 ? -1 : read(file, cmd, sizeof(cmd)), n, i;

	if (tpm < 0 || len < 10) {
		fprintf(stderr, "keys: cannot open %s\n", argc == 3 ? argv[1] : "nothing");
		return 1;
	}
	for (;;) {
		n = transmit(tpm, cmd, (size_t)len);
		printf("key ");
		for (i = 0; i < n; i++) {
			printf("%02x", rsp[i]);
		}
		printf("\n");
		if (fflush(stdout)) {
			return 0;
		}
		flush(tpm);
	}
}
