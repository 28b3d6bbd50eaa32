// Measures how a large dump is parsed and bound: node scripts/measure-parse.js [DIST] [RULES]
// A machine that does other things is told by the second figure: processor time of the thread that parses.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , dist = 'dist', count = '100000', kind] = process.argv;
const KINDS = ['IPv4', 'IPv6', 'mixed'];

/** Numbers below a limit, the same in every run (xorshift). */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A dump with counters, some 130 bytes a rule; `mixed` has limits, marks, ranges, REJECT and LOG, too. */
function dumpOf(of, rules) {
  const below = numbers(12345);
  const one = (words) => words[below(words.length)];
  const hex = () => (1 + below(65535)).toString(16);
  const ipv4 = () => one([`${1 + below(223)}.${below(256)}.${below(256)}.${below(256)}/32`, `10.${below(256)}.0.0/16`]);
  const ipv6 = () => one([`2001:db8:${hex()}:${hex()}::/64`, `2a02:${hex()}:${hex()}:${hex()}::${hex()}/128`]);
  const address = of === 'IPv6' ? ipv6 : ipv4;
  const port = () => one([`${1 + below(65535)}`, `${1 + below(30000)}:${30001 + below(35000)}`]);
  const more = () =>
    one([
      ` -m limit --limit ${1 + below(60)}/min`,
      ` -m mark --mark 0x${hex()}`,
      ` -m iprange --src-range 10.0.0.1-10.0.${1 + below(255)}.9`,
      '',
    ]);
  const rule = (i) => {
    const protocol = one(['tcp', 'tcp', 'udp']);
    const state = one(['', '', ' -m conntrack --ctstate NEW', ' -m conntrack --ctstate RELATED,ESTABLISHED']);
    const targets = ['ACCEPT', 'DROP', ...(of === 'mixed' ? ['REJECT', 'LOG --log-prefix "dropped: "'] : [])];
    const device = below(3) === 0 ? ` -i eth${below(8)}` : '';
    const head = `[${below(100000)}:${below(10000000)}] -A C${i % 200} -s ${address()}${device} -p ${protocol}`;
    const tests = ` -m ${protocol} --dport ${port()}${state}${of === 'mixed' ? more() : ''}`;
    return `${head}${tests} -m comment --comment "rule ${i}" -j ${one(targets)}`;
  };
  const chains = Array.from({ length: 200 }, (_, i) => `:C${i} - [0:0]`);
  return ['*filter', ...chains, ...Array.from({ length: rules }, (_, i) => rule(i)), 'COMMIT', ''].join('\n');
}

/** Milliseconds that this thread has had the processor. */
function processorTime() {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

if (kind === undefined) {
  for (const each of KINDS) execFileSync(process.execPath, [process.argv[1], dist, count, each], { stdio: 'inherit' });
} else {
  const { parseDump } = await import(pathToFileURL(join(dist, 'src/index.js')).href);
  const text = dumpOf(kind, Number(count));
  const before = { wall: performance.now(), processor: processorTime() };
  const { diagnostics } = parseDump(text, { family: kind === 'IPv6' ? 'v6' : 'v4' });
  const wall = performance.now() - before.wall;
  const processor = processorTime() - before.processor;
  const memory = process.resourceUsage().maxRSS / 1024;
  const size = `${count} rules, ${(text.length / 1e6).toFixed(1)} MB, ${diagnostics.length} diagnostics`;
  console.log(
    `${kind.padEnd(6)} ${size}: ${wall.toFixed(0)} ms, ${processor.toFixed(0)} ms of the processor, ${memory.toFixed(0)} MB`,
  );
}
