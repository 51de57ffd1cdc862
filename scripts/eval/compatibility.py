# SPDX-License-Identifier: BSD-2-Clause
"""Guests, devices, interfaces and machines: what the suites ran and what came of it, of the
last ./run test of each. What was not run says so."""

import re

from guest_boards import BOARDS

from . import tree
from .model import List, Missing, Section, Table, Text, number, plural
from .results import FAILED, PASSED, SKIPPED, Runs, programs

NAME = "compatibility"
TITLE = "Compatibility"
SECONDS = (2, 2)
NEEDS = []
FILES = ("scripts/test.py", "scripts/eval/results.py")
# What it reads changes with every ./run test, and costs nothing.
ALWAYS = True

GUEST = tree.BUILD / "guest"
DRIVERS = ("tpm_tis", "tpm_crb")
GUESTS = ("guest/", "virt/")
BOOT = re.compile(r"(tpm-[\w-]+(?:,[^:]*)?): (seabios|ovmf), Linux ([\d.]+), ([\w-]+): (\w+)")
# Programs by what they show.
GROUPS = {
    "an unmodified guest": ("guest/unmodified-firmware_and_kernels", "guest/unmodified-resets",
                            "guest/unmodified-accesses", "guest/slow"),
    "our driver": ("guest/driver-doors", "guest/driver-binding", "guest/driver-owner",
                   "guest/driver-interrupts", "guest/driver-large", "guest/driver-replays"),
    "guests as models: firmware, kernels, operating systems": ("unit/guests", "unit/late_start",
                                                              "qtest/acpi"),
    "QEMU's own tests of its TPM devices, on ours": ("qtest/upstream",),
    "migration, saved and loaded streams": ("qtest/migration", "qtest/migration-TPM_SYNC_US=0",
                                            "qtest/stream"),
    "Arm and RISC-V": tuple(title for title in programs() if title.startswith("virt/")),
    "QEMU 10.2, and from one version to the other":
        tuple(title for title in programs() if title.startswith("newest/")),
    "Debian's unmodified QEMU, libvirt": ("plugin/plugin", "libvirt/libvirt"),
    "under KVM": ("kvm/vmm", "kvm/vmm_memory", "kvm/qemu_kvm"),
    "the TPM2 stack": ("tcti/day", "tcti/stack", "tcti/tools", "tcti/guest_tcti"),
    "packages in clean Debian trees": ("packages/tree-bookworm", "packages/tree-trixie"),
}
WORDS = {PASSED: "passed", FAILED: "FAILED", SKIPPED: "skipped"}


def kernel_drivers():
    """[[kernel, architecture, what there is of each of DRIVERS]] of Debian's kernels here."""
    found = []
    for folder in sorted(GUEST.glob("kernel-*/lib/modules/*")):
        arch, _, version = folder.parents[2].name.removeprefix("kernel-").rpartition("-")
        built_in = (folder / "modules.builtin").read_text()
        found.append([version, arch or "amd64", *(
            "built in" if f"/{name}.ko" in built_in else
            "module" if [*folder.rglob(f"{name}.ko")] else "none" for name in DRIVERS)])
    return found


def measure(_quick):
    runs = Runs()
    suites = dict.fromkeys(runs.suite_of.values())
    titles = sorted({title for titles in GROUPS.values() for title in titles} |
                    {title for title in runs.suite_of if title.startswith(GUESTS)})
    return {"suites": [runs.summary(suite) for suite in suites],
            "tests": {title: runs.tests(title) for title in titles if title in runs.suite_of},
            "dates": {title: runs.date(title) for title in titles},
            "not_run": runs.not_run(), "machines": list(BOARDS), "kernels": kernel_drivers()}


def boots(data):
    """{(device, driver): {(firmware, kernel, machine): result}} of all guest programs."""
    found = {}
    for tests in data["tests"].values():
        for title, result, _ in tests:
            if match := BOOT.search(title):
                device, firmware, kernel, machine, driver = match.groups()
                found.setdefault((device, driver), {})[firmware, kernel, machine] = result
    return found


