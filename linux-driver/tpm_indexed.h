/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module tpm_indexed share.
 *
 * Locking: the TPM core calls every operation of struct tpm_class_ops with
 * chip->tpm_mutex held (tpm_try_get_ops(), cancel from sysfs included), or when
 * nobody else can (probe, resume, shutdown, unregister). It protects struct
 * tpmix_dev and the device's registers; the driver has no lock of its own.
 */
#ifndef TPM_INDEXED_H
#define TPM_INDEXED_H

#include <linux/device.h>
#include <linux/tpm.h>
#include <linux/types.h>

#include "tpmix_regs.h"

/*
 * Exported by the TPM core to its drivers, but declared in the private
 * drivers/char/tpm/tpm.h, which no kernel header package has. As in Linux 6.1
 * and 6.12; scripts/driver.sh lint compares these with the kernel's own.
 */
struct tpm_chip *tpmm_chip_alloc(struct device *pdev,
				 const struct tpm_class_ops *ops);
int tpm_chip_start(struct tpm_chip *chip);
void tpm_chip_stop(struct tpm_chip *chip);
int tpm_chip_register(struct tpm_chip *chip);
void tpm_chip_unregister(struct tpm_chip *chip);
int tpm2_probe(struct tpm_chip *chip);
int tpm1_do_selftest(struct tpm_chip *chip);
int tpm_pm_suspend(struct device *dev);
int tpm_pm_resume(struct device *dev);

enum tpmix_door {
	TPMIX_DOOR_AUTO,	/* module parameter only */
	TPMIX_DOOR_INDEXED,
	TPMIX_DOOR_FIFO,
};

/**
 * struct tpmix_dev - one TPM; only locality 0 is used
 * @dev: the platform or PNP device
 * @regs: page of locality 0
 * @door: INDEXED or FIFO, for the life of the binding
 * @bufsize: negotiated size of commands and responses, bytes
 * @window: offset of the window in @regs, a multiple of 8
 * @window_size: its size in bytes, a multiple of 8
 * @version: TPMIX_REG_VERSION
 * @ticket: of the last command sent. Counted here, not read back, so that a
 *	machine rolled back to any point of a transaction names the same command
 * @cmd_csum: checksum of that command
 * @done: send() saw the completion; @rsp_size and @csum are the response's
 * @rsp_size: TPMIX_REG_RSP_SIZE as read with the last TPMIX_REG_COMPLETED
 * @csum: TPMIX_REG_CSUM as last read
 */
struct tpmix_dev {
	struct device *dev;
	void __iomem *regs;
	enum tpmix_door door;

	/* the discovery block, constant */
	u32 bufsize;
	u32 window;
	u32 window_size;
	u32 version;

	/* the transaction */
	u32 ticket;
	u16 cmd_csum;
	bool done;
	u32 rsp_size;
	u32 csum;
};

extern const struct tpm_class_ops tpmix_indexed_ops;
extern const struct tpm_class_ops tpmix_fifo_ops;

/*
 * Both doors answer status() in the words of TPM_STS, so that one mask and one
 * rule for "cancelled" serve both.
 */
#define TPMIX_STS_COMPLETE	((u8)(TPM_STS_VALID | TPM_STS_DATA_AVAIL))
#define TPMIX_STS_CANCELED	((u8)TPM_STS_COMMAND_READY)

bool tpmix_req_canceled(struct tpm_chip *chip, u8 status);
int tpmix_request_locality(struct tpm_chip *chip, int loc);
int tpmix_relinquish_locality(struct tpm_chip *chip, int loc);

/*
 * Reads the discovery block, in any state of the TPM. -ENODEV where there is
 * none that this driver can use.
 */
int tpmix_indexed_discover(struct tpmix_dev *ix);

/*
 * Takes over the device's count of tickets. Requires locality 0. For probe and
 * resume only: in between, counting ourselves is what makes a repetition safe.
 */
void tpmix_indexed_sync(struct tpmix_dev *ix);

#endif /* TPM_INDEXED_H */
