// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two ways to the same buffers and registers: trapped, through INDEX and the
 * window of the register page, and through the windows in RAM, without an exit.
 * docs/specification.md, "Indexed door" and "Windows in RAM". Also what the
 * device tells about them, the discovery block.
 *
 * The windows are the device's memory, not registers: mapped as memory, cached
 * where the machine allows it (firmware's MTRRs may not), and shared with the
 * machine below us where it encrypts ours. The barriers are those for memory
 * that another CPU of the host writes, also where the guest has one CPU (virt_*).
 */
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/minmax.h>
#include <linux/platform_device.h>
#include <linux/pnp.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/barrier.h>

#include "tpmix_driver.h"

/* INDEX is written even where it should be right: a rollback moves it. */
static void tpmix_trapped_write(struct tpmix_dev *ix, const u8 *buf, size_t len)
{
	void __iomem *win = ix->ext + ix->trap_at;
	size_t at, off, n;
	__le64 v64;
	__le32 v32;
	__le16 v16;

	for (at = 0; at < len; at += n, buf += n) {
		n = min_t(size_t, len - at, ix->trap_size);
		writel(at, ix->ext + TPMIX_REG_INDEX);

		for (off = 0; n - off >= sizeof(v64); off += sizeof(v64)) {
			memcpy(&v64, buf + off, sizeof(v64));
			writeq(le64_to_cpu(v64), win + off);
		}
		if (n - off >= sizeof(v32)) {
			memcpy(&v32, buf + off, sizeof(v32));
			writel(le32_to_cpu(v32), win + off);
			off += sizeof(v32);
		}
		if (n - off >= sizeof(v16)) {
			memcpy(&v16, buf + off, sizeof(v16));
			writew(le16_to_cpu(v16), win + off);
			off += sizeof(v16);
		}
		if (n - off)
			writeb(buf[off], win + off);
	}
}

static u64 tpmix_trapped_read(struct tpmix_dev *ix, u32 reg)
{
	return readq(ix->ext + reg);
}

static void tpmix_trapped_response(struct tpmix_dev *ix, u8 *buf, size_t size)
{
	void __iomem *win = ix->ext + ix->trap_at;
	size_t at, off, n;
	__le64 val;

	for (at = 0; at < size; at += n) {
		n = min_t(size_t, size - at, ix->trap_size);
		writel(at, ix->ext + TPMIX_REG_INDEX);
		/* One read past the end is fewer exits than its bytes one by one. */
		for (off = 0; off < n; off += sizeof(val)) {
			val = cpu_to_le64(readq(win + off));
			memcpy(buf + at + off, &val,
			       min_t(size_t, n - off, sizeof(val)));
		}
	}
}

const struct tpmix_way tpmix_trapped = {
	.write = tpmix_trapped_write,
	.read = tpmix_trapped_read,
	.response = tpmix_trapped_response,
};

/*
 * The doorbell that follows is a writeq(), before which all stores to memory are
 * done: memory-barriers.txt, "KERNEL I/O BARRIER EFFECTS".
 */
static void tpmix_window_write(struct tpmix_dev *ix, const u8 *buf, size_t len)
{
	memcpy(ix->cmd, buf, len);
}

static u64 tpmix_window_read(struct tpmix_dev *ix, u32 reg)
{
	const __le32 *p = (const __le32 *)(ix->header + reg);
	u32 lo, hi;

	/*
	 * The device stores each register at once and COMPLETED last. Acquire:
	 * what it stored before, the next register and the response, is read
	 * after this.
	 */
	lo = le32_to_cpu(virt_load_acquire(p));
	hi = le32_to_cpu(READ_ONCE(p[1]));
	return (u64)hi << 32 | lo;
}

/* One copy, checked as a copy: the memory may change, the locality be lost. */
static void tpmix_window_response(struct tpmix_dev *ix, u8 *buf, size_t size)
{
	memcpy(buf, ix->rsp, size);
	/* What is read of the header after a difference is not older than this. */
	virt_rmb();
}

const struct tpmix_way tpmix_window = {
	.write = tpmix_window_write,
	.read = tpmix_window_read,
	.response = tpmix_window_response,
	.free_poll = true,
};

/* Sizes and places that can be right; the rest is tpmix_map_windows(). */
static bool tpmix_windows_offered(struct tpmix_dev *ix, u32 cap)
{
	const struct tpmix_windows *ram = &ix->ram;

	return cap & TPMIX_CAP_RAM && ram->size >= ix->bufsize &&
	       ram->size <= SZ_64K && PAGE_ALIGNED(ram->cmd) &&
	       PAGE_ALIGNED(ram->rsp) && PAGE_ALIGNED(ram->header);
}

int tpmix_discover(struct tpmix_dev *ix)
{
	const u32 caps = TPMIX_CAP_INDEX | TPMIX_CAP_TICKET | TPMIX_CAP_CSUM;
	u32 cap, window;

	if (readl(ix->ext + TPMIX_REG_MAGIC) != TPMIX_MAGIC)
		return -ENODEV;

	ix->version = readl(ix->ext + TPMIX_REG_VERSION);
	cap = readl(ix->ext + TPMIX_REG_CAP);
	ix->edge = cap & TPMIX_CAP_INT;
	ix->bufsize = readl(ix->ext + TPMIX_REG_BUFSIZE);
	window = readl(ix->ext + TPMIX_REG_WINDOW);
	ix->trap_at = window & 0xFFFF;
	ix->trap_size = window >> 16;

	if (TPMIX_VERSION_MAJOR(ix->version) !=
	    TPMIX_VERSION_MAJOR(TPMIX_VERSION_1_0) ||
	    (cap & caps) != caps)
		goto out;
	if (ix->bufsize < TPM_HEADER_SIZE || ix->bufsize > SZ_64K)
		goto out;
	/* Between the registers of TIS, and whole 8-byte accesses. */
	if (!ix->trap_size || (ix->trap_at | ix->trap_size) % sizeof(u64) ||
	    ix->trap_at < TPM_REG_XDATA_FIFO_END ||
	    ix->trap_at > TPM_REG_DID_VID ||
	    ix->trap_size > TPM_REG_DID_VID - ix->trap_at)
		goto out;

	ix->ram.size = readl(ix->ext + TPMIX_REG_RAM_SIZE);
	ix->ram.cmd = readq(ix->ext + TPMIX_REG_CMD_WINDOW);
	ix->ram.rsp = readq(ix->ext + TPMIX_REG_RSP_WINDOW);
	ix->ram.header = readq(ix->ext + TPMIX_REG_HEADER);
	if (!tpmix_windows_offered(ix, cap))
		ix->ram.size = 0;
	return 0;
out:
	dev_warn(ix->dev,
		 "unusable indexed door: version %#x cap %#x size %u window %#x\n",
		 ix->version, cap, ix->bufsize, window);
	return -ENODEV;
}

struct resource *tpmix_resource(struct device *dev, unsigned int n)
{
	if (dev_is_platform(dev))
		return platform_get_resource(to_platform_device(dev),
					     IORESOURCE_MEM, n);
	return pnp_get_resource(to_pnp_dev(dev), IORESOURCE_MEM, n);
}

int tpmix_request_region(struct tpmix_dev *ix, u64 addr, size_t size)
{
	struct resource *res;
	unsigned int n;

	for (n = 0; (res = tpmix_resource(ix->dev, n)); n++) {
		/*
		 * Firmware may describe the standard's registers alone. The rest
		 * of the device's space is behind them.
		 */
		u64 end = max_t(u64, res->end + 1,
				n ? 0 : res->start + TPMIX_SPACE_SIZE);

		if (addr < res->start || addr >= end || size > end - addr)
			continue;
		if (!devm_request_mem_region(ix->dev, addr, size,
					     dev_name(ix->dev)))
			return -EBUSY;
		return 0;
	}
	return -ENODEV;
}

static void *tpmix_map(struct tpmix_dev *ix, u64 addr, size_t size)
{
	int rc = tpmix_request_region(ix, addr, size);

	if (rc)
		return ERR_PTR(rc);
	return devm_memremap(ix->dev, addr, size, MEMREMAP_WB | MEMREMAP_DEC);
}

int tpmix_map_windows(struct tpmix_dev *ix)
{
	u8 *header, *cmd, *rsp;

	if (!ix->ram.size)
		return -ENODEV;
	header = tpmix_map(ix, ix->ram.header, TPMIX_HEADER_PAGE_SIZE);
	if (IS_ERR(header))
		return PTR_ERR(header);
	cmd = tpmix_map(ix, ix->ram.cmd, ix->ram.size);
	if (IS_ERR(cmd))
		return PTR_ERR(cmd);
	rsp = tpmix_map(ix, ix->ram.rsp, ix->ram.size);
	if (IS_ERR(rsp))
		return PTR_ERR(rsp);

	ix->header = header;
	ix->cmd = cmd;
	ix->rsp = rsp;
	return 0;
}

/*
 * ACCEPTED and STATUS as memory shows them before and after the registers are read:
 * the end of a command in between changes them once, and so agrees with one of the
 * two.
 */
bool tpmix_windows_work(struct tpmix_dev *ix)
{
	u64 before, regs, after;

	before = tpmix_window_read(ix, TPMIX_REG_ACCEPTED);
	regs = tpmix_trapped_read(ix, TPMIX_REG_ACCEPTED);
	after = tpmix_window_read(ix, TPMIX_REG_ACCEPTED);
	return lower_32_bits(tpmix_window_read(ix, TPMIX_REG_MAGIC)) ==
	       TPMIX_MAGIC && (before == regs || after == regs);
}
