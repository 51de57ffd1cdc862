/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module tpmix share.
 *
 * Locking. The TPM core calls the operations of struct tpm_class_ops
 *
 *  - for whoever uses the TPM with chip->ops_sem held for reading and
 *    chip->tpm_mutex held: tpm_try_get_ops();
 *  - at shutdown and unregistration with chip->ops_sem held for writing, and
 *    without the mutex (tpm_class_shutdown, tpm_del_char_device);
 *  - while it registers the chip with neither, as nobody else has it yet.
 *
 * What comes from elsewhere (work, suspend, resume) takes tpmix_lock(),
 * which excludes all of them. So struct tpmix_dev and the device's registers are
 * protected, and the driver has no lock of its own. The exceptions are @generation,
 * which the notifier of a restored machine counts, and @edges, which the interrupt
 * does; that one also reads the header page, by @way.
 */
#ifndef TPMIX_DRIVER_H
#define TPMIX_DRIVER_H

#include <linux/device.h>
#include <linux/notifier.h>
#include <linux/tpm.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

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
int tpm1_do_selftest(struct tpm_chip *chip);
unsigned long tpm_calc_ordinal_duration(struct tpm_chip *chip, u32 ordinal);
int tpm_pm_suspend(struct device *dev);
int tpm_pm_resume(struct device *dev);

enum tpmix_door {
	TPMIX_DOOR_AUTO,	/* module parameter only */
	TPMIX_DOOR_WINDOW,
	TPMIX_DOOR_INDEXED,
	TPMIX_DOOR_FIFO,
};

struct tpmix_dev;

/**
 * struct tpmix_way - how the indexed door's bytes and registers are reached
 * @write: the command, all of it, to its buffer from byte 0 on
 * @read: the register at an offset of the vendor block and, in the upper half,
 *	the one after it, which is read no earlier than the first
 * @response: bytes of the response from 0 on; the caller checks them
 * @free_poll: @read makes no exit
 */
struct tpmix_way {
	void (*write)(struct tpmix_dev *ix, const u8 *buf, size_t len);
	u64 (*read)(struct tpmix_dev *ix, u32 reg);
	void (*response)(struct tpmix_dev *ix, u8 *buf, size_t size);
	bool free_poll;
};

extern const struct tpmix_way tpmix_trapped;
extern const struct tpmix_way tpmix_window;

enum tpmix_progress {
	TPMIX_RUNNING,		/* or not accepted */
	TPMIX_COMPLETED,
	TPMIX_LOST,		/* no response to our ticket is to be seen */
};

#define TPMIX_PACES	128	/* TPM 2.0 has its ordinals in a row; some share a place */

/**
 * struct tpmix_pace - how long commands took, in microseconds
 * @spin_us: how long to look for a short one without a pause
 * @least_us: of each ordinal about the least lately; several may share a place.
 *	0: none yet
 */
struct tpmix_pace {
	u32 spin_us;
	u32 least_us[TPMIX_PACES];
};

#define TPMIX_ALL_ONES	U32_MAX	/* any register while locality 0 is not active */

/**
 * struct tpmix_windows - the windows in RAM, as the device says
 * @size: of each of the two, bytes; 0: they cannot be used
 * @cmd: physical address of the command window
 * @rsp: of the response window
 * @header: of the header page
 */
struct tpmix_windows {
	u32 size;
	u64 cmd;
	u64 rsp;
	u64 header;
};

