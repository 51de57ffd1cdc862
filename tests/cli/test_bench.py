#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run bench without a machine: its arithmetic, its verdicts, its lines, and its programs at
swtpm. TAP on stdout."""

import contextlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests/tcti")]
import bench  # noqa: E402
import bench_aims  # noqa: E402
import bench_boot  # noqa: E402
import bench_guest  # noqa: E402
import bench_host  # noqa: E402
import bench_machine  # noqa: E402
from bench_table import four, part_of, percentile  # noqa: E402
from guest_peers import GuestError, end_process  # noqa: E402
from parts import script  # noqa: E402
from tap import main, test  # noqa: E402


def sample(*times, processor=0.0):
    """One block."""
    return {"bytes": 62, "times": list(times), "blocks": [len(times)], "processor": processor}


def machine(row, times, busy=None, late=(50.0, 50.0), share=0.01, traps=(0, 1)):
    """A Result of which every command took these times."""
    result = bench_guest.Result(row)
    for condition, took in (("idle", times), ("busy", busy or times)):
        result.add(condition, {name: sample(*took) for name in bench_guest.COMMANDS})
    for over in late:
        result.add("idle", {bench_machine.RSA: sample(1e4)})
        result.waits.append(1e4 * share)
        result.late.append(over)
    for name in bench_guest.COMMANDS:
        result.counts[name] = {"mmio-reads": traps[0], "mmio-writes": traps[1],
                               "wakeups": 2.0, "host_us": 30.0}
    return result


def results(**ours):
    """Six machines that meet every aim; ours: what machine() is to have otherwise."""
    stock, plain, own = [1000.0] * 100, [50.0] * 100, [40.0] * 100
    found = []
    for row in bench_guest.default_rows("6.1"):
        if row.stock():
            found.append(machine(row, stock, traps=(70, 24)))
        elif row.driver == "stock":
            found.append(machine(row, plain, traps=(0, 6)))
        else:
            found.append(machine(row, **{"times": own} | ours))
    return found


def missed(found):
    return [aim.line() for aim in bench_aims.of_guest(found) if not aim.met]


@test
def percentiles_of_merged_samples():
    result = bench_guest.Result(bench_machine.Row("tpm-crb"))
    # As blocks bring them: in no order, and not alike.
    result.add("idle", {"PCR_Read": sample(*range(100, 50, -1), processor=1.0)})
    result.add("idle", {"PCR_Read": sample(*range(1, 51), processor=2.0)})
    merged = result.samples["idle"]["PCR_Read"]
    assert merged["processor"] == 3.0
    assert four(merged["times"]) == [1, 50, 90, 99], four(merged["times"])
    assert percentile([7.0], 99) == 7.0 and percentile([3, 1, 2], 50) == 2
    assert part_of(10, 250) == "1/25.0" and part_of(30, 20) == "1.50"


@test
def every_aim_can_be_met_and_missed():
    assert not missed(results()), missed(results())
    few = [40.0] * 97 + [2000.0] * 3
    for wrong, words in (({"times": [60.0] * 100}, "best stock"),
                         ({"times": few}, "p99 / stock: "),
                         ({"times": few}, "/ unmodified: "),
                         ({"times": [40.0] * 100, "busy": few}, "p99 / stock, busy: "),
                         ({"share": 0.03}, "CPU of RSA"), ({"late": (700.0, 800.0) + (50.0,) * 6}, "RSA late"),
                         ({"late": (700.0, 50.0, 50.0)}, "RSA late"),
                         ({"traps": (1, 1)}, "trapped accesses")):
        lines = [line for line in missed(results(**wrong)) if words in line]
        # One for each device.
        assert len(lines) == 2 and all(line.startswith("NOT MET") for line in lines), \
            (wrong, words, lines)
    slow = results()
    for result in slow:
        if result.row.driver == "stock" and not result.row.stock():
            result.samples["idle"]["PCR_Read"] = sample(*[130.0] * 100)
            result.counts["PCR_Read"]["mmio-reads"] = 1
    once = missed(results(late=(50.0,) * 7 + (700.0,)))
    assert len(once) == 2 and all(line.startswith("level") and "RSA late" in line
                                  for line in once), once
    lines = missed(slow)
    assert [words for words in ("tpm_tis: p50", "tpm_crb: p50", "tpm_crb: traps")
            if not any(words in line for line in lines)] == [], lines


@test
def level_is_what_blocks_differ_by():
    """One bad block of twenty may be chance; each block a little slower is not."""
    def limit(*blocks):
        ours, plain = (bench_guest.Result(bench_machine.Row("tpm-crb-ext")) for _ in range(2))
        for block in blocks:
            for result, times in ((ours, block), (plain, [40.0] * 16)):
                result.add("idle", {name: sample(*times) for name in bench_guest.COMMANDS})
        return bench_aims.limit("x", ours, [plain], bench_aims.HEADS, "idle")

    good = [40.0] * 16
    assert limit(*[good] * 20).line() == "met     x: 1.00 (GetRandom min)"
    bad = limit(*[good] * 19, [400.0] * 16)
    assert (bad.state, bad.met) == (bench_aims.LEVEL, False) and "(GetRandom p99)" in bad.line()
    assert bad.line().startswith("level   x: 10.00 "), bad.line()
    assert limit(*[[41.0] * 16] * 20).line() == "NOT MET x: 1.02 (GetRandom min)"
    # What surely is above is what is said, however far above another one is by chance.
    assert limit(*[[40.0] * 4 + [41.0] * 12] * 19, [400.0] * 16).line() == \
        "NOT MET x: 1.02 (GetRandom p50)"


@test
def host_aim():
    found = {who: {name: sample(time) for name in bench_guest.COMMANDS}
             for who, time in (("swtpm alone", 20.0), ("doorbell", 29.0))}
    assert all(aim.met for aim in bench_aims.of_host(found))
    found["doorbell"]["GetRandom"] = sample(31.0)
    assert [aim.met for aim in bench_aims.of_host(found)].count(False) == 1


@test
def lines_of_the_tables_and_aims():
    found = results(times=[40.0] * 90 + [123456.0] * 10, busy=[9999.0] * 100, late=(1e6,))
    for result in found[-2:]:
        for number in (2, 4):
            result.add(f"{number} contenders", {"PCR_Read": sample(1e6)})
    for result in found[:2]:
        for number in (2, 4):
            result.add(f"{number} contenders", {"PCR_Read": sample(1e6)})
    moved = [bench_guest.Result(row) for row in bench_guest.transfer_rows("6.1")]
    for result in moved:
        result.add("transfers", {size: sample(12345.0) for size in bench_guest.SIZES
                                 if bench_guest.may_send(result.row, size)})
    boots = [{**vars(row), "title": row.title(), "driver_ms": 12345.0,
              "firmware_part": bench_boot.phase([]),
              "kernel_part": bench_boot.phase([])} for row in bench_boot.rows_of(False)]
    kb = {device: {who: [{"own": 12345, "all": 23456}] for who in ("qemu", "swtpm")}
          for device in (None, *bench_boot.DEVICES)}
    host = {who: {name: sample(12345.0) for name in bench_guest.COMMANDS}
            for who in ("swtpm alone", *bench_host.BELLS)}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        aims = bench.report({"guest": (found, moved), "host": host,
                             "boot": {"boots": boots, "memory": kb}})
    lines = out.getvalue().splitlines()
    assert len(lines) > 150 and len(aims) > 20, (len(lines), len(aims))
    long = [line for line in lines if len(line) > 80]
    assert not long, "\n".join(long)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work, "out.json")
        bench.save(path, {"guest": (found, moved)}, aims, 1.0)
        said = json.loads(path.read_text())["aims"]
        assert all(aim["met"] == (aim["state"] == "met") for aim in said), said
        assert path.stat().st_size > 1000


@test
def rows_and_commands():
    """What is asked by its place is what the guest's program has there."""
    text = (ROOT / "tests/bench/commands.h").read_text()
    names = re.findall(r'\t(?:COMMAND|TRANSFER)\("([^"]+)"', text)
    assert tuple(names) == bench_machine.NAMES, names
    assert bench_machine.mask(["GetRandom", "PCR_Extend"]) == 5
    rows = bench_guest.rows_of("6.1", quick=False)
    kinds = {(row.device, row.driver, row.sync, row.twin) for row in rows}
    assert len(rows) == len(kinds) == 13 and sum(row.twin for row in rows) == 1
    stock = bench_machine.Row("tpm-crb", sync=True)
    late = bench_machine.Row("tpm-crb-ext", "indexed", sync=False)
    assert stock.properties() == "tpm-crb,sync-us=500"
    assert late.properties() == "tpm-crb-ext,compat=off,sync-us=0"


