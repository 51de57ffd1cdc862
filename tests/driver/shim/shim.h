/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the sources of linux-driver/ need of the kernel, as of Linux 6.12, to be
 * compiled unmodified for user space. Every header of the kernel that they include
 * is this one. What has behaviour is in machine.c (accesses), guest.c (time, locks,
 * work), guest_bus.c (devices) and guest_core.c (the TPM core).
 *
 * One thread: what another CPU would do is done between two accesses.
 */
#ifndef SHIM_H
#define SHIM_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

/* types and attributes */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef uint16_t __le16, __be16;
typedef uint32_t __le32, __be32;
typedef uint64_t __le64;
typedef int64_t ktime_t;

#define __iomem
#define __init
#define __exit
#define __packed        __attribute__((packed))

#define KERNEL_VERSION(a, b, c) ((a) << 16 | (b) << 8 | (c))
#define LINUX_VERSION_CODE      KERNEL_VERSION(6, 12, 0)
#define IS_ENABLED(option)      1

/* arithmetic */
#define BIT(n)                  (1UL << (n))
#define SZ_4K                   0x1000u
#define SZ_64K                  0x10000u
#define PAGE_SIZE               0x1000UL
#define PAGE_ALIGNED(x)         (!((x) & (PAGE_SIZE - 1)))
#define U32_MAX                 UINT32_MAX
#define U64_MAX                 UINT64_MAX
#define USEC_PER_MSEC           1000L
#define ARRAY_SIZE(a)           (sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(c)         _Static_assert(!(c), #c)
#define lower_32_bits(x)        ((u32)(x))
#define upper_32_bits(x)        ((u32)((u64)(x) >> 32))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
/* As the kernel's, each argument once. No test has numbers from 1 << 63 on. */
static inline s64 shim_min(s64 a, s64 b)
{
	return a < b ? a : b;
}

static inline s64 shim_max(s64 a, s64 b)
{
	return a > b ? a : b;
}

#define min_t(type, a, b)       ((type)shim_min((s64)(type)(a), (s64)(type)(b)))
#define max_t(type, a, b)       ((type)shim_max((s64)(type)(a), (s64)(type)(b)))
#define min(a, b)               min_t(typeof(a), a, b)
#define max(a, b)               max_t(typeof(a), a, b)
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)
#define cpu_to_le64             htole64
#define le64_to_cpu             le64toh
#define le32_to_cpu             le32toh
#define le16_to_cpu             le16toh
#define be32_to_cpu             be32toh
#define be16_to_cpu             be16toh

u16 crc_ccitt(u16 crc, const u8 *buf, size_t len);

/* error pointers */
#define IS_ERR(p)               ((uintptr_t)(p) >= (uintptr_t)-4095)
#define PTR_ERR(p)              ((long)(p))
#define ERR_PTR(rc)             ((void *)(long)(rc))
#define IOMEM_ERR_PTR(rc)       ERR_PTR(rc)

/*
 * Accesses. Registers have their physical addresses as pointers, memory is the
 * engine's own; both are counted and meet faults.
 */
u64 shim_readl(uintptr_t addr, unsigned int size);
void shim_writel(u64 val, uintptr_t addr, unsigned int size);
u64 shim_load(const volatile void *p, unsigned int size);
void *shim_memcpy(void *to, const void *from, size_t n);

#define readb(a)        ((u8)shim_readl((uintptr_t)(a), 1))
#define readw(a)        ((u16)shim_readl((uintptr_t)(a), 2))
#define readl(a)        ((u32)shim_readl((uintptr_t)(a), 4))
#define readq(a)        shim_readl((uintptr_t)(a), 8)
#define writeb(v, a)    shim_writel(v, (uintptr_t)(a), 1)
#define writew(v, a)    shim_writel(v, (uintptr_t)(a), 2)
#define writel(v, a)    shim_writel(v, (uintptr_t)(a), 4)
#define writeq(v, a)    shim_writel(v, (uintptr_t)(a), 8)

#define READ_ONCE(x)            ((typeof(x))shim_load(&(x), sizeof(x)))
#define WRITE_ONCE(x, v)        ((x) = (v))
#define xchg(p, v)              __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define virt_load_acquire(p)    READ_ONCE(*(p))
#define virt_rmb()              ((void)0)
#define rmb()                   ((void)0)
#define memcpy(to, from, n)     shim_memcpy(to, from, n)

