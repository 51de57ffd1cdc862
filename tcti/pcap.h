/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TPM commands and responses in a file that Wireshark opens: pcap, each one a TCP
 * segment to or from port 2321 of the TPM simulator, as the dissector wants it.
 */
#ifndef TPMIX_PCAP_H
#define TPMIX_PCAP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct tpmix_pcap;

struct tpmix_pcap *tpmix_pcap_open(const char *path, GError **error);
void tpmix_pcap_close(struct tpmix_pcap *pcap);

/* @response: else a command. Requires len <= 65535 - 58. */
void tpmix_pcap_add(struct tpmix_pcap *pcap, bool response, unsigned int locality,
		    const uint8_t *data, uint32_t len);

#endif /* TPMIX_PCAP_H */