@test
def record_of_the_tpm():
    """Commands that have ended, up to the one that has not."""
    entry = struct.Struct("=IIQQ")
    with tempfile.NamedTemporaryFile() as file:
        file.write(entry.pack(0x17B, 12, 10**9, 2 * 10**9) +
                   entry.pack(0x131, 67, 3 * 10**9, 0) + bytes(240))
        file.flush()
        commands = bench_machine.Record(file.name).commands()
    assert commands == [(0x17B, 12, 1.0, 2.0)], commands
    found = bench_boot.phase(commands)
    assert (found["commands"], found["tpm_ms"], found["span_ms"]) == (1, 1000, 1000)
    two = bench_boot.phase(commands + [commands[0]._replace(begin=2.25, end=2.5)])
    assert (two["gap_ms"], two["tpm_ms"], two["span_ms"]) == (250, 1250, 1500), two


@test
def time_left():
    progress = bench.Progress(100)
    progress.begin -= 30
    with contextlib.redirect_stderr(io.StringIO()) as said:
        progress.step("a step", 25)
    assert "25 %, about 1 min 30 s left: a step" in said.getvalue(), said.getvalue()


@test
def weights_are_what_the_steps_add_up_to():
    """So that the time that is left ends with the run, not before and not after."""
    class Steps:
        total = 0

        def step(self, _text, weight=4.0):
            self.total += weight

    class Stand(contextlib.nullcontext):
        """In the place of a machine, of which nothing is asked."""

        def __init__(self, row=None):
            super().__init__()
            self.row, self.record, self.guest = row, self, self
            self.qmp = self

        def running(self):
            return self

        def execute(self, _):
            pass

        def ask(self, names, *_):
            return {name: sample(1.0) for name in names}

        def commands(self):
            return [bench_machine.Record.Command(bench_guest.RSA_CODE, 67, 0, 0)]

        def counted(self, *_):
            return {}

        def trapped(self, *_):
            return 0, 0

    @contextlib.contextmanager
    def stand_ins(rows, progress, **_):
        for _ in rows:
            progress.step("booted")
        yield [Stand(row) for row in rows]

    kept = bench_guest.machines, bench_guest.busy_host, bench_guest.REST_S
    bench_guest.machines, bench_guest.busy_host = stand_ins, Stand
    bench_guest.REST_S = 0
    try:
        for quick in (True, False):
            steps = Steps()
            bench_guest.measure(quick, steps)
            assert abs(steps.total - bench_guest.weight(quick)) < 0.01, \
                (quick, steps.total, bench_guest.weight(quick))
    finally:
        bench_guest.machines, bench_guest.busy_host, bench_guest.REST_S = kept


