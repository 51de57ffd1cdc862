#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tpmix(1) as a user has it: what it prints, its JSON, its errors and exit statuses.
The tool is the one of build/host, with sanitizers. TAP on stdout."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stage import ROOT, machine, tool, workdir  # noqa: E402
from tap import main, test  # noqa: E402

TPMIX = os.environ.get("TPMIX", str(ROOT / "build/host/tools/tpmix"))
GOOD, FAILED, USAGE, FOUND = 0, 1, 2, 3
RANDOM = "80010000000c0000017b0010"
BAD_CODE = "80010000000a00000001"


def tpmix(*args, status=GOOD, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TSS2")}
    result = subprocess.run([TPMIX, *map(str, args)], capture_output=True, text=True,
                            timeout=60, env=env | more.pop("env", {}), **more)
    assert result.returncode == status, (args, result.returncode, result.stderr[-2000:])
    if status in (FAILED, USAGE):
        lines = result.stderr.splitlines()
        assert len(lines) == 1 and lines[0].startswith("tpmix: "), result.stderr
    return result


def as_json(*args, **more):
    return json.loads(tpmix(*args, "--json", **more).stdout)


def registers(info, locality=0):
    entry = next(x for x in info["localities"] if x["locality"] == locality)
    return {r["name"]: r for r in entry["registers"]}


def check_fifo(regs):
    """The reset values of docs/specification.md, literally."""
    assert regs["ACCESS"]["offset"] == 0 and regs["ACCESS"]["fields"]["tpmRegValidSts"] == 1
    assert regs["INTF_CAPABILITY"]["value"] == 0x30000697
    assert regs["INTF_CAPABILITY"]["fields"]["DataTransferSizeSupport"] == "64 bytes"
    assert regs["INTERFACE_ID"]["value"] == 0x2100
    assert regs["INTERFACE_ID"]["fields"]["InterfaceType"] == "FIFO"
    assert regs["DID_VID"]["fields"] == {"DID": 1, "VID": 0x1014}


def check_indexed(regs, page, line=False):
    assert regs["MAGIC"]["value"] == 0x58495054 and regs["MAGIC"]["offset"] == page + 0xF90
    assert regs["VERSION"]["fields"] == {"major": 1, "minor": 0}
    assert regs["CAP"]["fields"] == {"INT": int(line), "RAM": 1, "CSUM": 1, "TICKET": 1,
                                     "INDEX": 1}
    assert regs["HEADER"]["value"] == 0xFED70000


@test
def help_for_a_newcomer():
    text = tpmix("--help").stdout
    for word in ("info", "watch", "exec HEX", "replay", "decode TRACE", "Examples:"):
        assert word in text, text
    assert max(map(len, text.splitlines())) <= 88
    bare = subprocess.run([TPMIX], capture_output=True, text=True)
    assert bare.returncode == USAGE and bare.stdout == text and not bare.stderr
    for command in ("info", "watch", "exec", "replay", "decode"):
        assert "Usage:" in tpmix(command, "--help").stdout
    assert tpmix("--version").stdout.startswith("tpmix 1.")


@test
def man_page():
    page = ROOT / "tools/tpmix.1"
    result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                            capture_output=True, text=True, check=True)
    assert not result.stderr, result.stderr
    text = page.read_text().replace("\\-", "-")
    for command in ("info", "watch", "exec", "replay", "decode"):
        for word in tpmix(command, "--help").stdout.split():
            if word.startswith("--") and word != "--help":
                assert word.strip(".,").partition("=")[0] in text, word


def complete(line):
    """What bash offers at the end of the line."""
    script = (f"source {ROOT}/tools/tpmix.bash; COMP_LINE='{line}'; "
              "COMP_POINT=${#COMP_LINE}; compopt() { :; }; "
              "COMP_WORDBREAKS=$' =:'; _tpmix; printf '%s\\n' \"${COMPREPLY[@]}\"")
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True,
                          check=True).stdout.split()


@test
def completion():
    assert complete("tpmix re") == ["replay"]
    assert "--request" in complete("tpmix info --")
    assert complete("tpmix replay --when=l") == ["late"]
    assert complete("tpmix info transport=q") == ["qtest"]
    assert complete("tpmix info transport=qtest,door=w") == ["window"]
    assert complete("tpmix exec loc") == ["locality="]
    assert complete("tpmix info -T indexed:door=f") == ["fifo"]
    assert complete("tpmix info wa") == ["wait="]
    assert "rate=" in complete("tpmix info replay=")
    assert complete("tpmix info replay=rate=1,see") == ["1,seed="]
    assert complete("tpmix info replay=when=l") == ["late"]
    assert complete("$TOOL wat") == ["watch"]


