/* SPDX-License-Identifier: BSD-2-Clause */
#include "thread.h"

void tpmix_signals_block(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
}

void tpmix_signals_restore(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

GThread *tpmix_thread_new(const char *name, GThreadFunc func, gpointer data,
			  GError **error)
{
	GThread *thread;
	sigset_t saved;

	tpmix_signals_block(&saved);
	thread = g_thread_try_new(name, func, data, error);
	tpmix_signals_restore(&saved);
	return thread;
}
