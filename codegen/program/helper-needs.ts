import { CLASS, HELPER, JMP_OP, PSEUDO, type Instruction } from '../bytecode/instruction.js';

/** Helpers that are younger than the rest of what objects need: the first release that has them. */
const SINCE: readonly (readonly [keyof typeof HELPER, string])[] = [
  ['xdp_load_bytes', '5.18'],
  ['ktime_get_tai_ns', '6.1'],
];
const CALL = CLASS.JMP | JMP_OP.call;

/** What calls in these functions ask of the kernel. */
export function helperNeeds(
  functions: readonly (readonly Instruction[])[],
): readonly { readonly kernel: string; readonly feature: string }[] {
  const called = new Set<number | bigint>();
  for (const instructions of functions) {
    for (const { opcode, src, imm } of instructions) {
      if (opcode === CALL && src !== PSEUDO.CALL && src !== PSEUDO.KFUNC_CALL) called.add(imm);
    }
  }
  return SINCE.filter(([name]) => called.has(HELPER[name])).map(([name, kernel]) => ({
    kernel,
    feature: `helper bpf_${name}`,
  }));
}
