import { describe, expect, it } from 'vitest';
import { extractLog, findReason, findSourceLine, LoadError } from '../../../bpf-runtime/kernel/load-error.js';

const OUTPUT = `libbpf: prog 'filter': BPF program load failed: Permission denied
libbpf: prog 'filter': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
; -A INPUT -j DROP @ rules.v4:7
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2_w=pkt(r=0)
; -A INPUT -p tcp -j ACCEPT @ rules.v4:8
1: (61) r0 = *(u32 *)(r2 +100)
invalid access to packet, off=100 size=4, R2(id=0,off=100,r=0)
R2 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
-- END PROG LOAD LOG --
libbpf: failed to load program 'filter'
Error: failed to load object file
`;

describe('errors of a load', () => {
  it('finds the line of the source and the reason', () => {
    const error = new LoadError(OUTPUT);
    expect(error.source).toEqual({ text: '-A INPUT -p tcp -j ACCEPT', file: 'rules.v4', line: 8 });
    expect(error.message).toBe(
      'the kernel refused the program at rules.v4:8: -A INPUT -p tcp -j ACCEPT: R2 offset is outside of the packet',
    );
    expect(error.log.startsWith('0: R1=ctx()')).toBe(true);
  });

  it.each([
    ['a kernel that names no file', '; -A INPUT -j DROP\n0: (95) exit\n', { text: '-A INPUT -j DROP' }],
    ['no line info', '0: (95) exit\nR0 !read_ok\n', undefined],
  ])('finds the source with %s', (_name, log, want) => {
    expect(findSourceLine(log)).toEqual(want);
  });

  it('takes all of the output where there are no markers', () => {
    expect(extractLog('Error: failed to open object file\n')).toBe('Error: failed to open object file\n');
    expect(new LoadError('Error: failed to open object file\n').message).toContain('failed to open object file');
  });

  it('has no reason in a log of instructions alone', () => {
    expect(findReason('0: (95) exit\nprocessed 1 insns (limit 1000000)\n')).toBeUndefined();
  });
});
