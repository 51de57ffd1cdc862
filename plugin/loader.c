/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's -plugin loads this: checks that the running QEMU is the one that the
 * plug-in was built for, then registers the types.
 *
 * A plug-in that registers a device uses what QEMU keeps private; nothing but
 * the very same binary is known to fit. So the checks come first:
 *
 * 1. in a constructor, when not a line of QEMU was called yet and the plug-in's
 *    references to QEMU are weak (scripts/plugin.sh), so that one that is
 *    missing does not hide the reason: the binary's build-id;
 * 2. in qemu_plugin_install(), the sizes of the types used, which tell a build
 *    against other headers than the binary's.
 *
 * Either ends QEMU with one line, as a device that cannot be had does.
 */

#include "qemu/osdep.h"
#include <elf.h>
#include <link.h>
#include "exec/memory.h"
#include "hw/acpi/acpi_aml_interface.h"
#include "hw/isa/isa.h"
#include "qemu/qemu-plugin.h"
#include "tpm_crb_ext_child.h"
#include "tpm_tis_indexed_child.h"

/* PLUGIN_BUILD_ID, PLUGIN_QEMU: by the compiler's command line */
#define BUILD_ID_SIZE 20

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN
void plugin_refuse(const char *fmt, ...)
{
    char exe[PATH_MAX] = "QEMU_BINARY";
    va_list args;

    /* On failure the placeholder stays. */
    if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0) {
        strcpy(exe, "QEMU_BINARY");
    }
    fprintf(stderr, "tpmix plug-in: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, ": build one for this QEMU with ./run plugin %s\n", exe);
    /* Not exit(): QEMU is not set up for its own handlers yet. */
    _exit(1);
}

static bool plugin_find_note(const uint8_t *note, size_t size, char *hex)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)note;
        const uint8_t *name = note + sizeof(*head);
        const uint8_t *id = name + ROUND_UP(head->n_namesz, 4);
        size_t length = sizeof(*head) + ROUND_UP(head->n_namesz, 4) +
                        ROUND_UP(head->n_descsz, 4);

        if (length > size) {
            break;
        }
        if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
            !memcmp(name, "GNU", 4) && head->n_descsz == BUILD_ID_SIZE) {
            for (unsigned i = 0; i < BUILD_ID_SIZE; i++) {
                sprintf(hex + 2 * i, "%02x", id[i]);
            }
            return true;
        }
        note += length;
        size -= length;
    }
    return false;
}

/* The first object is the program; the return value ends the walk there. */
static int plugin_program_build_id(struct dl_phdr_info *info, size_t size,
                                   void *hex)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_NOTE &&
            plugin_find_note((const uint8_t *)info->dlpi_addr + p->p_vaddr,
                             p->p_memsz, hex)) {
            break;
        }
    }
    return 1;
}

static void __attribute__((constructor)) plugin_check_build_id(void)
{
    char hex[2 * BUILD_ID_SIZE + 1] = "none";

    dl_iterate_phdr(plugin_program_build_id, hex);
    if (strcmp(hex, PLUGIN_BUILD_ID)) {
        plugin_refuse("built for %s with build-id " PLUGIN_BUILD_ID
                      ", this QEMU has build-id %s", PLUGIN_QEMU, hex);
    }
}

/* The head of QEMU's TypeImpl, which is private to qom/object.c. */
typedef struct PluginTypeImpl {
    const char *name;
    size_t class_size;
    size_t instance_size;
} PluginTypeImpl;

/* No function tells the sizes in all versions. NULL: no such type. */
static const PluginTypeImpl *plugin_find_type(const char *name)
{
    ObjectClass *klass = object_class_by_name(name);
    const PluginTypeImpl *type = klass ? (const PluginTypeImpl *)klass->type :
                                         NULL;

    return type && type->name == object_class_get_name(klass) ? type : NULL;
}

static void plugin_check_size(const char *type, const char *what, size_t built,
                              size_t here)
{
    if (built != here) {
        plugin_refuse("built with %zu bytes for %s %s, this QEMU has %zu",
                      built, what, type, here);
    }
}

static void plugin_check_sizes(void)
{
    /* 0: not used */
    static const struct {
        const char *type;
        size_t instance_size;
        size_t class_size;
    } used[] = {
        { TYPE_OBJECT, sizeof(Object), sizeof(ObjectClass) },
        { TYPE_DEVICE, sizeof(DeviceState), sizeof(DeviceClass) },
        { TYPE_ISA_DEVICE, sizeof(ISADevice), 0 },
        { TYPE_MEMORY_REGION, sizeof(MemoryRegion), 0 },
        { TYPE_TPM_BACKEND, sizeof(TPMBackend), 0 },
        { TYPE_TPM_TIS_ISA, sizeof(TPMTISParent), 0 },
        { TYPE_TPM_CRB, sizeof(TPMCRBParent), 0 },
        { TYPE_TPM_IF, 0, sizeof(TPMIfClass) },
        { TYPE_ACPI_DEV_AML_IF, 0, sizeof(AcpiDevAmlIfClass) },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(used); i++) {
        const PluginTypeImpl *type = plugin_find_type(used[i].type);

        if (!type) {
            plugin_refuse("this QEMU has no type %s", used[i].type);
        }
        if (used[i].instance_size) {
            plugin_check_size(used[i].type, "an instance of",
                              used[i].instance_size, type->instance_size);
        }
        if (used[i].class_size) {
            plugin_check_size(used[i].type, "the class of",
                              used[i].class_size, type->class_size);
        }
    }
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info, int argc,
                                           char **argv)
{
    PluginTypeInit *const *init;

    plugin_check_sizes();
    for (init = __start_plugin_types; init < __stop_plugin_types; init++) {
        (*init)();
    }
    return 0;
}