/* time: it passes with accesses and while somebody waits */
#define HZ                      250UL
s64 shim_now_us(void);
ktime_t shim_ktime(void);
void shim_wait_us(s64 us);
void shim_sleep_us(s64 us);
bool shim_fatal_signal(void);
bool shim_need_resched(void);

#define jiffies                 ((unsigned long)(shim_now_us() / 4000))
#define msecs_to_jiffies(ms)    (((unsigned long)(ms) * HZ + 999) / 1000)
#define usecs_to_jiffies(us)    (((unsigned long)(us) * HZ + 999999) / 1000000)
#define jiffies_to_usecs(j)     ((unsigned int)((j) * (1000000 / HZ)))
#define jiffies_to_msecs(j)     ((unsigned int)((j) * (1000 / HZ)))
#define time_after(a, b)        ((long)((b) - (a)) < 0)
#define time_before(a, b)       time_after(b, a)
#define time_after_eq(a, b)     ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b)    time_after_eq(b, a)
#define ktime_get()             shim_ktime()
#define ktime_us_delta(a, b)    (((a) - (b)) / 1000)
#define udelay(us)              shim_wait_us(us)
#define usleep_range(lo, hi)    shim_sleep_us((lo) + 0 * (hi))
#define fsleep(us)              shim_wait_us(us)
#define msleep(ms)              shim_wait_us((ms) * 1000L)
#define cpu_relax()             shim_wait_us(1)
#define NSEC_PER_USEC           1000L
#define ns_to_ktime(ns)         ((ktime_t)(ns))
#define current                 NULL
#define fatal_signal_pending(t) ((void)(t), shim_fatal_signal())
#define need_resched()          shim_need_resched()

#define read_poll_timeout(op, val, cond, sleep_us, timeout_us, first, ...) ({ \
	s64 shim_end = shim_now_us() + (s64)(timeout_us); \
	if (first) \
		shim_wait_us(sleep_us); \
	for (;;) { \
		(val) = op(__VA_ARGS__); \
		if (cond) \
			break; \
		if (shim_now_us() > shim_end) { \
			(val) = op(__VA_ARGS__); \
			break; \
		} \
		shim_wait_us(sleep_us); \
	} \
	(cond) ? 0 : -ETIMEDOUT; \
})
#define readb_poll_timeout(addr, val, cond, sleep_us, timeout_us) \
	read_poll_timeout(readb, val, cond, sleep_us, timeout_us, false, addr)
#define readl_poll_timeout(addr, val, cond, sleep_us, timeout_us) \
	read_poll_timeout(readl, val, cond, sleep_us, timeout_us, false, addr)

/* locks and work */
struct lock { int held; };
#define mutex lock
#define rw_semaphore lock
void shim_lock(struct lock *l);
void shim_unlock(struct lock *l);
void shim_assert_held(const struct lock *l);
#define mutex_lock              shim_lock
#define mutex_unlock            shim_unlock
#define down_read               shim_lock
#define up_read                 shim_unlock
#define down_write              shim_lock
#define up_write                shim_unlock
#define lockdep_assert_held     shim_assert_held

struct work_struct { void (*func)(struct work_struct *work); bool pending; };
#define INIT_WORK(w, f)         ((w)->func = (f))
bool schedule_work(struct work_struct *w);
bool cancel_work_sync(struct work_struct *w);

/* sleeping, until time has passed or an interrupt came */
typedef struct { int nobody; } wait_queue_head_t;
#define init_waitqueue_head(w)  ((void)(w))
#define wake_up(w)              ((void)(w))
#define wait_event_hrtimeout(wq, cond, timeout) ({ \
	s64 shim_end = shim_now_us() + (timeout) / 1000; \
	while (!(cond) && shim_now_us() < shim_end) \
		shim_wait_us(5); \
	(cond) ? 0 : -ETIME; \
})
unsigned int shim_cpus(void);
#define num_online_cpus()       shim_cpus()

/* devices */
struct attribute { const char *name; };
struct attribute_group { struct attribute **attrs; };
struct acpi_device_id { const char *id; unsigned long driver_data; };
struct of_device_id { const char *compatible; const void *data; };
struct pnp_device_id { char id[8]; unsigned long driver_data; };
struct dev_pm_ops;
enum probe_type { PROBE_FORCE_SYNCHRONOUS = 1 };

