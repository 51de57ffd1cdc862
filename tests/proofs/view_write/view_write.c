/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What RAM shows is brought up to date: no write changes a byte of the response that
 * is shown, unless with a ticket or a length by which tpmix_show() sees it
 * (view_show). lift_write: each write ends with tpmix_show(). Twin: without the ticket.
 */
#define OWN_SHOW
#define ANSWERS_AT_ONCE
#define TWIN_PLACE 7
#define CASES_PLACE 7
#define TWIN_LOCALITY 0
#include "place.h"
#include "view.h"

static void theorem(struct write w)
{
	note_shown();
	do_write(w);
	possible(e.s.rsp_owner == 0 && e.shown_len);
	tpmix_show(&e);
}
