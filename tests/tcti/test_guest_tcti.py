#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""In a guest: the TCTI on the guest's physical registers by /dev/mem, no driver bound;
and the rest of the stack on /dev/tpmrm0. The programs are this machine's, with their
libraries, in a folder of the guest. TAP on stdout."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from guest_machine import Guest  # noqa: E402
from stage import LIB, QEMU, ROOT, environment  # noqa: E402
from tap import main, test  # noqa: E402

TPMIX = ROOT / "build/tcti/tools/tpmix"
ESYS = ROOT / "build/tcti/tests/tcti/esys_day"
ARCH = Path("/usr/lib/x86_64-linux-gnu")
# What is loaded by name at run time: TCTIs, OpenSSL's provider, the PKCS #11 module.
PLUGINS = [LIB, ARCH / "libtss2-tcti-device.so.0", ARCH / "ossl-modules/tpm2.so",
           ARCH / "pkcs11/libtpm2_pkcs11.so"]
NO_DRIVER = "iomem=relaxed initcall_blacklist=init_tis,crb_acpi_driver_init"


def needed(path):
    """The libraries of a program, and the loader: path of each by name."""
    out = subprocess.run(["ldd", path], env=environment(), capture_output=True, text=True,
                         check=True).stdout
    named = dict(re.findall(r"^\s*(\S+) => (/\S+)", out, re.M))
    return named | {Path(p).name: p for p in re.findall(r"^\s*(/\S+) \(", out, re.M)}


def host_files(programs):
    """{path in the guest: file here}: /host/NAME runs a program of this machine, with
    the loader and libraries of this machine, whatever the guest's are."""
    files = {}
    for path in [*programs, *PLUGINS]:
        path = Path(path)
        files[f"/host/lib/{path.name}"] = path.resolve()
        for name, where in needed(path).items():
            files[f"/host/lib/{name}"] = Path(where).resolve()
    for path in programs:
        name = Path(path).name
        # "tpm2 getrandom": one program under many names.
        files[f"/host/{name}"] = (
            "#!/bin/sh\nexec /host/lib/ld-linux-x86-64.so.2 --argv0 " + name +
            f" --library-path /host/lib /host/lib/{name} \"$@\"\n").encode()
    return files


def run(device, script, files, timeout=150, **more):
    with Guest(device=device, command=script, files=files, qemu=QEMU, timeout=timeout,
               **more) as g:
        result = g.wait()
    out, err = (x.decode(errors="replace") for x in (result.out, result.err))
    assert result.status == 0, f"{result.status}\n{out[-3000:]}\n{err[-3000:]}"
    return out, err


def replays(err):
    return sum(map(int, re.findall(r"replayed-\w+=(\d+)", err)))


# A key, a signature, NV, PCR; each thing compared. "t" is tpm2 over the TCTI.
MEM_DAY = r"""
set -e
export TSS2_LOG=tcti+INFO PATH=/host:$PATH
cd /tmp
ls /dev/tpm* 2>/dev/null && { echo 'a driver has the TPM'; exit 1; }
for door in DOORS; do
    tcti=transport=mem,door=$door
    t() { n=$((n + 1)); tpm2 "$@" -T "indexed:$tcti,$spec,seed=$n"; }
    n=0
    for spec in SPECS; do
        echo "# $door $spec"
        t createprimary -Q -G ecc -c p.ctx
        t create -Q -C p.ctx -G ecc -u k.pub -r k.priv
        t flushcontext -t
        t load -Q -C p.ctx -u k.pub -r k.priv -c k.ctx
        t flushcontext -t
        echo data >data
        t sign -Q -c k.ctx -g sha256 -o sig data
        t verifysignature -c k.ctx -g sha256 -m data -s sig
        t flushcontext -t
        head -c 500 /dev/urandom >in
        t nvdefine -Q 0x1500040 -C o -s 500 -a 'ownerread|ownerwrite'
        t nvwrite -Q 0x1500040 -C o -i in
        t nvread 0x1500040 -C o -s 500 -o out
        cmp in out
        t nvundefine -Q 0x1500040 -C o
        t pcrreset 16
        t pcrextend 16:sha256=0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
        t pcrread sha256:16 >pcr
        grep -i 0b8f4c5b6adc4c087ab9f43aaeb6007084c264adcaa3cb07176b792342850412 pcr >/dev/null
    done
done
tpmix info transport=mem
tpmix replay transport=mem,door=DOOR
tpmix replay transport=mem,door=CONTROL || echo "control: $?"
echo good
"""