/**
 * struct tpmix_dev - one TPM; only locality 0 is used
 * @dev: the platform or PNP device
 * @chip: the TPM core's
 * @regs: page of locality 0: its FIFO or its CRB registers
 * @ext: page of locality 0 with the indexed door; @regs where TIS has both
 * @crb: the active interface is CRB
 * @tpm2: the family is 2.0, else 1.2
 * @door: WINDOW, INDEXED or FIFO, for the life of the binding
 * @bufsize: negotiated size of commands and responses, bytes
 * @trap_at: offset of the trapped window in @ext, a multiple of 8
 * @trap_size: its size in bytes, a multiple of 8
 * @version: TPMIX_REG_VERSION
 * @edge: the device has interrupts that CSUM_EXPECT asks for
 * @ram: where the windows in RAM are
 * @cmd: command window, mapped if @door is WINDOW
 * @rsp: response window
 * @header: header page
 * @way: to be tried first: trapped, or through the windows in RAM
 * @via: of the transaction: trapped once there was anything wrong
 * @ticket: of the last command sent. Counted here, not read back, so that a
 *	machine rolled back to any point of a transaction names the same command
 * @ordinal: of that command
 * @rung: when it was rung first
 * @looked: when the first look found it running; 0 where none did, as with most, and
 *	a clock may cost more than a look
 * @cmd_csum: its checksum
 * @done: completed at the first looks; @rsp_size and @csum are the response's
 * @rsp_size: TPMIX_REG_RSP_SIZE as read with the last TPMIX_REG_COMPLETED
 * @csum: TPMIX_REG_CSUM as last read
 * @stop: the transaction's deadline in jiffies, for all that the driver waits for
 * @duration: what the command itself may take, jiffies
 * @pace: how long commands took
 * @irq: the interrupt's number; 0: none
 * @edges: how often it came
 * @wait: for the interrupt
 * @vmfork: counts @generation
 * @generation: how often the machine was restored or forked, as far as it said so
 * @counted: the generation in which @ticket was counted
 * @may_hold: the chip is registered and in use: the locality may be kept
 * @held: the core released the locality, but the device has not been told
 * @release: tells it, when another locality asks
 */
struct tpmix_dev {
	struct device *dev;
	struct tpm_chip *chip;
	void __iomem *regs;
	void __iomem *ext;
	bool crb;
	bool tpm2;
	enum tpmix_door door;

	/* the discovery block, constant from one TPM_INIT to the next */
	u32 bufsize;
	u32 trap_at;
	u32 trap_size;
	u32 version;
	bool edge;
	struct tpmix_windows ram;

	u8 *cmd;
	const u8 *rsp;
	const u8 *header;

	/* the transaction */
	const struct tpmix_way *way;
	const struct tpmix_way *via;
	u32 ticket;
	u32 ordinal;
	ktime_t rung;
	ktime_t looked;
	u16 cmd_csum;
	bool done;
	u32 rsp_size;
	u32 csum;
	unsigned long stop;
	unsigned long duration;

	/* tpmix_wait.c */
	struct tpmix_pace pace;
	int irq;
	unsigned int edges;
	wait_queue_head_t wait;

	struct notifier_block vmfork;
	u32 generation;
	u32 counted;

	/* tpmix_locality.c */
	bool may_hold;
	bool held;
	struct work_struct release;
};

/* tpmix_door.c */
extern const struct tpm_class_ops tpmix_indexed_ops;

/* COMPLETED and RSP_SIZE as they are now: step 4 of a transaction. */
enum tpmix_progress tpmix_read_progress(struct tpmix_dev *ix);

/*
 * Flags of a chip with tpmix_indexed_ops: send() waits for the response itself, and
 * where the kernel takes it from send() it also returns it.
 */
#ifdef TPMIX_SEND_SYNC
#define TPMIX_CHIP_FLAGS	TPM_CHIP_FLAG_SYNC
#else
#define TPMIX_CHIP_FLAGS	TPM_CHIP_FLAG_IRQ
#endif

/* tpmix_wait.c: the policy, which knows times only */

/* Predicted to be one to sleep for. */
bool tpmix_is_long(const struct tpmix_pace *p, u32 ordinal);

/* How long to look without a pause, after the first look; 0: no more. */
u32 tpmix_spin_us(const struct tpmix_pace *p, u32 ordinal);

/* How long to sleep next, @waited_us having passed; @interrupt: it may come. */
u32 tpmix_nap_us(const struct tpmix_pace *p, u32 ordinal, u32 waited_us, bool interrupt);

/*
 * A command took so long, @looked_us of it after a first look that found it running,
 * until its end was seen.
 */
void tpmix_learn(struct tpmix_pace *p, u32 ordinal, u32 took_us, u32 looked_us);

/* tpmix_wait.c: what it drives */

void tpmix_wait_init(struct tpmix_dev *ix);

/* Once tpmix_discover() is through; the interrupt is used if firmware names it. */
void tpmix_request_irq(struct tpmix_dev *ix);

/* Looks until the command is over, @limit_us or somebody else wants the CPU. */
enum tpmix_progress tpmix_spin(struct tpmix_dev *ix, u32 limit_us);

