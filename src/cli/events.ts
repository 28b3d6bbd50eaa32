import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readObject } from '../../codegen/object/read.js';
import { EVENTS } from '../../codegen/program/log.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { EventReader, type LogEvent } from '../events/decode.js';
import { logLine } from '../events/log-line.js';
import { PcapFile } from '../events/pcap-file.js';
import { checkWritable, readInput } from './files.js';
import { EXIT, reasonOf, say, show, userError, type ExitCode } from './output.js';

interface Options {
  /** The pinned map, or the directory of the object's pins. */
  readonly pin: string;
  readonly group?: number;
  readonly pcap?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Between two looks into the ring buffer, in milliseconds. */
const PAUSE = 50;

/** Prints what LOG rules of a loaded object have matched, until it is stopped; NFLOG goes to a capture file. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  if ((options.pcap === undefined) !== (options.group === undefined)) {
    throw userError('usage', '--pcap and --group belong together: a capture file has the packets of one NFLOG group');
  }
  if (options.pcap !== undefined) checkWritable(options.pcap, [path]);
  const manifest = manifestOf(path);
  const reader = readerOf(path, manifest);
  const { KernelMap } = await import('../../bpf-runtime/kernel/map.js');
  const { getPinned } = await import('../../bpf-runtime/kernel/bpf.js');
  const { RingBuffer } = await import('../../bpf-runtime/kernel/ring-buffer.js');
  const map = new KernelMap(getPinned(mapPath(options.pin)));
  const ring = new RingBuffer(map);
  const capture = options.pcap === undefined ? undefined : new PcapFile(options.pcap);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    do {
      for (const bytes of ring.consume()) tellEvent(reader.read(bytes), { manifest, options, capture });
      if (options.once !== true) await sleep(PAUSE, undefined, { signal: stop.signal }).catch(() => undefined);
    } while (options.once !== true && !stop.signal.aborted);
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    capture?.close();
    ring.close();
    map.close();
  }
  return EXIT.same;
}

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
  readonly manifest: Manifest;
  readonly options: Options;
  readonly capture: PcapFile | undefined;
}

function tellEvent(event: LogEvent, { manifest, options, capture }: Output): void {
  const { group } = event.rule;
  const time = wallClock(event.time);
  if (capture !== undefined && group === options.group) {
    capture.add({ time, bytes: event.packet, length: event.length });
  }
  if (options.json === true) say(JSON.stringify(jsonOf(event, manifest, time)));
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
