/* SPDX-License-Identifier: BSD-2-Clause */
#define tpmix_set_active real_set_active
#include "locality.c"
