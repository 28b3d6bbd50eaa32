import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import { answerJson, answerOf, answerText, EVERYTHING, SUMMARY, type Answer } from '../../../src/query/answer.js';
import { parseQuery } from '../../../src/query/parse.js';
import { Question } from '../../../src/query/question.js';

const PLACE = { table: 'filter', chain: 'INPUT' } as const;

function ask(rules: readonly string[], query: string, extent = SUMMARY): Answer {
  const text = ['*filter', ':INPUT DROP [0:0]', ...rules, 'COMMIT', ''].join('\n');
  const { ruleset } = parseDump(text, { family: 'v4' });
  const parsed = parseQuery(query, 'v4');
  if (!parsed.ok) throw new Error(parsed.diagnostic.message);
  const question = new Question(ruleset, PLACE, [parsed.condition]);
  const region = question.packets(parsed.condition);
  const verdicts = answerOf(question, region, extent);
  return { ...PLACE, query, file: 'rules.v4', flows: question.flows(region), verdicts };
}

/** Rule i + 1 accepts 2^i of the source addresses. */
const GROWING = Array.from({ length: 25 }, (_, i) => `-A INPUT -s ${i + 1}.0.0.0/${32 - i} -j ACCEPT`);
const QUERY = 'udp to 192.0.2.1 port 53 sport 53';

describe('an answer', () => {
  it('tells the largest parts of each verdict first, and how many others there are', () => {
    const { verdicts } = ask(GROWING, QUERY);
    expect(verdicts.map(({ verdict, omitted, parts }) => [verdict, omitted, parts.length])).toEqual([
      ['accept', 5, 20],
      ['drop', 0, 1],
    ]);
    expect(verdicts[0].parts.map(({ flows }) => flows)).toEqual(
      Array.from({ length: 20 }, (_, i) => 1n << BigInt(24 - i)),
    );
    expect(verdicts[0].parts[0].deciding.rule).toBe(25);
    expect(verdicts[0].flows).toBe((1n << 25n) - 1n);
    expect(verdicts[1].flows).toBe((1n << 32n) - (1n << 25n) + 1n);
  });

  it('leaves no part out of everything', () => {
    const { verdicts } = ask(GROWING, QUERY, EVERYTHING);
    expect(verdicts.map(({ omitted, parts }) => [omitted, parts.length])).toEqual([
      [0, 25],
      [0, 1],
    ]);
    for (const { parts } of verdicts) for (const { example } of parts) expect(example?.confirmed).toBe(true);
  });

  it.each([
    {
      name: 'says that parts are left out',
      rules: GROWING,
      extent: SUMMARY,
      want: [
        /^ACCEPT, 2\^\d+ flows, 0\.8 %$/m,
        /^DROP, .*, 99\.2 %$/m,
        /^ {2}and 5 more$/m,
        /\n\n5 more parts: --all prints them$/,
      ],
      never: /in short/,
    },
    {
      name: 'says that values are left out',
      rules: Array.from({ length: 14 }, (_, i) => `-A INPUT -s ${2 * i + 1}.1.1.1/32 -j RETURN`).concat(
        '-A INPUT -s 0.0.0.0/1 -j ACCEPT',
      ),
      extent: { ...SUMMARY, values: 3 },
      want: [/ and \d+ more$/m, /\n\nsome of it in short: --all prints more$/],
      never: /more parts/,
    },
    {
      name: 'says nothing of --all where nothing is left out',
      rules: GROWING.slice(0, 3),
      extent: SUMMARY,
      want: [/^ACCEPT, 7 flows, less than 0\.1 %$/m, /^DROP, .*, more than 99\.9 %$/m],
      never: /--all/,
    },
    {
      name: 'prints everything',
      rules: GROWING,
      extent: EVERYTHING,
      want: [/rule 1 of INPUT/],
      never: /--all|and \d+ more/,
    },
    {
      name: 'says why verdicts have more flows together than there are',
      rules: ['-A INPUT -i lo -j ACCEPT'],
      extent: SUMMARY,
      want: [/^ACCEPT, .*, all$/m, /^DROP, .*, all$/m, /\n\na flow .* counts for each of its verdicts$/],
      never: /--all/,
    },
    { name: 'says that it is one verdict', rules: [], extent: SUMMARY, want: [/^DROP, .*, all$/m], never: /--all|%/ },
  ])('$name', ({ rules, extent, want, never }) => {
    const text = answerText(ask(rules, QUERY, extent), extent);
    for (const pattern of want) expect(text).toMatch(pattern);
    expect(text).not.toMatch(never);
  });

  it('is whole as JSON', () => {
    const json = JSON.parse(
      JSON.stringify(answerJson(ask(GROWING, QUERY, EVERYTHING)), (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    ) as { verdicts: { parts: Record<string, unknown>[] }[] };
    expect(json.verdicts.map((verdict) => [Object.keys(verdict), verdict.parts.length])).toEqual([
      [['verdict', 'flows', 'parts'], 25],
      [['verdict', 'flows', 'parts'], 1],
    ]);
    expect(json.verdicts[0].parts[0]).toMatchObject({ chain: 'INPUT', rule: 25, flows: '16777216', more: false });
  });
});
