#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A libvirt with the patch of packaging/libvirt: our models in its schema, its capabilities
and its rules, and domains with them from define to undefine, without an override. TAP on
stdout.

test_model.py [WORD...]: only the tests that have such a word in their name."""

import re
import sys

from domain import BUILD, DOMAINS, EMULATOR, KVM_TYPE, QEMU, ROOT
from life import HostsOnly, Life
from rig import as_stock, run

sys.path.insert(0, str(ROOT / "scripts"))
import ending  # noqa: E402

DAEMON = BUILD / "libvirt/obj/src/libvirtd"
MODELS = {"tis": ("tpm-tis-indexed", None, "model", "indexed", "tpmix", "snapshot"),
          "crb": ("tpm-crb-ext", None, "model", "stock", "tpm_crb", "starts_again")}


def capabilities(host):
    """Of the patched QEMU both, of Debian's neither."""
    for emulator, there in ((QEMU["own"], True), (QEMU["system"], False)):
        text = host.virsh("domcapabilities", "--virttype", "qemu", "--emulatorbin", emulator)
        (models,) = re.findall(r"<tpm .*?</enum>", text, re.S)
        assert "<value>tpm-tis</value>" in models, models
        for model in "tpm-tis-indexed", "tpm-crb-ext":
            assert (f"<value>{model}</value>" in models) == there, (emulator, models)


def rules(host, work):
    """The domain is one by the schema; tpm-crb-ext is 2.0, and no TPM 1.2."""
    text = (DOMAINS / "tpmix-model.xml").read_text().replace(
        KVM_TYPE, "<domain type='qemu'").replace(EMULATOR, str(QEMU["own"]))
    file = work / "rules.xml"

    def define(*changes):
        changed = text
        for old, new in changes:
            assert old in changed, old
            changed = changed.replace(old, new)
        file.write_text(changed)
        return host.try_virsh("define", "--validate", file)

    crb = ("'tpm-tis-indexed'", "'tpm-crb-ext'")
    assert define().returncode == 0
    host.virsh("undefine", "tpmix")
    assert define(crb, (" version='2.0'", "")).returncode == 0
    assert "version='2.0'" in host.virsh("dumpxml", "--inactive", "tpmix")
    host.virsh("undefine", "tpmix")
    for changes, why in (((crb, ("2.0", "1.2")), "Unsupported interface 'tpm-crb-ext'"),
                         ([("tpm-tis-indexed", "tpm-nonsense")], "XML document failed"),
                         ([(str(QEMU["own"]), str(QEMU["system"]))], "does not support TPM")):
        result = define(*changes)
        assert result.returncode and why in result.stderr, (why, result.stderr)


def checks(work, a, b):
    stock = HostsOnly(work, "stock", a, b, "tpm-tis", None, "model", "stock", None)
    lives = {name: Life(work, name, a, b, *words) for name, words in MODELS.items()}
    first = [(f"{name}: from define to undefine", life.run)
             for name, life in (lives | {"stock": stock}).items()]
    return first, [("capabilities", lambda: capabilities(a)),
                   ("schema and rules", lambda: rules(a, work)),
                   *((f"{name}: what libvirt does is what it does for a stock TPM",
                      lambda life=life: as_stock(life, stock))
                     for name, life in lives.items())]


def main(words):
    return run(words, checks, daemon=DAEMON)


if __name__ == "__main__":
    sys.exit(ending.guarded(main, sys.argv[1:]))