/* For @us, or until there is another interrupt than the @edges that were counted. */
void tpmix_sleep(struct tpmix_dev *ix, u32 us, unsigned int edges);

/* tpmix_fifo.c */
extern const struct tpm_class_ops tpmix_fifo_ops;

/*
 * How long a command is waited for that was running when the driver came, and that
 * does not heed its cancellation. Which one it is cannot be read (R5); this is what
 * the core allows for any command that it does not know.
 */
#define TPMIX_SETTLE_MS		120000

/*
 * With locality 0, at probe and resume. A command may be running that nobody here
 * sent, of a kernel that crashed or was replaced: it is cancelled and waited for.
 * Then the indexed door takes over the device's count of tickets; in between,
 * counting ourselves is what makes a repetition safe. -ETIME, -EIO.
 */
int tpmix_indexed_settle(struct tpm_chip *chip);
int tpmix_fifo_settle(struct tpm_chip *chip);

/* tpmix_locality.c */

/*
 * Waits for the device's registers and finds out which interface is active.
 * -ENODEV where there is none.
 */
int tpmix_interface(struct tpmix_dev *ix);
void tpmix_interrupts_off(struct tpmix_dev *ix);
int tpmix_request_locality(struct tpm_chip *chip, int loc);

/*
 * Asks for the locality until it is active, @stop (jiffies) has come or a fatal
 * signal: -EBUSY, and it is not asked for any more.
 */
int tpmix_wait_granted(struct tpmix_dev *ix, unsigned long stop);
int tpmix_relinquish_locality(struct tpm_chip *chip, int loc);

/*
 * @stop (jiffies) has come, or a fatal signal: whoever waits gives up after one more
 * look, as the machine may have stood still since the last one.
 */
bool tpmix_give_up(unsigned long stop);

/* Excludes every operation that the core calls. */
void tpmix_lock(struct tpmix_dev *ix);
void tpmix_unlock(struct tpmix_dev *ix);

/* Another locality asks for ours: shown in RAM, and false where it is not. */
bool tpmix_is_wanted(struct tpmix_dev *ix);

/*
 * Keeping the locality between commands, which must not be before the chip is
 * registered, while it is suspended, or once it begins to go away. After
 * tpmix_hold_end() it is not kept. Both take tpmix_lock().
 */
void tpmix_locality_init(struct tpmix_dev *ix);
void tpmix_hold_begin(struct tpmix_dev *ix);
void tpmix_hold_end(struct tpmix_dev *ix);

/* tpmix_way.c */

/*
 * Reads the discovery block, in any state of the TPM. -ENODEV where there is
 * none that this driver can use.
 */
int tpmix_discover(struct tpmix_dev *ix);

/*
 * Maps the windows in RAM, which tpmix_discover() found. -ENODEV where there are
 * none, or none inside what ACPI says is the device's.
 */
int tpmix_map_windows(struct tpmix_dev *ix);

/* Requires locality 0: whether the windows show what the registers say. */
bool tpmix_windows_work(struct tpmix_dev *ix);

/* The device's memory resource number @n, or NULL. */
struct resource *tpmix_resource(struct device *dev, unsigned int n);

/*
 * Requests the region for the device. -ENODEV where firmware does not give all of it
 * to the device: an address from its registers alone could name any memory of this
 * machine. -EBUSY where another driver has it.
 */
int tpmix_request_region(struct tpmix_dev *ix, u64 addr, size_t size);

/* tpmix_takeover.c */

#define TPMIX_HID_TIS	"QEMU0021"
#define TPMIX_HID_CRB	"QEMU0022"
#define TPMIX_OF_TIS	"qemu,tpm-tis-indexed"
#define TPMIX_OF_CRB	"qemu,tpm-crb-ext"

/*
 * Finds the device and, as the parameter "takeover" says, releases the stock driver that
 * has it. To be called before our drivers are registered. -EINVAL or -EBUSY where it is
 * not ours to take; the reason has been logged.
 */
int tpmix_takeover(void);

/* Gives a device that nobody has to the stock drivers, if it was taken. */
void tpmix_hand_back(void);

/* Nothing is found any more. */
void tpmix_forget(void);

/*
 * True if a driver is bound to the ACPI device itself, as tpm_crb before Linux 7;
 * logged.
 */
bool tpmix_taken(struct device *dev);

#endif /* TPMIX_DRIVER_H */
