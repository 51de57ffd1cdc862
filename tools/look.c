/* SPDX-License-Identifier: BSD-2-Clause */
#include "look.h"

#define REQUEST_TRIES   750     /* of a millisecond: TIMEOUT_A */

static uint32_t reg(const struct look *l, unsigned int locality, uint32_t off,
		    unsigned int size)
{
	return (uint32_t)tpmix_bus_read(l->bus,
					locality << TPMIX_LOCALITY_SHIFT | off, size);
}

static bool bus_ok(const struct look *l, GError **error)
{
	const GError *broken = tpmix_bus_error(l->bus);

	if (broken && error && !*error)
		*error = g_error_copy(broken);
	return !broken;
}

bool look_open(struct look *l, struct tpmix_bus *bus, GError **error)
{
	uint32_t id, access;

	*l = (struct look) { .bus = bus };
	id = reg(l, 0, TPM_REG_INTERFACE_ID, 4);
	access = reg(l, 0, TPM_REG_ACCESS, 1);
	if (!bus_ok(l, error))
		return false;
	if (access == 0xFF || !(access & TPM_ACCESS_REG_VALID_STS)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "no TPM at 0x%" G_GINT64_MODIFIER "x (reads 0x%02x): check address=",
			    tpmix_bus_base(bus), access);
		return false;
	}
	if (id != TPM_INTERFACE_ID_TPM12 &&
	    (id & TPM_INTF_ID_TYPE_MASK) == TPMIX_INTERFACE_CRB) {
		l->interface = TPMIX_INTERFACE_CRB;
		l->ext = TPMIX_EXT;
	}
	l->indexed = reg(l, 0, l->ext + TPMIX_REG_MAGIC, 4) == TPMIX_MAGIC;
	return bus_ok(l, error);
}

bool look_has_locality(const struct look *l, unsigned int locality)
{
	uint32_t val = reg(l, locality, TPM_REG_ACCESS, 1);

	return val != 0xFF && (val & TPM_ACCESS_REG_VALID_STS);
}

bool look_is_active(const struct look *l, unsigned int locality)
{
	if (l->interface == TPMIX_INTERFACE_CRB)
		return reg(l, locality, TPM_REG_LOC_STS, 4) & TPM_LOC_STS_GRANTED;
	return reg(l, locality, TPM_REG_ACCESS, 1) & TPM_ACCESS_ACTIVE_LOCALITY;
}

bool look_page(const struct look *l, enum fields_group group, unsigned int locality,
	       uint32_t *page)
{
	*page = locality << TPMIX_LOCALITY_SHIFT;
	switch (group) {
	case FIELDS_FIFO:
		return l->interface == TPMIX_INTERFACE_FIFO;
	case FIELDS_CRB:
		return l->interface == TPMIX_INTERFACE_CRB;
	default:
		*page += l->ext;
		return l->indexed;
	}
}

bool look_request(const struct look *l, unsigned int locality, GError **error)
{
	uint32_t page = locality << TPMIX_LOCALITY_SHIFT;
	int i;

	if (l->interface == TPMIX_INTERFACE_CRB)
		tpmix_bus_write(l->bus, page | TPM_REG_LOC_CTRL,
				TPM_LOC_CTRL_REQUEST_ACCESS, 4);
	else
		tpmix_bus_write(l->bus, page | TPM_REG_ACCESS,
				TPM_ACCESS_REQUEST_USE, 1);
	for (i = 0; i < REQUEST_TRIES && bus_ok(l, error); i++) {
		if (look_is_active(l, locality))
			return true;
		tpmix_bus_wait(l->bus, 1000);
	}
	look_relinquish(l, locality);
	if (bus_ok(l, error))
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "locality %u is not granted: another user has the TPM, look without --request",
			    locality);
	return false;
}

void look_relinquish(const struct look *l, unsigned int locality)
{
	uint32_t page = locality << TPMIX_LOCALITY_SHIFT;

	if (l->interface == TPMIX_INTERFACE_CRB)
		tpmix_bus_write(l->bus, page | TPM_REG_LOC_CTRL,
				TPM_LOC_CTRL_RELINQUISH, 4);
	else
		tpmix_bus_write(l->bus, page | TPM_REG_ACCESS,
				TPM_ACCESS_ACTIVE_LOCALITY, 1);
}