struct device_driver {
	const char *name;
	const struct acpi_device_id *acpi_match_table;
	const struct of_device_id *of_match_table;
	const struct attribute_group **dev_groups;
	const struct dev_pm_ops *pm;
	enum probe_type probe_type;
};

struct devres {
	struct devres *next;
	void (*action)(void *data);
	void *data;
};

struct device_node { const char *compatible; };

struct device {
	struct device_driver *driver;
	struct device_node *of_node;
	void *drvdata;
	struct devres *devres;
};

struct dev_pm_ops {
	int (*suspend)(struct device *dev);
	int (*resume)(struct device *dev);
};
#define DEFINE_SIMPLE_DEV_PM_OPS(name, s, r) \
	const struct dev_pm_ops name = { .suspend = (s), .resume = (r) }
#define pm_sleep_ptr(p)         (p)

struct device_attribute {
	struct attribute attr;
	ssize_t (*show)(struct device *dev, struct device_attribute *attr, char *buf);
};
#define DEVICE_ATTR_RO(n) \
	struct device_attribute dev_attr_##n = { { #n }, n##_show }
#define ATTRIBUTE_GROUPS(n) \
	static const struct attribute_group n##_group = { n##_attrs }; \
	static const struct attribute_group *n##_groups[] = { &n##_group, NULL }
#define sysfs_emit(buf, ...)    sprintf(buf, __VA_ARGS__)

#define dev_get_drvdata(d)      ((d)->drvdata)
#define dev_set_drvdata(d, p)   ((void)((d)->drvdata = (p)))
#define dev_name(d)             ((void)(d), "tpm")
#define dev_is_platform(d)      ((void)(d), true)

void shim_log(const char *level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
#define dev_err(d, ...)                 ((void)(d), shim_log("err", __VA_ARGS__))
#define dev_warn(d, ...)                ((void)(d), shim_log("warn", __VA_ARGS__))
#define dev_info(d, ...)                ((void)(d), shim_log("info", __VA_ARGS__))
#define dev_dbg(d, ...)                 ((void)(d), shim_log("debug", __VA_ARGS__))
#define dev_err_ratelimited             dev_err
#define dev_warn_ratelimited            dev_warn
#define dev_warn_once                   dev_warn
#define pr_err(...)                     shim_log("err", __VA_ARGS__)

#define GFP_KERNEL              0
void *devm_kzalloc(struct device *dev, size_t size, int flags);
int devm_add_action_or_reset(struct device *dev, void (*action)(void *), void *data);

struct resource { u64 start, end; };
#define IORESOURCE_MEM          0x200
#define resource_size(r)        ((r)->end - (r)->start + 1)
#define MEMREMAP_WB             1
#define MEMREMAP_DEC            2
void *devm_ioremap(struct device *dev, u64 start, u64 size);
void *devm_ioremap_resource(struct device *dev, const struct resource *res);
void *devm_request_mem_region(struct device *dev, u64 start, u64 size,
			      const char *name);
void *devm_memremap(struct device *dev, u64 start, size_t size, unsigned long flags);

struct platform_device { struct device dev; };
struct platform_driver {
	int (*probe)(struct platform_device *pdev);
	void (*remove)(struct platform_device *pdev);
	void (*shutdown)(struct platform_device *pdev);
	struct device_driver driver;
};
#define to_platform_device(d)   container_of(d, struct platform_device, dev)
struct resource *platform_get_resource(struct platform_device *pdev,
				       unsigned int type, unsigned int n);
int platform_driver_register(struct platform_driver *driver);
void platform_driver_unregister(struct platform_driver *driver);

typedef int irqreturn_t;
#define IRQ_HANDLED             1
int platform_get_irq_optional(struct platform_device *pdev, unsigned int n);
int devm_request_irq(struct device *dev, int irq, irqreturn_t (*handler)(int, void *),
		     unsigned long flags, const char *name, void *data);

struct pnp_dev { struct device dev; };
struct pnp_driver {
	const char *name;
	const struct pnp_device_id *id_table;
	int (*probe)(struct pnp_dev *dev, const struct pnp_device_id *id);
	void (*remove)(struct pnp_dev *dev);
	void (*shutdown)(struct pnp_dev *dev);
	struct device_driver driver;
};
#define to_pnp_dev(d)           container_of(d, struct pnp_dev, dev)
#define pnp_get_resource(d, type, n) ((void)(d), (void)(n), (struct resource *)NULL)
#define pnp_irq(d, n)           ((void)(d), -1)
#define pnp_register_driver(d)  ((void)(d), 0)
#define pnp_unregister_driver(d) ((void)(d))

typedef void *acpi_handle;
#define ACPI_HANDLE(d)          ((void)(d), (acpi_handle)NULL)
const struct of_device_id *of_match_node(const struct of_device_id *ids,
					 const struct device_node *node);
const struct acpi_device_id *acpi_match_device(const struct acpi_device_id *ids,
					       const struct device *dev);

/* modules */
void shim_param(const char *name, void *at);
#define module_param(n, type, mode) \
	__attribute__((constructor)) static void shim_param_##n(void) \
	{ \
		shim_param(#n, &(n)); \
	} \
	_Static_assert(sizeof(n), #n)
#define MODULE_PARM_DESC(n, s)          _Static_assert(1, s)
#define MODULE_DEVICE_TABLE(bus, t)     _Static_assert(1, #bus)
#define MODULE_DESCRIPTION(s)           _Static_assert(1, s)
#define MODULE_AUTHOR(s)                _Static_assert(1, s)
#define MODULE_SOFTDEP(s)               _Static_assert(1, s)
#define MODULE_LICENSE(s)               _Static_assert(1, s)
extern int (*shim_module_init)(void);
extern void (*shim_module_exit)(void);
#define module_init(f) \
	__attribute__((constructor)) static void shim_init(void) \
	{ \
		shim_module_init = f; \
	} \
	_Static_assert(1, #f)
#define module_exit(f) \
	__attribute__((constructor)) static void shim_exit(void) \
	{ \
		shim_module_exit = f; \
	} \
	_Static_assert(1, #f)

static inline int match_string(const char * const *names, size_t n, const char *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], s))
			return (int)i;
	return -EINVAL;
}

/* a machine that was restored or forked */
struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long event, void *data);
};
#define NOTIFY_DONE 0
int register_random_vmfork_notifier(struct notifier_block *nb);
int unregister_random_vmfork_notifier(struct notifier_block *nb);