@test
def commands_at_a_tpm():
    """Every sample is handed back; what fails is said."""
    script("bench.sh")
    with bench_machine.Alone() as alone:
        found = alone.ask(bench_machine.NAMES[:8], 3, 1)
        assert tuple(found) == bench_machine.NAMES[:8], found
        for name, row in found.items():
            assert len(row["times"]) == 3 and min(row["times"]) > 1, (name, row)
        assert found["PCR_Read"]["bytes"] == 62, found
        assert alone.ask(["GetRandom"], 0)["GetRandom"]["times"] == []
        try:
            alone.ask(["1 KiB"], 1)
            assert False, "swtpm does not know that command"
        except GuestError as error:
            assert "swtpm alone: failed" in str(error), error


@test
def clock_in_swtpm():
    """As many commands as were sent, each within the time that the sender saw."""
    script("bench.sh")
    with tempfile.TemporaryDirectory() as work:
        record, path = Path(work, "record"), Path(work, "data")
        env = os.environ | {"LD_PRELOAD": str(bench_machine.BENCH / "tpm_clock.so"),
                            "TPM_CLOCK": str(record)}
        Path(work, "state").mkdir()
        swtpm = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={work}/state", "--server",
             f"type=unixio,path={path}", "--flags", "startup-clear,not-need-init"], env=env)
        try:
            end = time.monotonic() + 20
            while not path.exists() and time.monotonic() < end:
                time.sleep(0.01)
            said = subprocess.run([bench_machine.BENCH / "bench_tpm", path], check=True,
                                  input=b"64 3 0 0\n", stdout=subprocess.PIPE).stdout
        finally:
            end_process(swtpm)
        own = [c for c in bench_machine.Record(record).commands() if c.ordinal == 0x131]
    seen = json.loads(said.splitlines()[1])["times"]
    assert len(own) == len(seen) == 3, (own, seen)
    for command, took in zip(own, seen):
        assert 0 < (command.end - command.begin) * 1e6 < took, (command, took)


if __name__ == "__main__":
    sys.exit(main())
