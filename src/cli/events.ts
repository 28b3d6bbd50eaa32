import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readObject } from '../../codegen/object/read.js';
import { EVENTS } from '../../codegen/program/log.js';
import type { RingBuffer } from '../../bpf-runtime/kernel/ring-buffer.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { EventReader, type LogEvent } from '../events/decode.js';
import { logLine } from '../events/log-line.js';
import { PcapFile } from '../events/pcap-file.js';
import { checkWritable, readInput } from './files.js';
import { EXIT, reasonOf, say, show, userError, type ExitCode } from './output.js';

interface Options {
  /** The pinned map, or the directory of the object's pins. */
  readonly pin?: string;
  /** Of what is attached: which, and where it is pinned. */
  readonly name?: string;
  readonly pins: string;
  readonly group?: number;
  readonly pcap?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Between two looks into the ring buffers, and between two looks for other rulesets, in milliseconds. */
const PAUSE = 50;
const LOOK = 1000;

/** A ring buffer, and how what is in it is read. */
interface Source {
  /** Of a ruleset that is attached. */
  readonly name?: string;
  readonly manifest: Manifest;
  readonly reader: EventReader;
  readonly ring: Pick<RingBuffer, 'consume'>;
}

/** Sources that may become others; `look`: whether they may have. */
interface Sources {
  sources(look: boolean): readonly Source[];
  close(): void;
}

/** Prints what LOG rules of a loaded object or of what is attached have matched, until it is stopped; NFLOG goes to a capture file. */
export async function run(path: string | undefined, options: Options): Promise<ExitCode> {
  if ((options.pcap === undefined) !== (options.group === undefined)) {
    throw userError('usage', '--pcap and --group belong together: a capture file has the packets of one NFLOG group');
  }
  if (options.pcap !== undefined) checkWritable(options.pcap, path === undefined ? [] : [path]);
  const given = path === undefined ? await attachedSources(options) : await objectSources(path, options.pin);
  const capture = options.pcap === undefined ? undefined : new PcapFile(options.pcap);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    for (let round = 0; !stop.signal.aborted; round++) {
      for (const { name, manifest, reader, ring } of given.sources(round % (LOOK / PAUSE) === 0)) {
        for (const bytes of ring.consume()) tellEvent(reader.read(bytes), { name, manifest, options, capture });
      }
      if (options.once === true) break;
      await sleep(PAUSE, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    capture?.close();
    given.close();
  }
  return EXIT.same;
}

async function objectSources(path: string, pin: string | undefined): Promise<Sources> {
  if (pin === undefined) throw userError('usage', 'an object file needs --pin: where its map "events" is pinned');
  const manifest = manifestOf(path);
  const reader = readerOf(path, manifest);
  const { KernelMap } = await import('../../bpf-runtime/kernel/map.js');
  const { getPinned } = await import('../../bpf-runtime/kernel/bpf.js');
  const { RingBuffer: Ring } = await import('../../bpf-runtime/kernel/ring-buffer.js');
  const map = new KernelMap(getPinned(mapPath(pin)));
  const ring = new Ring(map);
  return {
    sources: () => [{ manifest, reader, ring }],
    close: () => {
      ring.close();
      map.close();
    },
  };
}

/** Those of what is attached, as rulesets are replaced. Throws `not-attached`, `no-log-rule`. */
async function attachedSources({ pin, pins, name }: Options): Promise<Sources> {
  if (pin !== undefined) throw userError('usage', '--pin is for an object file: give that, too');
  const { attached } = await import('./live/list.js');
  const { LogRings } = await import('../live/log-rings.js');
  const names = attached(pins, name).map(({ record }) => record.name);
  const rings = new LogRings(pins, name);
  const readers = new Map<string, Pick<Source, 'manifest' | 'reader'>>();
  const readerFor = (what: string, text: string): Pick<Source, 'manifest' | 'reader'> => {
    const known = readers.get(text) ?? { ...withReader(what, JSON.parse(text) as Manifest) };
    readers.set(text, known);
    return known;
  };
  const look = (): readonly Source[] =>
    rings.refresh().map((one) => ({ name: one.name, ring: one.ring, ...readerFor(one.name, one.manifest) }));
  let now = look();
  if (now.length === 0) throw userError('no-log-rule', `${names.join(', ')}: no rule of LOG or NFLOG`);
  return {
    sources: (again) => (now = again ? look() : now),
    close: () => rings.close(),
  };
}

const withReader = (what: string, manifest: Manifest): Pick<Source, 'manifest' | 'reader'> => ({
  manifest,
  reader: readerOf(what, manifest),
});

function manifestOf(path: string): Manifest {
  try {
    return JSON.parse(readObject(readInput(path)).manifest) as Manifest;
  } catch (error) {
    throw userError('bad-object', `${path}: is no object of ipt2bpf: ${reasonOf(error)}`);
  }
}

function readerOf(path: string, manifest: Manifest): EventReader {
  try {
    return new EventReader(manifest);
  } catch (error) {
    throw userError('bad-object', `${path}: ${reasonOf(error)}`);
  }
}

function mapPath(pin: string): string {
  const found = statSync(pin, { throwIfNoEntry: false });
  if (found === undefined) throw userError('not-attached', `${pin}: nothing is pinned there`);
  return found.isDirectory() ? join(pin, EVENTS) : pin;
}

/** A line of the kernel log has no verdict in it. */
const asItIs = (line: string): string => line;

interface Output {
  readonly name: string | undefined;
  readonly manifest: Manifest;
  readonly options: Options;
  readonly capture: PcapFile | undefined;
}

function tellEvent(event: LogEvent, { name, manifest, options, capture }: Output): void {
  const { group } = event.rule;
  const time = wallClock(event.time);
  if (capture !== undefined && group === options.group) {
    capture.add({ time, bytes: event.packet, length: event.length });
  }
  if (options.json === true) say(JSON.stringify({ name, ...jsonOf(event, manifest, time) }));
  else if (group === undefined) show(logLine(event, manifest.family), asItIs);
}

/** Nanoseconds since 1970 of a moment of CLOCK_MONOTONIC, which is what `process.hrtime` reads, too. */
function wallClock(monotonic: bigint): bigint {
  return BigInt(Date.now()) * 1_000_000n - (process.hrtime.bigint() - monotonic);
}

function jsonOf(event: LogEvent, { family }: Manifest, time: bigint): object {
  const { rule, counter, input, output, mark, owner, length, packet } = event;
  const { group, prefix, level } = rule;
  return {
    time: new Date(Number(time / 1_000_000n)).toISOString(),
    rule: counter?.kind === 'rule' ? { chain: counter.chain, number: counter.number, line: counter.line } : undefined,
    ...(group === undefined ? { level, line: logLine(event, family) } : { group }),
    prefix,
    in: input,
    out: output,
    mark,
    ...(owner === undefined ? {} : { uid: owner.user, gid: owner.group }),
    length,
    packet: Buffer.from(packet).toString('hex'),
  };
}
