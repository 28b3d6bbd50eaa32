import { describe, expect, it } from 'vitest';
import { disassemble } from '../../../codegen/bytecode/disassemble.js';
import { exit, goto, jump64, lddw, mov64, R0, R1, type Instruction } from '../../../codegen/bytecode/instruction.js';
import { Code } from '../../../codegen/program/code.js';

/** Instructions with their labels, without numbers. */
function text(instructions: readonly Instruction[]): readonly string[] {
  return disassemble(instructions)
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^ *\d+: /, ''));
}

const LINE = { text: '-A INPUT -j DROP', line: 3, column: 1 };

describe('Code', () => {
  const cases: readonly { name: string; have: (code: Code) => void; want: readonly string[] }[] = [
    {
      name: 'several labels of one place become the first of them',
      have: (code) => {
        code.emit(jump64('jeq', R1, 0, 'b_1'), jump64('jeq', R1, 1, 'a_0'), mov64(R0, 1));
        code.place('a_0');
        code.place('b_1');
        code.emit(exit());
      },
      want: ['if r1 == 0x0 goto <a_0>', 'if r1 == 0x1 goto <a_0>', 'r0 = 1', 'a_0:', 'exit'],
    },
    {
      name: 'a chosen name stands before numbered ones',
      have: (code) => {
        code.emit(jump64('jeq', R1, 0, 'next_7'), jump64('jeq', R1, 1, 'leave'), mov64(R0, 1));
        code.place('next_7');
        code.place('leave');
        code.emit(exit());
      },
      want: ['if r1 == 0x0 goto <leave>', 'if r1 == 0x1 goto <leave>', 'r0 = 1', 'leave:', 'exit'],
    },
    {
      name: 'a jump to the very next place is left out',
      have: (code) => {
        code.emit(mov64(R0, 1), goto('next_0'));
        code.place('next_0');
        code.emit(exit());
      },
      want: ['r0 = 1', 'next_0:', 'exit'],
    },
    {
      name: 'and what jumped to such a jump goes to that place',
      have: (code) => {
        code.emit(jump64('jeq', R1, 0, 'here_0'), mov64(R0, 1));
        code.place('here_0');
        code.emit(goto('next_1'));
        code.place('next_1');
        code.emit(exit());
      },
      want: ['if r1 == 0x0 goto <here_0>', 'r0 = 1', 'here_0:', 'exit'],
    },
    {
      name: 'a conditional jump to the next place stays',
      have: (code) => {
        code.emit(jump64('jeq', R1, 0, 'next_0'));
        code.place('next_0');
        code.emit(exit());
      },
      want: ['if r1 == 0x0 goto <next_0>', 'next_0:', 'exit'],
    },
    {
      name: 'code behind a goto or an exit is left out unless something jumps there',
      have: (code) => {
        code.emit(jump64('jeq', R1, 0, 'far_0'), goto('end_1'), mov64(R0, 7), exit());
        code.place('far_0');
        code.emit(mov64(R0, 2), exit(), mov64(R0, 8));
        code.place('end_1');
        code.emit(mov64(R0, 3), exit());
      },
      want: [
        ...['if r1 == 0x0 goto <far_0>', 'goto <end_1>', 'far_0:', 'r0 = 2', 'exit'],
        ...['end_1:', 'r0 = 3', 'exit'],
      ],
    },
    {
      name: 'a loop that nothing enters is left out, one that is entered stays',
      have: (code) => {
        code.place('loop_0');
        code.emit(jump64('jeq', R1, 0, 'loop_0'), exit());
        code.place('dead_1');
        code.emit(mov64(R0, 1), goto('dead_1'));
      },
      want: ['loop_0:', 'if r1 == 0x0 goto <loop_0>', 'exit'],
    },
    {
      name: 'lines stand over the instructions emitted under them',
      have: (code) => {
        code.emit(mov64(R0, 1));
        code.at(LINE);
        code.emit(mov64(R0, 2));
        code.at(undefined);
        code.emit(exit());
      },
      want: ['r0 = 1', '; -A INPUT -j DROP', 'r0 = 2', 'exit'],
    },
  ];
  it.each(cases)('$name', ({ have, want }) => {
    const code = new Code();
    have(code);
    expect(text(code.finish())).toEqual(want);
  });

  it('labels of blocks with one counter never meet', () => {
    const labels = { next: 0 };
    const [one, other] = [new Code(labels), new Code(labels)];
    const names = [one.label('x'), other.label('x'), one.label('y'), other.label('x')];
    expect(new Set(names).size).toBe(names.length);
  });

  it('a block that is appended keeps lines, labels and the place named at its end', () => {
    const labels = { next: 0 };
    const code = new Code(labels);
    const block = new Code(labels);
    const [first, second, end] = [code.label('first'), block.label('second'), block.label('end')];
    code.emit(jump64('jeq', R1, 0, first), jump64('jeq', R1, 1, second));
    block.at(LINE);
    block.place(second);
    block.emit(jump64('jeq', R1, 2, end), mov64(R0, 1));
    block.place(end);
    code.place(first);
    code.append(block);
    code.emit(exit());
    expect(text(code.finish())).toEqual([
      `if r1 == 0x0 goto <${first}>`,
      `if r1 == 0x1 goto <${first}>`,
      '; -A INPUT -j DROP',
      `${first}:`,
      `if r1 == 0x2 goto <${end}>`,
      'r0 = 1',
      `${end}:`,
      'exit',
    ]);
  });

  it('counts slots and jumps as they are emitted, appended and left out', () => {
    const labels = { next: 0 };
    const [code, block] = [new Code(labels), new Code(labels)];
    block.emit(lddw(R1, 1n << 40n), jump64('jeq', R1, 0, 'next_9'), goto('next_9'));
    expect({ slots: block.slots, branches: block.branches }).toEqual({ slots: 4, branches: 2 });
    code.emit(mov64(R0, 0));
    code.append(block);
    code.place('next_9');
    code.emit(exit());
    expect({ slots: code.slots, branches: code.branches }).toEqual({ slots: 5, branches: 1 });
    expect(code.finish()).toHaveLength(4);
  });

  it.each<{ name: string; have: (code: Code) => void; want: string }>([
    { name: 'a jump to nowhere', have: (code) => code.emit(goto('nowhere')), want: 'jump to unknown label nowhere' },
    { name: 'a label behind the end', have: (code) => code.place('end'), want: 'label end at the end of the code' },
  ])('refuses $name', ({ have, want }) => {
    const code = new Code();
    have(code);
    expect(() => code.finish()).toThrow(want);
  });
});