/* tracepoints: counted */
void shim_trace(const char *name);
#define TP_PROTO(...)           __VA_ARGS__
#define TRACE_EVENT(n, proto, ...) \
	static inline __attribute__((unused)) void trace_##n(proto) \
	{ \
		shim_trace(#n); \
	} \
	_Static_assert(1, #n)
#define DECLARE_EVENT_CLASS(n, ...) _Static_assert(1, #n)
#define DEFINE_EVENT(cls, n, proto, args) TRACE_EVENT(n, proto)

/* the TPM core */
struct tpm_header {
	__be16 tag;
	__be32 length;
	union {
		__be32 ordinal;
		__be32 return_code;
	};
} __packed;
#define TPM_HEADER_SIZE         10
#define TPM_BUFSIZE             4096
#define TPM_CHIP_FLAG_TPM2      BIT(1)
#define TPM_CHIP_FLAG_IRQ       BIT(2)
#define TPM_CHIP_FLAG_SYNC      BIT(11)
#define TPM_OPS_AUTO_STARTUP    BIT(0)

struct tpm_chip;
struct tpm_class_ops {
	unsigned int flags;
	const u8 req_complete_mask;
	const u8 req_complete_val;
	bool (*req_canceled)(struct tpm_chip *chip, u8 status);
	int (*recv)(struct tpm_chip *chip, u8 *buf, size_t len);
#ifdef TPMIX_SEND_SYNC
	int (*send)(struct tpm_chip *chip, u8 *buf, size_t bufsiz, size_t len);
#else
	int (*send)(struct tpm_chip *chip, u8 *buf, size_t len);
#endif
	void (*cancel)(struct tpm_chip *chip);
	u8 (*status)(struct tpm_chip *chip);
	int (*request_locality)(struct tpm_chip *chip, int loc);
	int (*relinquish_locality)(struct tpm_chip *chip, int loc);
};

struct tpm_chip {
	struct device dev;
	struct rw_semaphore ops_sem;
	const struct tpm_class_ops *ops;
	struct mutex tpm_mutex;
	unsigned int flags;
	acpi_handle acpi_dev_handle;
	unsigned long timeout_a, timeout_b, timeout_c, timeout_d;
};

#endif /* SHIM_H */
