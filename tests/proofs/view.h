/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When tpmix_show() (engine/ram.c) may leave the bytes it has shown as they are: it
 * does where length and ticket did not change. This tpmix_show() claims that the
 * response did not either. OWN_SHOW goes before proof.h.
 */
#ifndef VIEW_H
#define VIEW_H

static uint8_t shown_k; /* the byte of rsp at k when it was shown */
static struct snapshot at_show;

static void note_shown(void)
{
	e.shown_len = tpmix_readable(&e, 0);
	e.shown_ticket = e.s.accepted;
	shown_k = rsp.at_k;
	at_show = snapshot();
}

void tpmix_show(struct tpmix *m)
{
	uint32_t len = tpmix_readable(m, 0);

#ifdef TWIN
	if (len == m->shown_len) {
#else
	if (len == m->shown_len && (!len || m->shown_ticket == m->s.accepted)) {
#endif
		assert(k >= len || rsp.at_k == shown_k);
	}
	note_shown();
}

void tpmix_show_all(struct tpmix *m)
{
	(void)m;
	note_shown();
}

#endif /* VIEW_H */