def by_mem(device, doors, control):
    """The control is a door whose sweep shows the fault, or one that does not."""
    script = MEM_DAY.replace("DOORS", " ".join(doors)).replace("DOOR", doors[0])
    script = script.replace("SPECS", "replay=rate=300000").replace("CONTROL", control)
    out, err = run(device, script, host_files(["/usr/bin/tpm2", TPMIX]), append=NO_DRIVER)
    assert out.endswith("good\n") and "transport mem" in out, out
    assert ", 0 wrong and accepted, 0 failed; the TPM never ran" in out, out
    wrong = [int(n) for n in re.findall(r"(\d+) wrong and accepted", out)]
    assert (wrong[1] > 100 and "control: 3" in out) == (control == "fifo"), out
    print(f"# {device}: {replays(err)} repetitions, nothing wrong")
    assert replays(err) > 700, replays(err)


@test
def mem_tis():
    by_mem("tpm-tis-indexed", ["indexed", "window"], "fifo")


@test
def mem_crb():
    by_mem("tpm-crb-ext", ["crb", "window"], "indexed")


FAPI = {"profile_name": "P_ECCP256SHA256", "profile_dir": "/host/profiles/",
        "user_dir": "/tmp/user", "system_dir": "/tmp/system", "log_dir": "/tmp/log",
        "tcti": "device:/dev/tpmrm0", "ek_cert_less": "yes", "system_pcrs": []}

STACK = r"""
set -e
export PATH=/host:$PATH TSS2_FAPICONF=/host/fapi.json TSS2_LOG=all+ERROR
cd /tmp
mkdir user system log store
ls -l /dev/tpmrm0
readlink /sys/class/tpm/tpm0/device/driver
echo "== esys"
esys_day device:/dev/tpmrm0
echo "== fapi"
echo what is signed >data
openssl dgst -sha256 -binary data >digest
tss2 provision
tss2 createkey --path=HS/SRK/key --type=sign,noDa --authValue=
tss2 sign --keyPath=HS/SRK/key --digest=digest --signature=sig --publicKey=key.pem
openssl dgst -sha256 -verify key.pem -signature sig data
printf secret >plain
tss2 createseal --path=HS/SRK/sealed --type=noDa --authValue= --data=plain
tss2 unseal --path=HS/SRK/sealed --data=got
cmp plain got
echo "== openssl"
export OPENSSL_MODULES=/host/lib OPENSSL_CONF=/host/openssl.cnf TPM2OPENSSL_TCTI=device:/dev/tpmrm0
way="-provider default -provider tpm2 -propquery ?provider=tpm2"
openssl genpkey $way -algorithm EC -pkeyopt group:P-256 -out key.tss
openssl pkey $way -in key.tss -pubout -out key.pem
openssl pkeyutl $way -sign -inkey key.tss -rawin -in data -digest sha256 -out sig
openssl dgst -sha256 -verify key.pem -signature sig data
echo "== pkcs11"
export TPM2_PKCS11_STORE=/tmp/store TPM2_PKCS11_TCTI=device:/dev/tpmrm0 TSS2_LOG=all+NONE
p="pkcs11-tool --module /host/lib/libtpm2_pkcs11.so"
$p --init-token --slot-index 0 --label t --so-pin 1234
$p --token-label t --login --login-type so --so-pin 1234 --init-pin --pin 5678
$p --token-label t --login --pin 5678 --keypairgen --key-type EC:prime256v1 --label k --id 01
$p --token-label t --login --pin 5678 --sign --mechanism ECDSA-SHA256 --id 01 -i data -o sig --signature-format openssl
$p --token-label t --read-object --type pubkey --id 01 -o key.der
openssl pkey -pubin -inform DER -in key.der -out key.pem
openssl dgst -sha256 -verify key.pem -signature sig data
echo good
"""


@test
def stack_on_tpmrm0():
    """ESYS, FAPI, OpenSSL's provider and PKCS #11 by the project's driver."""
    programs = ["/usr/bin/tss2", "/usr/bin/openssl", "/usr/bin/pkcs11-tool", ESYS]
    files = host_files(programs)
    files["/host/fapi.json"] = json.dumps(FAPI).encode()
    files["/host/openssl.cnf"] = b""
    for path in Path("/etc/tpm2-tss/fapi-profiles").glob("*.json"):
        files[f"/host/profiles/{path.name}"] = path
    out, _ = run("tpm-tis-indexed", STACK, files, driver="indexed")
    assert out.endswith("good\n") and out.count("Verified OK") == 3, out
    assert "tpmix" in out, out


if __name__ == "__main__":
    sys.exit(main())
