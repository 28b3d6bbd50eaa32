// Measures how a large dump is parsed and bound: node scripts/measure-parse.js [DIST] [RULES]
// Each dump is read by a process of its own, as the command does. Beside the time on the clock it tells the time of the
// processor, of the whole process (the collector of garbage and the compiler have threads of their own) and of the thread
// that parses: on a machine that does other things, the clock tells what those take.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , dist = 'dist', count = '100000', kind, file] = process.argv;
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

/** Reads a file, once by `parseDump`, or by `bind` of what `readLines` gives. */
function read(api, text, options, way) {
  return way === 'parseDump' ? api.parseDump(text, options) : api.bind(api.readLines(text), options);
}

async function measure(way) {
  const api = await import(pathToFileURL(join(dist, 'src/index.js')).href);
  const text = readFileSync(file, 'utf8');
  const before = { wall: performance.now(), thread: processorTime(), all: process.cpuUsage() };
  const { diagnostics } = read(api, text, { family: kind === 'IPv6' ? 'v6' : 'v4' }, way);
  const wall = performance.now() - before.wall;
  const thread = processorTime() - before.thread;
  const { user, system } = process.cpuUsage(before.all);
  const memory = process.resourceUsage().maxRSS / 1024;
  const size = `${count} rules, ${(text.length / 1e6).toFixed(1)} MB, ${diagnostics.length} diagnostics`;
  const processor = `${((user + system) / 1000).toFixed(0)} ms of the processor (${thread.toFixed(0)} ms for the thread)`;
  console.log(
    `${kind.padEnd(6)} ${way.padEnd(9)} ${size}: ${wall.toFixed(0)} ms, ${processor}, ${memory.toFixed(0)} MB`,
  );
}

if (kind === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-parse-'));
  try {
    for (const each of KINDS) {
      const dump = join(folder, each);
      writeFileSync(dump, dumpOf(each, Number(count)));
      for (const way of ['parseDump', 'bind']) {
        execFileSync(process.execPath, [process.argv[1], dist, count, each, dump, way], { stdio: 'inherit' });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  await measure(process.argv[6]);
}
