/** Why an object could not be written or read. */
export type ObjectErrorCode =
  /** Reading: no little-endian ELF64 relocatable file for BPF. */
  | 'not-an-object'
  /** Reading: an offset or length leads outside of its section or file. */
  | 'truncated'
  /** Reading: the parts contradict each other, or say what {@link ObjectSpec} cannot hold. */
  | 'malformed'
  /** Writing: a name that is no C identifier, too long, or used twice. */
  | 'bad-name'
  /** Writing: a reference to a map, function, kfunc, member or label that the object does not have. */
  | 'bad-reference'
  /** Writing: a number or text that the format has no room for. */
  | 'bad-value'
  /** Writing: BTF beyond the kernel's 16 MiB (BTF_MAX_SIZE in include/uapi/linux/btf.h and kernel/bpf/btf.c). */
  | 'too-large';

/** The object cannot be written as asked, or the file is not one that `writeObject` could have made. */
export class ObjectError extends Error {
  constructor(
    readonly code: ObjectErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'ObjectError';
  }
}