@test
def info_in_process():
    with workdir() as work:
        config = f"state={work}/s"
        info = as_json("info", config)
        assert info["transport"] == "inproc" and info["interface"] == "FIFO"
        assert info["doors"] == ["indexed", "window", "fifo"]
        regs = registers(info)
        check_fifo(regs)
        check_indexed(regs, 0)
        assert regs["STS"]["shown"] and regs["STS"]["fields"]["tpmFamily"] == "TPM 2.0"
        text = tpmix("info", config).stdout
        assert "STS              0x04" in text and "tpmFamily TPM 2.0" in text, text
        assert "tpmEstablishment 1" in text and "VID 0x1014" in text, text
        assert max(map(len, text.splitlines())) <= 88
        # The same string as tpm2-tools take it.
        assert as_json("info", "-T", f"indexed:{config}")["doors"] == info["doors"]
        assert len(as_json("info", "-a", config)["localities"]) == 5


@test
def info_crb():
    with workdir() as work:
        info = as_json("info", f"state={work}/s,door=crb")
        regs = registers(info)
        assert info["doors"] == ["indexed", "window", "crb"] and "STS" not in regs
        assert regs["INTF_ID"]["value"] == 0x27911
        assert regs["INTF_ID"]["fields"]["InterfaceType"] == "CRB"
        assert regs["CTRL_RSP_ADDR"]["value"] == 0xFED60000
        check_indexed(regs, 0x6000)


def field_names_of(page, heading):
    """Register names in a table of the specification page."""
    part = page.partition(heading)[2].partition("\n## ")[0]
    return {li.split("|")[2].strip() for li in part.splitlines() if li.startswith("| 0x")}


@test
def every_register_of_the_specification():
    """info shows each one, but those that take a byte and the windows."""
    page = (ROOT / "docs/specification.md").read_text()
    with workdir() as work:
        for door, heading in (("fifo", "## FIFO door"), ("crb", "## CRB door"),
                              ("indexed", "## Indexed door")):
            shown = registers(as_json("info", f"state={work}/s,door={door}"))
            for name in field_names_of(page, heading):
                short = name.removeprefix("TPMIX_REG_").removeprefix("TPM_REG_")
                if short not in ("DATA_FIFO", "XDATA_FIFO", "DATA_BUFFER", "TPMIX_WINDOW"):
                    assert short in shown, name


@test
def exec_by_each_door():
    with workdir() as work:
        for door in ("indexed", "window", "fifo", "crb"):
            config = f"state={work}/s,door={door}"
            got = as_json("exec", RANDOM, config)
            assert got["rc"] == 0 and got["door"] == door and got["accesses"] > 8, got
            assert got["command-name"] == "TPM2_GetRandom"
            assert got["response"].startswith("80010000001c00000000" "0010"), got
            other = as_json("exec", "-", config, input=f"0x{RANDOM[:8]} {RANDOM[8:]}\n")
            assert other["response"] != got["response"]
        text = tpmix("exec", RANDOM, config).stdout
        assert "TPM2_GetRandom, 12 bytes" in text and "TPM_RC_SUCCESS, 28 bytes" in text


@test
def exec_errors():
    with workdir() as work:
        config = f"state={work}/s"
        got = as_json("exec", BAD_CODE, config, status=FOUND)
        assert got["rc"] == 0x143, got
        assert "command code not supported" in got["rc-name"], got
        for words, text in ((["zz"], "two hexadecimal digits"), (["8001"], "no TPM command"),
                            (["80010000000b00000001"], "make them agree"), ([], "HEX is missing"),
                            ([RANDOM, RANDOM], "one too many")):
            assert text in tpmix("exec", *words, config, status=USAGE).stderr


@test
def usage_errors():
    for words, text in ((["nothing"], "info, watch, exec, replay, decode"),
                        (["info", "hello"], "no key=value"),
                        (["info", "x=1"], "no key 'x'"), (["info", "--z"], "--help"),
                        (["info", "door=window,locality=1"], "locality 0"),
                        (["replay", "--when=never"], "now, late or completed"),
                        (["replay", "replay=rate=1"], "chooses what is repeated"),
                        (["watch"], "transport=qtest or mem"), (["decode"], "TRACE is missing")):
        assert text in tpmix(*words, status=USAGE).stderr, words


def sweep(config, status, *more):
    got = as_json("replay", config, *more, status=status)
    total = {k: got[k] for k in ("right", "wrong", "failed", "ran-twice")}
    print(f"# {config.split(',')[-1]}: {total} of {len(got['trials'])}")
    return got, total


