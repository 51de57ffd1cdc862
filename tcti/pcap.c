/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus.h"
#include "log.h"

#define LINKTYPE_RAW    101u    /* IP packets */
#define PORT_TPM        2321u   /* the simulator's, which Wireshark knows */
#define PORT_US         50000u
#define IP_SIZE         20u
#define TCP_SIZE        20u

struct tpmix_pcap {
	FILE *file;
	char *path;
	uint32_t seq[2];        /* next byte of commands, of responses */
};

static void put16(uint8_t *to, uint32_t val)
{
	to[0] = (uint8_t)(val >> 8);
	to[1] = (uint8_t)val;
}

static void put32(uint8_t *to, uint32_t val)
{
	put16(to, val >> 16);
	put16(to + 2, val & 0xFFFF);
}

/* RFC 1071, of an even number of bytes but the last time. */
static uint32_t add_sum(uint32_t sum, const uint8_t *data, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return sum;
}

struct tpmix_pcap *tpmix_pcap_open(const char *path, GError **error)
{
	/* The file is in the machine's byte order: its magic says so. */
	const uint32_t magic = 0xA1B23C4D; /* times in nanoseconds */
	const uint16_t version[2] = { 2, 4 };
	const uint32_t rest[4] = { 0, 0, 65535, LINKTYPE_RAW };
	struct tpmix_pcap *p;
	FILE *file = fopen(path, "we");

	if (!file) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG,
			    "trace: %s: %s: give a file that can be written", path,
			    g_strerror(errno));
		return NULL;
	}
	fwrite(&magic, sizeof(magic), 1, file);
	fwrite(version, sizeof(version), 1, file);
	fwrite(rest, sizeof(rest), 1, file);
	p = g_new0(struct tpmix_pcap, 1);
	p->file = file;
	p->path = g_strdup(path);
	p->seq[0] = p->seq[1] = 1;
	return p;
}

void tpmix_pcap_close(struct tpmix_pcap *p)
{
	bool bad = ferror(p->file);

	if (fclose(p->file) || bad)
		tpmix_log(TPMIX_LOG_WARNING, "%s: %s: the capture has a gap",
			  p->path, g_strerror(errno));
	g_free(p->path);
	g_free(p);
}

/* The locality is the last byte of the host's address: 127.0.0.1 for 0. */
static void make_headers(struct tpmix_pcap *p, bool response, unsigned int locality,
			 const uint8_t *data, uint32_t len,
			 uint8_t to[IP_SIZE + TCP_SIZE])
{
	uint8_t *ip = to, *tcp = to + IP_SIZE, pseudo[4] = { 0, 6 };
	uint32_t sum;

	memset(to, 0, IP_SIZE + TCP_SIZE);
	ip[0] = 0x45;
	put16(ip + 2, IP_SIZE + TCP_SIZE + len);
	ip[6] = 0x40; /* don't fragment */
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, 0x7F000001 + (response ? 0 : locality));
	put32(ip + 16, 0x7F000001 + (response ? locality : 0));
	put16(ip + 10, ~add_sum(0, ip, IP_SIZE));

	put16(tcp, response ? PORT_TPM : PORT_US);
	put16(tcp + 2, response ? PORT_US : PORT_TPM);
	put32(tcp + 4, p->seq[response]);
	put32(tcp + 8, p->seq[!response]);
	tcp[12] = (TCP_SIZE / 4) << 4;
	tcp[13] = 0x18; /* PSH, ACK */
	put16(tcp + 14, 65535);
	put16(pseudo + 2, TCP_SIZE + len);
	sum = add_sum(0, ip + 12, 8);
	sum = add_sum(sum, pseudo, sizeof(pseudo));
	sum = add_sum(sum, tcp, TCP_SIZE);
	put16(tcp + 16, ~add_sum(sum, data, len));
	p->seq[response] += len;
}

void tpmix_pcap_add(struct tpmix_pcap *p, bool response, unsigned int locality,
		    const uint8_t *data, uint32_t len)
{
	uint8_t head[IP_SIZE + TCP_SIZE];
	gint64 now_us = g_get_real_time();
	uint32_t size = sizeof(head) + len;
	uint32_t record[4] = {
		(uint32_t)(now_us / G_USEC_PER_SEC),
		(uint32_t)(now_us % G_USEC_PER_SEC) * 1000, size, size,
	};

	make_headers(p, response, locality, data, len, head);
	fwrite(record, sizeof(record), 1, p->file);
	fwrite(head, sizeof(head), 1, p->file);
	fwrite(data, len, 1, p->file);
	fflush(p->file);
}
