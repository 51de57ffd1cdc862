# SPDX-License-Identifier: BSD-2-Clause
"""What ./run bench guest prints: its tables."""

from bench_guest import COMMANDS, KERNELS, SHOWN, SIZES
from bench_machine import RSA
from bench_table import HEADS, four, part_of, percentile, table

CONDITIONS = {"mixed": "in turn with all the others",
              "busy": "host busy (a loop on each processor)",
              "2 contenders": "2 contenders", "4 contenders": "4 contenders",
              "rested": "the first command after 15 s of rest"}


def stock_of(result, results):
    """The stock device with its driver, same kernel; the pair is by interface."""
    device = "tpm-tis" if "tis" in result.row.device else "tpm-crb"
    return next(one for one in results if one.row.kernel == result.row.kernel and
                one.row.device == device and not one.row.sync)


def of_condition(results, kernel, condition, name, title):
    some = [one for one in results if one.row.kernel == kernel
            and name in one.samples.get(condition, {})]
    if not some:
        return
    rows = []
    for one in some:
        sample = one.samples[condition][name]
        base = stock_of(one, some).samples[condition][name]["times"]
        rows.append([one.row.title(), *(f"{time:.0f}" for time in four(sample["times"])),
                     f"{sample['processor'] / len(sample['times']):.0f}",
                     part_of(percentile(sample["times"], 50), percentile(base, 50))])
    size, num = some[0].samples[condition][name]["bytes"], len(sample["times"])
    table(f"{title}: {name}, {size} bytes, us; {num} each; part of stock",
          ["", *HEADS, "CPU", "p50"], rows)


def counts(results, kernel, name):
    table(f"Linux {kernel}: one {name}: traps; wake-ups and CPU (us) of QEMU and swtpm; CPU "
          "in the guest",
          ["", "reads", "writes", "wake-ups", "host CPU", "guest CPU"],
          [[one.row.title(), f"{cost['mmio-reads']:.1f}", f"{cost['mmio-writes']:.1f}",
            f"{cost['wakeups']:.1f}", f"{cost['host_us']:.0f}",
            f"{idle['processor'] / len(idle['times']):.0f}"]
           for one in results if one.row.kernel == kernel
           for cost, idle in [(one.counts[name], one.samples["idle"][name])]])


def rsa_share(result):
    """Of the guest's processor what waiting takes, in per cent of the command's time."""
    times = result.samples["idle"][RSA]["times"]
    return 100 * percentile(result.waits, 50) / percentile(times, 50)


def rsa(results, kernel):
    rows = []
    for one in results:
        if one.row.kernel == kernel:
            times = one.samples["idle"][RSA]["times"]
            rows.append([one.row.title(), f"{percentile(times, 50) / 1e3:.1f}",
                         f"{rsa_share(one):.1f} %", f"{percentile(one.late, 50):.0f}",
                         f"{max(one.late):.0f}"])
    table(f"Linux {kernel}: {RSA} (owner), ms; guest CPU of the wait; seen late by, us: p50, most",
          ["", "p50", "CPU", "late", "most"], rows)


def transfers(results):
    rows = []
    for one in results:
        sample = dict(one.samples["transfers"])
        sample.setdefault("4 KiB", sample.get("3968 B"))
        cells = [f"{time:.0f}" for size in SIZES if size in sample
                 for time in [percentile(sample[size]["times"], percent)
                              for percent in (50, 99)]]
        rows.append([one.row.title(), *cells, *["-"] * (2 * len(SIZES) - len(cells))])
    table("transfers there and back, us: p50 and p99 by size (tpm-crb: 3968 bytes for 4 KiB; "
          "/dev/tpm0 ends there)", ["", *(head for size in SIZES for head in
                                          (size.replace(" KiB", "K"), "p99"))],
          rows, gap=" ")


def report(results, moved):
    for kernel in dict.fromkeys(one.row.kernel for one in results):
        for name in COMMANDS if kernel == KERNELS[0] else SHOWN:
            of_condition(results, kernel, "idle", name, f"Linux {kernel}")
        counts(results, kernel, "PCR_Read")
        rsa(results, kernel)
    counts(results, KERNELS[0], "GetCap commands")
    for condition, title in CONDITIONS.items():
        for name in SHOWN:
            of_condition(results, KERNELS[0], condition, name, title)
    if moved:
        transfers(moved)