@test
def replay_safe_doors():
    """Each access repeated, each way: right, and the TPM ran the command once."""
    with workdir() as work:
        for door in ("indexed", "window", "crb"):
            got, total = sweep(f"state={work}/s,door={door}", GOOD)
            assert total["right"] >= 50, total
            assert not total["wrong"] + total["failed"] + total["ran-twice"], total
            assert got["runs-known"]
            assert all(t["runs"] == 1 for t in got["trials"]), door
            for when in ("now", "late"):
                made = [t["access"] for t in got["trials"]
                        if t["when"] == when and t["outcome"] == "right"]
                # A poll more or less moves the last ones.
                assert set(made) >= set(range(1, got["accesses"] - 2)), (door, when, made)


@test
def replay_fifo():
    """The control group, by the byte: each one that is read twice is lost."""
    with workdir() as work:
        config = f"state={work}/s,door=fifo"
        got, total = sweep(config, FOUND)
        reads = [t["outcome"] for t in got["trials"]
                 if t["when"] == "now" and t["register"] == "DATA_FIFO" and t["kind"] == "read"]
        # 10 bytes of header, 73 of the rest: accepted without a word. A poll more or
        # less moves the last ones.
        assert reads.count("wrong") >= 70 and 8 <= reads.count("failed") <= 13, reads
        assert not reads.count("right"), reads
        assert total["wrong"] > 100, total
        text = tpmix("replay", config, status=FOUND).stdout
        assert "wrong and accepted" in text, text
        assert "TPM never ran the command twice" in text


@test
def replay_needs_an_answer_that_stays():
    with workdir() as work:
        line = tpmix("replay", RANDOM, f"state={work}/s", status=FAILED).stderr
        assert "differently each time" in line and "TPM2_GetCapability" in line


@test
def in_qemu():
    """The same tool on devices in QEMU; and with --request what it then may see."""
    for model, doors in (("tis", ["indexed", "window", "fifo"]),
                         ("crb", ["indexed", "window", "crb"])):
        with machine(model) as (config, *_):
            info = as_json("info", config)
            assert info["doors"] == doors and info["transport"] == "qtest"
            regs = registers(info)
            check_indexed(regs, 0x6000 if model == "crb" else 0, line=True)
            assert not regs["COMPLETED"]["shown"]
            if model == "tis":
                check_fifo(regs)
                assert "active locality only" in tpmix("info", config).stdout
            regs = registers(as_json("info", "--request", config))
            assert regs["COMPLETED"]["shown"] and regs["COMPLETED"]["value"] == 1
            assert not registers(as_json("info", config))["COMPLETED"]["shown"]
            for door in doors:
                if door != "fifo":
                    _, total = sweep(f"{config},door={door}", GOOD, "--when=late")
                    assert total["right"] > 20, total
            assert as_json("exec", RANDOM, f"{config},door={doors[2]}")["rc"] == 0


