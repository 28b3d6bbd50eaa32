/** Edits of `iptables-save` text: the same kind, number and seed give the same text. */

/** Values from 0 on, below 1 (xorshift: Marsaglia 2003). */
type Draw = () => number;

/** Changes some lines, or gives others. */
type Edit = (lines: readonly string[], draw: Draw, count: number) => readonly string[];

const EDITS = {
  ports: replacing(/--dport \d+(?= |$)/, (_, draw) => `--dport ${1024 + below(draw, 60_000)}`),
  deleted: (lines, draw, count) => {
    const gone = new Set(pick(lines, draw, count, () => true));
    return lines.filter((_, i) => !gone.has(i));
  },
  verdicts: replacing(/-j (ACCEPT|DROP)$/, (text) => (text === '-j ACCEPT' ? '-j DROP' : '-j ACCEPT')),
  narrow: inserting(
    (_, draw) =>
      `-s ${network(draw, 32)} -d ${network(draw, 24)} -p tcp -m tcp --dport ${port(draw)} -j ${verdict(draw)}`,
  ),
  broad: inserting((lines, draw) => {
    if (draw() < 0.5) return `-s ${known(lines, draw)} -p ${draw() < 0.7 ? 'tcp' : 'udp'} -j ${verdict(draw)}`;
    if (draw() < 0.5) return `-d ${known(lines, draw)} -j ${verdict(draw)}`;
    return `-p tcp -m tcp --dport ${port(draw)} -j ${verdict(draw)}`;
  }),
  moved: (lines, draw, count) => {
    const moving = [...pick(lines, draw, count, () => true)];
    const out = lines.filter((_, i) => !moving.includes(i));
    for (const rule of moving.map((i) => lines[i])) {
      const own = out.flatMap((line, i) => (line.startsWith(`-A ${chainOf(rule)} `) ? [i] : []));
      out.splice(own[below(draw, own.length)] ?? out.indexOf('COMMIT'), 0, rule);
    }
    return out;
  },
  prefixes: replacing(/-([sd]) ([\d.]+)\/(\d+)/, (text) => {
    const [flag, prefix] = text.split(' ');
    const [address, length] = prefix.split('/');
    const shorter = Math.max(8, Number(length) - 4);
    return `${flag} ${cut(address, shorter)}/${shorter}`;
  }),
} as const satisfies Readonly<Record<string, Edit>>;

/** In the order of the columns of a table, with the words for it. */
export const EDIT_KINDS = {
  ports: 'ports',
  deleted: 'deleted',
  verdicts: 'other verdicts',
  narrow: 'new, narrow',
  broad: 'new, any address',
  moved: 'moved',
  prefixes: 'other prefixes',
  mixed: 'of all kinds',
} as const satisfies Readonly<Record<keyof typeof EDITS | 'mixed', string>>;
export type EditKind = keyof typeof EDIT_KINDS;

export function edited(text: string, kind: EditKind, count: number, seed: number): string {
  const draw = draws(seed);
  const lines = text.split('\n');
  if (kind !== 'mixed') return EDITS[kind](lines, draw, count).join('\n');
  const edits = Object.values(EDITS);
  return edits
    .reduce<readonly string[]>(
      (here, edit, i) => edit(here, draw, Math.floor((count + edits.length - 1 - i) / edits.length)),
      lines,
    )
    .join('\n');
}

function draws(seed: number): Draw {
  let state = Math.imul(seed + 17, 2654435761) >>> 0 || 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 20; i++) draw();
  return draw;
}

function replacing(pattern: RegExp, change: (text: string, draw: Draw) => string): Edit {
  return (lines, draw, count) => {
    const out = [...lines];
    for (const i of pick(lines, draw, count, (line) => pattern.test(line))) {
      out[i] = out[i].replace(pattern, (text) => change(text, draw));
    }
    return out;
  };
}

function inserting(rule: (lines: readonly string[], draw: Draw) => string): Edit {
  return (lines, draw, count) => {
    const out = [...lines];
    for (let i = 0; i < count; i++) {
      const [at] = pick(out, draw, 1, () => true);
      out.splice(at, 0, `-A ${chainOf(out[at])} ${rule(lines, draw)}`);
    }
    return out;
  };
}

/** Places of different rules, one drawn when it is asked for. */
function* pick(lines: readonly string[], draw: Draw, count: number, fits: (line: string) => boolean): Iterable<number> {
  const places = lines.flatMap((line, i) => (line.startsWith('-A ') && fits(line) ? [i] : []));
  for (let i = 0; i < count && places.length > 0; i++) yield places.splice(below(draw, places.length), 1)[0];
}

function chainOf(rule: string): string {
  return rule.split(' ')[1];
}

function below(draw: Draw, end: number): number {
  return Math.floor(draw() * end);
}

function verdict(draw: Draw): string {
  return draw() < 0.5 ? 'ACCEPT' : 'DROP';
}

function port(draw: Draw): number {
  return draw() < 0.6 ? [22, 80, 443, 53, 25][below(draw, 5)] : 1 + below(draw, 65_535);
}

/** The network of an address. */
function cut(address: string, length: number): string {
  const value = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const start = value - (value % 2 ** (32 - length));
  return [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.');
}

function network(draw: Draw, length: number): string {
  const address = [1 + below(draw, 220), below(draw, 256), below(draw, 256), below(draw, 256)].join('.');
  return `${cut(address, length)}/${length}`;
}

/** A network that a rule names, or one around it. */
function known(lines: readonly string[], draw: Draw): string {
  for (let i = 0; i < 1000; i++) {
    const match = /-[sd] ([\d.]+)\/(\d+)/.exec(lines[below(draw, lines.length)]);
    if (match === null) continue;
    const length = Math.min(Number(match[2]), [8, 16, 24, 32][below(draw, 4)]);
    return `${cut(match[1], length)}/${length}`;
  }
  return network(draw, 16);
}
