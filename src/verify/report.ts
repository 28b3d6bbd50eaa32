import { printPacketText, summarisePacket, hexdump, toHex } from '../packet/index.js';
import { chainsOf } from '../../codegen/program/manifest.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { EngineReport, Minimised, Mismatch, VerifyJob } from './job.js';
import { junitXml, type JunitCase } from '../report/junit.js';
import { traceOf } from './reference.js';

export interface VerifyReport {
  readonly job: VerifyJob;
  readonly engines: readonly EngineReport[];
  readonly seed?: number;
  /** Milliseconds. */
  readonly elapsed: number;
}

/** For people. */
export function reportText({ job, engines, seed }: VerifyReport): string {
  const { manifest } = job;
  const head = `${manifest.table} ${chainsOf(manifest)} at ${manifest.hook}, ${manifest.mode}: ${job.packets.length} packets`;
  const lines = [seed === undefined ? head : `${head}, seed ${seed}`];
  for (const engine of engines) lines.push(...engineText(job, engine));
  const asked = engines.filter((engine) => engine.skipped === undefined);
  const bad = engines.reduce((sum, engine) => sum + engine.mismatches.length, 0);
  const names = [...new Set(['reference', ...asked.map((engine) => engine.engine)])].join(', ');
  lines.push(bad === 0 ? `equal: ${names}` : `NOT equal: ${mismatchCount(bad)}`);
  return lines.join('\n');
}

function mismatchCount(count: number): string {
  return `${count} ${count === 1 ? 'mismatch' : 'mismatches'}`;
}

/** The engine, and the chain it was asked about if that is one of several. */
function nameOf({ engine, chain }: EngineReport): string {
  return (chain === undefined ? engine : `${engine} ${chain}`).padEnd(12);
}

function engineText(job: VerifyJob, engine: EngineReport): string[] {
  if (engine.skipped !== undefined) return [`  ${nameOf(engine)} skipped: ${engine.skipped}`];
  const { accept, drop, reject } = engine.verdicts;
  const lines = [
    `  ${nameOf(engine)} ${engine.packets} packets: ${accept} accept, ${drop} drop, ${reject} reject; ${engine.mismatches.length} mismatches`,
    ...engine.notes.map((note) => `               ${note}`),
    ...Object.entries(engine.unasked).map(([reason, count]) => `               ${count} not asked: ${reason}`),
  ];
  for (const mismatch of engine.mismatches.slice(0, 5))
    lines.push(...mismatchText(engine.chain === undefined ? job : { ...job, chain: engine.chain }, mismatch));
  if (engine.minimised !== undefined) lines.push(...minimisedText(engine.minimised));
  return lines;
}

function mismatchText(job: VerifyJob, mismatch: Mismatch): string[] {
  const { packet } = mismatch;
  const head = `    ${mismatch.what} differs${mismatch.index < 0 ? '' : ` on packet ${mismatch.index}`}`;
  const sides = [`      reference   ${mismatch.want}`, `      ${mismatch.engine.padEnd(11)} ${mismatch.have}`];
  if (mismatch.index < 0) return [head, ...sides];
  const trace = traceOf(job, packet).map((line) => `      reference   ${line}`);
  const bytes = hexdump(packet.frame)
    .split('\n')
    .map((line) => `      ${line}`);
  return [head, `      ${summarisePacket(packet)}`, ...sides, ...trace, ...bytes];
}

function minimisedText({ text, mismatch, unfinished }: Minimised): string[] {
  return [
    `    ${mismatch.what} differs on this smaller example too${unfinished ? ' (not all was tried)' : ''}`,
    `      ${summarisePacket(mismatch.packet)}`,
    `      reference   ${mismatch.want}`,
    `      ${mismatch.engine.padEnd(11)} ${mismatch.have}`,
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => `      | ${line}`),
    ...hexdump(mismatch.packet.frame)
      .split('\n')
      .map((line) => `      ${line}`),
  ];
}

function packetJson(packet: Packet): { readonly text: string; readonly frame: string } {
  return { text: printPacketText(packet), frame: toHex(packet.frame) };
}

function mismatchJson({ packet, ...rest }: Mismatch): unknown {
  return { ...rest, packet: packetJson(packet) };
}

/** For programs: one object, numbers and texts only. */
export function reportJson({ job, engines, seed, elapsed }: VerifyReport): unknown {
  const { source: _source, ...manifest } = job.manifest;
  return {
    equal: engines.every((engine) => engine.mismatches.length === 0),
    packets: job.packets.length,
    ...(seed === undefined ? {} : { seed }),
    milliseconds: elapsed,
    manifest,
    engines: engines.map(({ minimised, ...engine }) => ({
      ...engine,
      mismatches: engine.mismatches.map(mismatchJson),
      ...(minimised === undefined ? {} : { minimised: { ...minimised, mismatch: mismatchJson(minimised.mismatch) } }),
    })),
  };
}

/** JUnit XML: one test case an engine. */
export function reportJunit({ job, engines, elapsed }: VerifyReport): string {
  const { manifest } = job;
  const suite = `${manifest.sourceFile} ${manifest.table} ${chainsOf(manifest)} ${manifest.hook} ${manifest.mode}`;
  const cases = engines.map((engine): JunitCase => {
    const name = nameOf(engine).trim();
    if (engine.skipped !== undefined) return { name, result: { kind: 'skipped', message: engine.skipped } };
    if (engine.mismatches.length === 0) return { name, result: { kind: 'passed' } };
    const text = engine.mismatches.map((mismatch) => mismatchText(job, mismatch).join('\n')).join('\n');
    return { name, result: { kind: 'failed', message: mismatchCount(engine.mismatches.length), text } };
  });
  return junitXml(suite, cases, elapsed / 1000);
}
