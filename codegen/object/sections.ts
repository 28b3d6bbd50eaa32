/** Names of the sections that an object has beside its program's. */
export const TEXT_SECTION = '.text';
export const MAPS_SECTION = '.maps';
/** A data section of BTF alone, where libbpf looks for external functions of the kernel (KSYMS_SEC in libbpf.c). */
export const KFUNCS_SECTION = '.ksyms';
/** libbpf makes a map of it that holds its bytes (LIBBPF_MAP_RODATA in libbpf.c). */
export const DATA_SECTION = '.rodata';
export const LICENSE_SECTION = 'license';
export const BTF_SECTION = '.BTF';
export const BTF_EXT_SECTION = '.BTF.ext';
/** libbpf takes sections named `.debug_*` for DWARF and skips them. */
export const MANIFEST_SECTION = '.debug_ipt2bpf';
