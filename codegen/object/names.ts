import { ObjectError } from './error.js';
import type { ObjectSpec } from './spec.js';

/** KSYM_NAME_LEN since Linux 6.1 is 512, before that 128 with the NUL. */
const MAX_NAME_LENGTH = 127;

/** What BTF takes for a name (`__btf_name_valid` in kernel/bpf/btf.c). */
function checkIdentifier(name: string, what: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name.length <= MAX_NAME_LENGTH) return;
  throw new ObjectError(
    'bad-name',
    `${what} ${JSON.stringify(name)}: not a name of at most ${MAX_NAME_LENGTH} letters`,
  );
}

function checkDistinct(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    checkIdentifier(name, what);
    if (seen.has(name)) throw new ObjectError('bad-name', `${what} ${name}: used twice`);
    seen.add(name);
  }
}

/** Every name is one that BTF takes; functions, maps and kfuncs share one space (the symbol table). */
export function checkNames(spec: ObjectSpec): void {
  const functions = [...spec.program.entries, ...spec.program.functions];
  const data = spec.data === undefined ? [] : [spec.data];
  const symbols = [...functions, ...spec.maps, ...data, ...spec.kfuncs].map((one) => one.name);
  checkDistinct([LICENSE_SYMBOL, ...symbols], 'symbol');
  for (const fn of functions) {
    const names = fn.params.map((param) => param.name);
    checkDistinct(names, `parameter of ${fn.name}`);
    for (const { type } of fn.params) if (type.kind === 'memory') checkIdentifier(type.struct, 'struct');
    for (const { name } of fn.inlined ?? []) checkIdentifier(name, `code in ${fn.name}`);
  }
  checkDistinct(
    spec.kernelStructs.map((struct) => struct.name),
    'kernel struct',
  );
  for (const struct of spec.kernelStructs) {
    const names = struct.members.map((member) => member.name);
    checkDistinct(names, `member of ${struct.name}`);
  }
  for (const kfunc of spec.kfuncs) {
    for (const type of [...kfunc.params, kfunc.returns ?? 'int']) {
      if (type.startsWith('struct ')) checkIdentifier(type.slice('struct '.length, -' *'.length), 'struct');
    }
  }
  for (const section of [spec.program.section, ...spec.program.entries.flatMap((entry) => entry.section ?? [])]) {
    if (!/^[\w/.-]+$/.test(section) || RESERVED_SECTION.test(section)) {
      throw new ObjectError('bad-name', `section ${JSON.stringify(section)}`);
    }
  }
}

export const LICENSE_SYMBOL = '_license';
/** Sections that mean something else to libbpf, and those of the object itself. */
const RESERVED_SECTION = /^(\.|license$|version$|maps$)/;
