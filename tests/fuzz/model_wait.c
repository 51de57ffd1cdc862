/* SPDX-License-Identifier: BSD-2-Clause */
/* START and tpmGo that wait: the page's "CRB door", and what holds of every door. */
#include "model_parts.h"

/* START, tpmGo: what was accepted so far is not the answer to it. */
void ask(struct model *m, int p)
{
	m->page[p].asked = true;
	m->page[p].asked_at = m->accepted;
}

/* The last one, but for one that gave up its own command, which runs. */
void wait_for_end(struct model *m, int p)
{
	if (m->waits == MODEL_NOBODY || !runs(m, m->waits)) {
		m->waits = p;
	}
}

/* "never finds an earlier command's response as its answer" */
bool model_answers_another(const struct model *m)
{
	const struct model_response *r = m->response;

	return r && m->page[r->owner].asked &&
	       (int32_t)(r->ticket - m->page[r->owner].asked_at) <= 0;
}

/* cmdReady, goIdle, commandReady: nobody waits for an answer any more. */
void withdraw(struct model *m, int p)
{
	m->page[p].asked = false;
	if (m->waits == p) {
		m->waits = MODEL_NOBODY;
	}
}
