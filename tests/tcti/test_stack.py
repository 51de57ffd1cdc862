#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rest of the TPM2 stack over the TCTI, in process: programs with ESYS, FAPI with its
own profile and store, OpenSSL's provider, PKCS #11, systemd; most also with repetitions.
What they signed is verified by OpenSSL without a TPM. TAP on stdout."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stage import ROOT, environment, machine, workdir  # noqa: E402
from tap import Skip, main, test  # noqa: E402

ESYS = ROOT / "build/host/tests/tcti/esys_day"
ESYS_TWO = ROOT / "build/host/tests/tcti/esys_two"
PROVIDER = Path("/usr/lib/x86_64-linux-gnu/ossl-modules/tpm2.so")
PKCS11 = Path("/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so")
DATA = b"what is signed\n" * 20
SECRET = b"what FAPI seals"


class Runner:
    """Programs in one directory and environment; counts the repetitions told."""

    def __init__(self, cwd, **env):
        self.cwd, self.replays = cwd, 0
        self.env = environment(TSS2_LOG="tcti+INFO,fapi+ERROR,esys+ERROR", **env)
        (cwd / "data").write_bytes(DATA)

    def run(self, *args, check=True):
        result = subprocess.run(list(map(str, args)), cwd=self.cwd, env=self.env, timeout=60,
                                capture_output=True)
        err = result.stderr.decode(errors="replace")
        self.replays += sum(map(int, re.findall(r"replayed-\w+=(\d+)", err)))
        assert not check or not result.returncode, (args, result.returncode, err[-1500:])
        return result

    def verify(self, key, signature):
        """Without a TPM, and a changed byte is seen."""
        (self.cwd / "other").write_bytes(DATA[:-1])
        for name, good in (("data", True), ("other", False)):
            got = subprocess.run(["openssl", "dgst", "-sha256", "-verify", key, "-signature",
                                  signature, name], cwd=self.cwd, capture_output=True)
            assert (got.returncode == 0) == good, (name, got)


@test
def esys():
    """By each door; the safe ones with repetitions too."""
    with workdir() as work:
        r = Runner(work)
        for door in ("indexed", "window", "fifo", "crb"):
            r.run(ESYS, f"indexed:state={work}/s,door={door}")
        assert not r.replays
        for door in ("indexed", "window", "crb"):
            for seed in range(8):
                r.run(ESYS, f"indexed:state={work}/s,door={door},replay=rate=200000,seed={seed}")
        print(f"# {r.replays} repetitions")
        assert r.replays > 2000, r.replays


@test
def esys_twice():
    """Two contexts in one program, by one door or two, and with repetitions."""
    pairs = [("indexed", "indexed"), ("crb", "crb"), ("indexed", "crb"), ("window", "fifo")]
    with workdir() as work:
        r = Runner(work)
        for one, other in pairs:
            r.run(ESYS_TWO, f"indexed:state={work}/s,door={one}",
                  f"indexed:state={work}/s,door={other}")
        for seed in range(4):
            r.run(ESYS_TWO, f"indexed:state={work}/s,replay=rate=200000,seed={seed}",
                  f"indexed:state={work}/s,door=crb,replay=rate=200000,seed={seed}")
        assert r.replays > 1000, r.replays


@test
def esys_twice_in_qemu():
    """Over one connection to QEMU's socket, on the same registers."""
    for model, doors in (("tis", ("indexed", "window", "fifo")), ("crb", ("indexed", "crb"))):
        with machine(model) as (config, *_), workdir() as work:
            r = Runner(work)
            for door in doors:
                r.run(ESYS_TWO, f"indexed:{config},door={door}",
                      f"indexed:{config},door={doors[0]}")
            r.run(ESYS_TWO, f"indexed:{config},replay=rate=100000,seed=1",
                  f"indexed:{config},replay=rate=100000,seed=2")
            assert r.replays > 50, r.replays


@test
def esys_by_the_fifo_fails():
    """The control group: some of these runs must not come out."""
    with workdir() as work:
        r = Runner(work)
        status = [r.run(ESYS, f"indexed:state={work}/s,door=fifo,replay=rate=3000,seed={seed}",
                        check=False).returncode for seed in range(10)]
        assert any(status), status


@test
def esys_in_qemu():
    for model, door in (("tis", "window"), ("crb", "crb")):
        with machine(model) as (config, *_), workdir() as work:
            r = Runner(work)
            for more in ("", ",replay=rate=300000,seed=5", ",replay=rate=300000,seed=6"):
                r.run(ESYS, f"indexed:{config},door={door}{more}")
            assert r.replays > 100, r.replays


