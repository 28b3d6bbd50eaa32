import { describe, expect, it } from 'vitest';
import { tableLines, type Column } from '../../../src/terminal/table.js';

const COLUMNS: readonly Column[] = [
  { head: 'num', align: 'left' },
  { head: 'pkts', align: 'right' },
  { head: 'rule', align: 'left' },
];

describe('a table', () => {
  const rows = [
    ['1', '7', '-i lo -j ACCEPT'],
    ['12', '123456', '-p tcp -m tcp --dport 22 -j ACCEPT'],
  ];

  it('is as wide as its cells', () => {
    expect(tableLines(COLUMNS, rows, undefined)).toEqual([
      'num    pkts  rule',
      '1         7  -i lo -j ACCEPT',
      '12   123456  -p tcp -m tcp --dport 22 -j ACCEPT',
    ]);
  });

  it('folds its last column', () => {
    expect(tableLines(COLUMNS, rows, 40)).toEqual([
      'num    pkts  rule',
      '1         7  -i lo -j ACCEPT',
      '12   123456  -p tcp -m tcp --dport 22 -j',
      '             ACCEPT',
    ]);
  });

  it('has heads alone where there are no rows', () => {
    expect(tableLines(COLUMNS, [], 40)).toEqual(['num  pkts  rule']);
  });
});
