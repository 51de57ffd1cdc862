/* SPDX-License-Identifier: BSD-2-Clause */
#include "turn.h"

struct tpmix_turn {
	char *name;
	unsigned int users;
	bool taken;
	GQueue places;          /* of those that wait: one byte each, for its address */
	GCond given;
};

static GMutex lock;             /* protects all below, and all turns */
static GHashTable *turns;       /* name: turn; NULL: there is none */

struct tpmix_turn *tpmix_turn_get(const char *name)
{
	struct tpmix_turn *t;

	g_mutex_lock(&lock);
	if (!turns)
		turns = g_hash_table_new(g_str_hash, g_str_equal);
	t = g_hash_table_lookup(turns, name);
	if (!t) {
		t = g_new0(struct tpmix_turn, 1);
		t->name = g_strdup(name);
		g_queue_init(&t->places);
		g_cond_init(&t->given);
		g_hash_table_insert(turns, t->name, t);
	}
	t->users++;
	g_mutex_unlock(&lock);
	return t;
}

void tpmix_turn_put(struct tpmix_turn *t)
{
	g_mutex_lock(&lock);
	if (--t->users == 0) {
		g_hash_table_remove(turns, t->name);
		if (!g_hash_table_size(turns))
			g_clear_pointer(&turns, g_hash_table_unref);
		g_cond_clear(&t->given);
		g_free(t->name);
		g_free(t);
	}
	g_mutex_unlock(&lock);
}

bool tpmix_turn_take(struct tpmix_turn *t, gpointer *place, gint64 end)
{
	bool mine;

	g_mutex_lock(&lock);
	if (!*place) {
		*place = g_malloc(1);
		g_queue_push_tail(&t->places, *place);
	}
	do
		mine = !t->taken && g_queue_peek_head(&t->places) == *place;
	while (!mine && g_cond_wait_until(&t->given, &lock, end));
	if (mine) {
		g_free(g_queue_pop_head(&t->places));
		*place = NULL;
		t->taken = true;
	}
	g_mutex_unlock(&lock);
	return mine;
}

void tpmix_turn_leave(struct tpmix_turn *t, gpointer *place)
{
	g_mutex_lock(&lock);
	g_queue_remove(&t->places, *place);
	g_clear_pointer(place, g_free);
	g_cond_broadcast(&t->given);
	g_mutex_unlock(&lock);
}

void tpmix_turn_give(struct tpmix_turn *t)
{
	g_mutex_lock(&lock);
	t->taken = false;
	g_cond_broadcast(&t->given);
	g_mutex_unlock(&lock);
}
