import { describe, expect, it } from 'vitest';
import { terminalOf } from '../../../src/terminal/terminal.js';

const tty = { isTTY: true, columns: 100 };
const pipe = {};

describe('columns', () => {
  it.each([
    { name: 'of the terminal', stream: tty, env: {}, want: 100 },
    { name: 'COLUMNS overrides it', stream: tty, env: { COLUMNS: '60' }, want: 60 },
    { name: 'COLUMNS is no number', stream: tty, env: { COLUMNS: 'wide' }, want: 100 },
    { name: 'COLUMNS is 0', stream: tty, env: { COLUMNS: '0' }, want: 100 },
    { name: 'a terminal without a size', stream: { isTTY: true, columns: 0 }, env: {}, want: 80 },
    { name: 'too narrow to read', stream: { isTTY: true, columns: 12 }, env: {}, want: 40 },
    { name: 'a pipe', stream: pipe, env: {}, want: undefined },
    { name: 'a pipe, whatever COLUMNS says', stream: pipe, env: { COLUMNS: '60' }, want: undefined },
  ])('$name', ({ stream, env, want }) => expect(terminalOf(stream, env).columns).toBe(want));
});

describe('colours', () => {
  it.each([
    { name: 'on a terminal', stream: tty, env: { TERM: 'xterm' }, want: true },
    { name: 'in a pipe', stream: pipe, env: { TERM: 'xterm' }, want: false },
    { name: 'on a dumb terminal', stream: tty, env: { TERM: 'dumb' }, want: false },
    { name: 'NO_COLOR', stream: tty, env: { NO_COLOR: '1' }, want: false },
    { name: 'NO_COLOR that is empty', stream: tty, env: { NO_COLOR: '' }, want: true },
    { name: 'FORCE_COLOR in a pipe', stream: pipe, env: { FORCE_COLOR: '1' }, want: true },
    { name: 'FORCE_COLOR over NO_COLOR', stream: tty, env: { FORCE_COLOR: '1', NO_COLOR: '1' }, want: true },
    { name: 'FORCE_COLOR=0', stream: tty, env: { FORCE_COLOR: '0' }, want: false },
    { name: 'FORCE_COLOR=false', stream: tty, env: { FORCE_COLOR: 'false' }, want: false },
    { name: 'FORCE_COLOR that is empty', stream: pipe, env: { FORCE_COLOR: '' }, want: false },
  ])('$name', ({ stream, env, want }) => expect(terminalOf(stream, env).colour).toBe(want));
});
