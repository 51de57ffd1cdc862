// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test in the guest: commands larger than the 4096 bytes that the TPM core's own
 * users and /dev/tpm0 can send, through the operations that the driver gives it.
 *
 *	insmod tpm_large.ko size=8192 count=10
 *
 * loads where the first TPM took @count commands of @size bytes, answered each with
 * as many right ones, and refused one of @size + 1 bytes with -E2BIG; @size is what
 * device and TPM have negotiated. The TPM is tests/guest/tpm_double.c.
 */
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tpm.h>

#define CC_INVERT	0x20000001	/* tpm_double.c */
#define BODY		(TPM_HEADER_SIZE + 4)

static unsigned int size = 8192;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "Bytes of a command and its response");

static unsigned int count = 1;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "Number of commands");

static u32 fnv1a(const u8 *data, size_t len)
{
	u32 hash = 2166136261u;

	while (len--)
		hash = (hash ^ *data++) * 16777619u;
	return hash;
}

static void fill(u8 *buf, size_t len, unsigned int nth)
{
	struct tpm_header *header = (struct tpm_header *)buf;
	size_t i;

	header->tag = cpu_to_be16(0x8001);
	header->length = cpu_to_be32(len);
	header->ordinal = cpu_to_be32(CC_INVERT);
	for (i = TPM_HEADER_SIZE; i < len; i++)
		buf[i] = i * 7 + (i >> 8) * 13 + nth;
}

/*
 * As tpm_try_transmit() of the TPM core, which stops at TPM_BUFSIZE, with a driver that
 * waits in send() itself.
 */
static int transmit(struct tpm_chip *chip, u8 *buf, size_t len, size_t max)
{
#ifdef TPMIX_SEND_SYNC
	return chip->ops->send(chip, buf, max, len);
#else
	return chip->ops->send(chip, buf, len) ?: chip->ops->recv(chip, buf, max);
#endif
}

static int check(struct tpm_chip *chip, const u8 *cmd, u8 *buf)
{
	__be32 hash;
	size_t i;
	int rc;

	memcpy(buf, cmd, size);
	rc = transmit(chip, buf, size, size);
	if (rc != size) {
		dev_err(&chip->dev, "large: %u bytes sent, got %d\n", size, rc);
		return rc < 0 ? rc : -EIO;
	}
	memcpy(&hash, buf + TPM_HEADER_SIZE, sizeof(hash));
	if (be32_to_cpu(hash) != fnv1a(cmd, size)) {
		dev_err(&chip->dev, "large: the TPM had another command\n");
		return -EIO;
	}
	for (i = BODY; i < size; i++) {
		if (buf[i] != (u8)~cmd[i]) {
			dev_err(&chip->dev, "large: byte %zu is wrong\n", i);
			return -EIO;
		}
	}
	return 0;
}

static int run(struct tpm_chip *chip, u8 *cmd, u8 *buf)
{
	unsigned int i;
	int rc;

	for (i = 0; i < count; i++) {
		/* As for every command of the core: it takes the locality. */
		rc = tpm_try_get_ops(chip);
		if (rc)
			return rc;
		fill(cmd, size, i);
		rc = check(chip, cmd, buf);
		tpm_put_ops(chip);
		if (rc)
			return rc;
	}

	rc = tpm_try_get_ops(chip);
	if (rc)
		return rc;
	fill(buf, size + 1, i);
	rc = transmit(chip, buf, size + 1, size + 1);
	tpm_put_ops(chip);
	if (rc != -E2BIG) {
		dev_err(&chip->dev, "large: %u bytes sent, got %d\n", size + 1, rc);
		return rc < 0 ? rc : -EIO;
	}
	dev_info(&chip->dev, "large: %u commands of %u bytes\n", count, size);
	return 0;
}

static int __init tpm_large_init(void)
{
	struct tpm_chip *chip;
	u8 *cmd, *buf;
	int rc = -ENOMEM;

	if (size < BODY || size > SZ_1M)
		return -EINVAL;
	chip = tpm_default_chip();
	if (!chip)
		return -ENODEV;
	cmd = kvmalloc(size, GFP_KERNEL);
	buf = kvmalloc(size + 1, GFP_KERNEL);
	if (cmd && buf)
		rc = run(chip, cmd, buf);
	kvfree(buf);
	kvfree(cmd);
	put_device(&chip->dev);
	return rc;
}

static void __exit tpm_large_exit(void)
{
}

module_init(tpm_large_init);
module_exit(tpm_large_exit);
MODULE_DESCRIPTION("Test: TPM commands larger than 4096 bytes");
MODULE_AUTHOR("The QEMU replay-safe TPM project");
MODULE_LICENSE("GPL");
