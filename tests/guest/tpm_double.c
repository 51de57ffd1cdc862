/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPM 2.0 with a large buffer, or a slow one, as a program in the place of swtpm:
 *
 *   tpm_double SOCKET SIZE [MS]     until it is killed
 *
 * It knows one command, of any size up to SIZE: vendor code 0x20000001. The response
 * is as large as the command: header with rc 0; a hash (FNV-1a) of the command as
 * 4 bytes, big endian; then the command's bytes from 14 on, inverted. So neither
 * can be lost, cut or taken for the other without being noticed.
 *
 * GetRandom takes MS milliseconds, cancelled or not, and has no bytes.
 *
 * GetCapability says that there is nothing, which Linux takes for a TPM that waits
 * for new firmware, and leaves alone. All other commands succeed and do nothing.
 */
#include "tpm_stub.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CC_GET_CAPABILITY 0x17Au
#define CC_GET_RANDOM     0x17Bu
#define CC_INVERT         0x20000001u
#define HEADER_SIZE       10u

static void put32(uint8_t *to, uint32_t value)
{
	value = GUINT32_TO_BE(value);
	memcpy(to, &value, 4);
}

static uint32_t fnv1a(const uint8_t *data, size_t size)
{
	uint32_t hash = 2166136261u;

	while (size--)
		hash = (hash ^ *data++) * 16777619u;
	return hash;
}

static size_t answer(void *opaque, const uint8_t *command, size_t size, unsigned nth,
		     uint8_t *response, size_t max)
{
	size_t total = HEADER_SIZE, i;
	uint32_t code;

	(void)nth;
	g_assert(size <= max);
	memcpy(&code, command + 6, 4);
	code = GUINT32_FROM_BE(code);
	if (code == CC_GET_CAPABILITY && size >= HEADER_SIZE + 4) {
		/* moreData, the capability, and a list of length 0 */
		total = HEADER_SIZE + 9;
		memset(response, 0, total);
		memcpy(response + HEADER_SIZE + 1, command + HEADER_SIZE, 4);
	} else if (code == CC_INVERT && size >= HEADER_SIZE + 4) {
		total = size;
		put32(response + HEADER_SIZE, fnv1a(command, size));
		for (i = HEADER_SIZE + 4; i < size; i++)
			response[i] = (uint8_t)~command[i];
	} else if (code == CC_GET_RANDOM) {
		total = HEADER_SIZE + 2;
		memset(response + HEADER_SIZE, 0, 2);
		g_usleep(*(guint64 *)opaque * 1000);
	}
	response[0] = 0x80;
	response[1] = 0x01;
	put32(response + 2, (uint32_t)total);
	put32(response + 6, 0);
	return total;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path))
		errno = ENAMETOOLONG;
	else if (fd != -1 && !bind(fd, (struct sockaddr *)&address, sizeof(address)) &&
		 !listen(fd, 1))
		return fd;
	g_printerr("tpm_double: %s: %s\n", path, g_strerror(errno));
	return -1;
}

int main(int argc, char **argv)
{
	TpmStub *tpm;
	guint64 size, slow_ms = 0;
	int listener, fd;

	if (argc < 3 || argc > 4 ||
	    !g_ascii_string_to_unsigned(argv[2], 10, 128, 1 << 20, &size, NULL) ||
	    (argc == 4 &&
	     !g_ascii_string_to_unsigned(argv[3], 10, 0, 60000, &slow_ms, NULL))) {
		g_printerr("usage: tpm_double SOCKET SIZE [MS]\n");
		return 1;
	}
	listener = listen_at(argv[1]);
	if (listener == -1)
		return 1;
	tpm = tpm_stub_new(TPM_STUB_2_0);
	tpm_stub_set_max_size(tpm, (uint32_t)size);
	tpm_stub_set_answer(tpm, answer, &slow_ms);
	while ((fd = accept(listener, NULL, NULL)) != -1)
		tpm_stub_serve(tpm, fd);
	g_printerr("tpm_double: accept: %s\n", g_strerror(errno));
	return 1;
}