@test
def watch():
    """What another client did between two looks; bounded; quiet on Ctrl-C."""
    with machine("tis") as (config, *_):
        begin = time.monotonic()
        lines = tpmix("watch", "--seconds=0.5", "--interval=20", config).stdout.splitlines()
        assert 0.4 < time.monotonic() - begin < 10
        assert lines and lines[0].split()[1:3] == ["0", "ACCESS"], lines
        # One client at a time has the socket: watch what it changes itself, by
        # repeating that which changes.
        process = subprocess.Popen([TPMIX, "watch", "--json", config], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert all(x["first"] for x in first)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == GOOD and not err, (process.returncode, err)


@test
def watch_sees_changes():
    """A file as memory: a stand-in whose ACCESS this test changes."""
    with workdir() as work:
        image = bytearray(b"\xff" * 0x40000)
        image[0:4] = b"\x81\0\0\0"
        image[0x30:0x34] = b"\0\x21\0\0"
        path = work / "registers"
        path.write_bytes(image)
        process = subprocess.Popen(
            [TPMIX, "watch", "--json", "-i", "10", "-n", "1", "-s", "20",
             f"transport=mem,address=0,path={path}"], text=True, stdout=subprocess.PIPE)
        assert json.loads(process.stdout.readline())["register"] == "ACCESS"
        with open(path, "r+b") as registers_file:
            registers_file.write(b"\xa1")
        out, _ = process.communicate(timeout=30)
        change = json.loads(out.splitlines()[-1])
        assert process.returncode == GOOD and not change["first"]
        assert change["register"] == "ACCESS" and change["fields"]["activeLocality"] == 1


@test
def decode():
    with workdir() as work:
        trace = work / "trace"
        config = f"state={work}/s,trace={trace},replay=rate=200000,seed=3"
        tool(config, "getrandom", "16")
        entries = as_json("decode", trace)["trace"]
        kinds = [e["kind"] for e in entries]
        assert kinds.count("command") == kinds.count("response") >= 1, kinds
        commands = [e["text"] for e in entries if e["kind"] == "command"]
        assert any(c.startswith("TPM2_GetRandom, 12 bytes") for c in commands), commands
        told = sum(int(w.partition("=")[2]) for w in entries[-1]["text"].split()
                   if w.startswith("replayed-"))
        assert sum(e.get("repeated", 0) for e in entries) == told > 3
        bells = [e for e in entries if e.get("register") == "CSUM_EXPECT"]
        assert {e["fields"]["DOORBELL"]["ticket"] for e in bells} == \
            set(range(1, len(commands) + 1)), bells
        whole = trace.read_text()
        # A look while the command runs, which a fast TPM spares the guest.
        trace.write_text(whole + "9.000000 R 0x00fd0 8 0xb00000001 0 ACCEPTED\n")
        text = tpmix("decode", trace).stdout
        for word in ("DOORBELL: ticket 1", "repeated]", "BUSY, state Execution"):
            assert word in text, text
        assert all(isinstance(e["us"], int) for e in entries), entries
        assert tpmix("decode", "-", input=trace.read_text()).stdout == text
        assert "is no trace" in tpmix("decode", "-", input="x", status=FAILED).stderr
        # Cut in the middle of a line, as by a kill; and no trace at all.
        trace.write_text(whole[:whole.index("ACCEPTED") + 4])
        tpmix("decode", trace)
        assert "without .pcap" in tpmix("decode", f"{trace}.pcap", status=FAILED).stderr
        trace.write_text(whole.replace(" W ", " X ", 1))
        assert "is not of a trace" in tpmix("decode", trace, status=FAILED).stderr
        tpmix("decode", work / "nothing", status=FAILED)


def members(value):
    """The names in a JSON document, but not those of registers and their fields."""
    if isinstance(value, list):
        return set().union(*map(members, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(members(v) for k, v in value.items() if k != "fields"))


@test
def man_page_has_all():
    """Each option of each command, and each member of its JSON."""
    page = (ROOT / "tools/tpmix.1").read_text().replace("\\-", "-")
    for command in ("info", "watch", "exec", "replay", "decode"):
        for option in re.findall(r"--[a-z]+", tpmix(command, "--help").stdout):
            assert option in page, (command, option)
    with workdir() as work:
        config = f"state={work}/s,trace={work}/t"
        command = "80010000000c0000017b0010"
        docs = [as_json("info", config), as_json("exec", command, config),
                as_json("replay", "--when=now", f"state={work}/s,door=fifo", status=FOUND),
                as_json("decode", work / "t")]
        json_part = page[page.index(".SH JSON"):page.index(".SH EXIT")]
        for name in members(docs):
            assert re.search(rf"[ \n]{name}\b", json_part), name


@test
def decode_of_a_refused_file():
    with workdir() as work:
        line = tpmix("exec", RANDOM, f"state={work}/s,trace={work}/no/where",
                     status=FAILED).stderr
        assert "give a file that can be written" in line


@test
def what_goes_wrong_outside():
    """No device, a held lock, damage, a device that ends: one line, and the mend."""
    with workdir() as work:
        config = f"state={work}/s"
        tpmix("exec", RANDOM, config)
        assert "start QEMU with -qtest" in tpmix(
            "info", f"transport=qtest,path={work}/none", status=FAILED).stderr
        (work / "zeros").write_bytes(bytes(0x40000))
        assert "no TPM at 0x0" in tpmix(
            "info", f"transport=mem,address=0,path={work}/zeros", status=FAILED).stderr
        other = subprocess.Popen([TPMIX, "exec", "-", config], stdin=subprocess.PIPE)
        time.sleep(0.2)  # it waits for its command before it takes the TPM
        tpmix("info", config)
        other.kill()
        other.wait()
        (work / "s/permanent").write_bytes(b"garbage")
        for words in (["info"], ["exec", RANDOM], ["replay"]):
            assert "damaged" in tpmix(*words, config, status=FAILED).stderr
    with machine("tis") as (config, qemu, _):
        victim = subprocess.Popen([TPMIX, "watch", config], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        victim.stdout.readline()
        qemu.kill()
        _, err = victim.communicate(timeout=20)
        assert victim.returncode == FAILED and "QEMU ended" in err, err
        assert len(err.splitlines()) == 1, err


@test
def output_that_cannot_be_written():
    with workdir() as work, open("/dev/full", "w") as full:
        result = subprocess.run([TPMIX, "info", f"state={work}/s"], stdout=full,
                                stderr=subprocess.PIPE, text=True)
        assert result.returncode == FAILED and "cannot be written" in result.stderr


if __name__ == "__main__":
    assert Path(TPMIX).exists(), f"no {TPMIX}: ./run build engine"
    sys.exit(main())