def boot_table(data):
    found = boots(data)
    columns = sorted({key for of in found.values() for key in of},
                     key=lambda key: (key[2] not in ("q35", "pc"), key[2], key[0],
                                      [int(n) for n in key[1].split(".")]))
    rows = [[f"`{device}`, {driver}", *(WORDS[of[key]] if key in of else "not run"
                                        for key in columns)]
            for (device, driver), of in sorted(found.items())]
    return Table("Boots of unmodified guests with measurement, tpm2-tools after each, PCRs as "
                 "the firmware's log gives them",
                 ["device, driver", *(f"{machine}, {firmware}, {kernel}"
                                      for firmware, kernel, machine in columns)],
                 rows, "./run test guest")


def group_rows(data):
    rows = []
    for what, titles in GROUPS.items():
        for title in titles:
            tests = data["tests"].get(title)
            if tests is None:
                continue
            count = {word: sum(test[1] == word for test in tests) for word in WORDS}
            said = ", ".join(f"{num} {WORDS[word]}" for word, num in count.items() if num) or \
                "not run here"
            rows.append([what, f"`{title}`", said, data["dates"].get(title) or "-"])
            what = ""
    return rows


def named(data):
    """Every test of the guests, by name."""
    rows = [[f"`{title}`", name, WORDS[result] + (f": {why}" if why else "")]
            for title, tests in data["tests"].items()
            if title.startswith((*GUESTS, "plugin/", "qtest/migration", "newest/migration"))
            for name, result, why in tests]
    return Table("Each test of guests, of the plug-in and of migration, by its name",
                 ["program", "test", ""], rows, "./run test guest virt plugin qtest newest",
                 long=True)


def by_machine(data):
    """Of each machine that ./run guest has: the tests of guests on it that were run."""
    found = {}
    for program, tests in data["tests"].items():
        for title, result, _ in tests if program.startswith(GUESTS) else ():
            boot, name = BOOT.search(title), title.partition(":")[0]
            if boot or name in data["machines"]:
                found.setdefault(boot[4] if boot else name, []).append(result)
    return [f"`{name}`: {plural(len(found[name]), 'test')} of guests that name it, "
            f"{sum(r == PASSED for r in found[name])} passed" if name in found else
            f"`{name}`: no test of a guest on it was run here"
            for name in dict.fromkeys([*data["machines"], *found])]


def suite_rows(data):
    rows = []
    for suite in data["suites"]:
        reasons = "; ".join(f"{num} skipped: {why}" for why, num in suite["reasons"].items())
        state = f"{number(suite['passed'])} passed, {suite['failed']} failed" \
            if suite["run"] else "not run here"
        date = suite["newest"] if suite["oldest"] == suite["newest"] else \
            f"{suite['oldest']} to {suite['newest']}"
        rows.append([f"`{suite['suite']}`", f"{suite['run']} of {suite['programs']}", state,
                     reasons or "", date or "-", ", ".join(suite["trees"]) or "-"])
    return rows


def totals(data):
    return {word: sum(suite[word] for suite in data["suites"])
            for word in (PASSED, FAILED, SKIPPED)}


def section(data):
    total = totals(data)
    blocks = [
        Text(f"Of the suites' last runs in this checkout: {number(total[PASSED])} tests passed, "
             f"{total[FAILED]} failed, {total[SKIPPED]} skipped; "
             f"{plural(len(data['not_run']), 'program')} not run."),
        Table("Suites", ["suite", "programs run", "tests", "skipped, why", "date", "commit"],
              suite_rows(data), "./run test"),
        boot_table(data), List(by_machine(data)),
        Table("TPM drivers of Debian's kernels: tpm_tis for registers in memory, tpm_crb by ACPI. "
              "Where there is no tpm_tis, a stock machine's tpm-tis-device has no driver",
              ["Linux", "architecture", *DRIVERS], data["kernels"], "./run build guest virt"),
        Table("What else", ["what", "program", "tests", "date"], group_rows(data), "./run test"),
        named(data),
    ]
    if data["not_run"]:
        blocks.append(Missing("Programs of the suites",
                              f"not run in this checkout: {', '.join(data['not_run'])}"))
    blocks.append(Missing("Windows, FreeBSD, hardware with confidential memory",
                          "not run: what is known of them is read in their sources or "
                          "modelled (`unit/guests`, `qtest/acpi`)"))
    return Section(NAME, TITLE, blocks)