def fapi(work, config):
    """Provision, a key, a signature, a sealed secret, in directories of its own."""
    for name in ("user", "system", "log"):
        (work / name).mkdir()
    (work / "fapi.json").write_text(json.dumps({
        "profile_name": "P_ECCP256SHA256", "profile_dir": "/etc/tpm2-tss/fapi-profiles/",
        "user_dir": f"{work}/user", "system_dir": f"{work}/system", "log_dir": f"{work}/log",
        "tcti": f"indexed:{config}", "ek_cert_less": "yes", "system_pcrs": []}))
    r = Runner(work, TSS2_FAPICONF=work / "fapi.json")
    r.run("tss2_provision")
    r.run("tss2_createkey", "--path=HS/SRK/key", "--type=sign,noDa", "--authValue=")
    assert b"/HS/SRK/key" in r.run("tss2_list").stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=DATA,
                            capture_output=True, check=True).stdout
    (work / "digest").write_bytes(digest)
    r.run("tss2_sign", "--keyPath=HS/SRK/key", "--digest=digest", "--signature=sig",
          "--publicKey=key.pem")
    r.verify("key.pem", "sig")
    r.run("tss2_verifysignature", "--keyPath=HS/SRK/key", "--digest=digest", "--signature=sig")
    (work / "plain").write_bytes(SECRET)
    r.run("tss2_createseal", "--path=HS/SRK/sealed", "--type=noDa", "--authValue=",
          "--data=plain")
    assert r.run("tss2_unseal", "--path=HS/SRK/sealed", "--data=-").stdout == SECRET
    r.run("tss2_createnv", "--path=/nv/Owner/n", "--type=noDa", "--size=20", "--authValue=")
    (work / "twenty").write_bytes(bytes(range(20)))
    r.run("tss2_nvwrite", "--nvPath=/nv/Owner/n", "--data=twenty")
    assert r.run("tss2_nvread", "--nvPath=/nv/Owner/n", "--data=-").stdout == bytes(range(20))
    return r.replays


@test
def fapi_in_process():
    for config in ("door=indexed", "door=crb", "replay=rate=200000,seed=11",
                   "door=window,replay=rate=200000,seed=12"):
        with workdir() as work:
            made = fapi(work, f"state={work}/s,{config}")
            print(f"# {config}: {made} repetitions")
            assert (made > 200) == ("replay" in config), made


@test
def openssl_provider():
    """A key that lives in the TPM, for OpenSSL's own commands."""
    if not PROVIDER.exists():
        raise Skip("no tpm2-openssl here")
    for more in ("", ",replay=rate=200000,seed=2"):
        with workdir() as work:
            r = Runner(work, TPM2OPENSSL_TCTI=f"indexed:state={work}/s{more}")
            # In this order: libtpms in this process takes its cryptography from the
            # default provider, which must be there before the TPM is asked anything.
            way = ["-provider", "default", "-provider", "tpm2", "-propquery",
                   "?provider=tpm2"]
            r.run("openssl", "genpkey", *way, "-algorithm", "EC", "-pkeyopt", "group:P-256",
                  "-out", "key.tss")
            assert b"BEGIN TSS2 PRIVATE KEY" in (work / "key.tss").read_bytes()
            r.run("openssl", "pkey", *way, "-in", "key.tss", "-pubout", "-out", "key.pem")
            r.run("openssl", "pkeyutl", *way, "-sign", "-inkey", "key.tss", "-rawin", "-in",
                  "data", "-digest", "sha256", "-out", "sig")
            r.verify("key.pem", "sig")
            if more:
                print(f"# {r.replays} repetitions")


@test
def pkcs11():
    """It opens the TPM once for each token, so several times in one process."""
    if not PKCS11.exists():
        raise Skip("no libtpm2-pkcs11-1 here")
    for more in ("", ",replay=rate=100000,seed=3"):
        with workdir() as work:
            (work / "store").mkdir()
            r = Runner(work, TPM2_PKCS11_STORE=work / "store",
                       TPM2_PKCS11_TCTI=f"indexed:state={work}/s{more}")

            def token(*args, tool=("pkcs11-tool", "--module", PKCS11), runner=r):
                return runner.run(*tool, *args)

            token("--init-token", "--slot-index", "0", "--label", "t", "--so-pin", "1234")
            user = ["--token-label", "t", "--login"]
            token(*user, "--login-type", "so", "--so-pin", "1234", "--init-pin", "--pin", "5678")
            user += ["--pin", "5678"]
            token(*user, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "k", "--id",
                  "01")
            token(*user, "--sign", "--mechanism", "ECDSA-SHA256", "--id", "01", "-i", "data",
                  "-o", "sig", "--signature-format", "openssl")
            token(*user[:2], "--read-object", "--type", "pubkey", "--id", "01", "-o", "key.der")
            r.run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-out",
                  "key.pem")
            r.verify("key.pem", "sig")


@test
def systemd():
    """Asks the TPM what it has by one context and uses it by another."""
    if not all(map(shutil.which, ("systemd-cryptenroll", "cryptsetup"))):
        raise Skip("no systemd-cryptenroll or cryptsetup here")
    with workdir() as work:
        r = Runner(work, PASSWORD="pw")
        device = f"--tpm2-device=indexed:state={work}/s"
        (work / "pw").write_text("pw")
        with open(work / "disk", "wb") as disk:
            disk.truncate(32 << 20)
        r.run("cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2",
              "--pbkdf-force-iterations", "1000", "disk", "pw")
        r.run("systemd-cryptenroll", device, "--tpm2-pcrs=7", "disk")
        assert b"systemd-tpm2" in r.run("cryptsetup", "luksDump", "disk").stdout
        r.run("systemd-creds", "encrypt", "--with-key=tpm2", device, "--name=n", "data", "cred")
        assert DATA not in (work / "cred").read_bytes()
        r.run("systemd-creds", "decrypt", device, "--name=n", "cred", "out")
        assert (work / "out").read_bytes() == DATA


if __name__ == "__main__":
    sys.exit(main())
