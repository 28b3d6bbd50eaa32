import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RealIptables } from '../../bpf-runtime/iptables/real-iptables.js';
import { analyse } from '../../codegen/program/analysis.js';
import { compile } from '../../codegen/program/index.js';
import { parseDump } from '../../grammar/index.js';
import type { Packet } from '../../grammar/model/packet.js';
import { buildIpPacket, buildPacket } from '../../src/packet/index.js';
import { generatePackets } from '../../src/verify/generate.js';
import { InterpreterMachine } from '../../src/verify/interpreter-machine.js';
import type { VerifyJob } from '../../src/verify/job.js';
import { readSpec } from '../../src/packet/index.js';
import { Random } from '../../src/verify/random.js';
import { reachOf } from '../../src/verify/reference.js';
import { IPTABLES, skipReason } from '../support/machine.js';

const SEED = 20240;
const DATAGRAMS = 600;
const why = skipReason(IPTABLES);

/** The datagram's pieces, cut at random multiples of 8 bytes behind the IP header. */
function cutInPieces(packet: Packet, id: number, random: Random): readonly Packet[] | undefined {
  const spec = readSpec(packet.frame);
  if (spec?.ip.family !== 'v4' || spec.ip.options !== undefined) return undefined;
  if ((spec.ip.fragmentOffset ?? 0) !== 0 || spec.ip.moreFragments === true) return undefined;
  const whole = buildIpPacket(spec);
  const body = whole.subarray(20);
  if (body.length < 16) return undefined;
  const pieces: Packet[] = [];
  for (let at = 0; at < body.length;) {
    const size = Math.min(8 * (1 + random.below(Math.ceil(body.length / 8))), body.length - at);
    const ip = { ...spec.ip, id, fragmentOffset: at / 8, moreFragments: at + size < body.length, protocol: whole[9] };
    const { totalLength: _length, checksum: _checksum, ...rest } = ip;
    const transport = { kind: 'other', protocol: whole[9], payload: body.slice(at, at + size) } as const;
    const { frame: _frame, ...place } = packet;
    pieces.push(buildPacket({ ...(spec.link === undefined ? {} : { link: spec.link }), ip: rest, transport }, place));
    at += size;
  }
  return pieces.length > 1 ? pieces : undefined;
}

describe(`datagrams in pieces, seed ${SEED}`, () => {
  for (const name of ['stateless-server.v4', 'blocklist.v4', 'home-router.v4', 'hostile.v4']) {
    it.skipIf(why !== '')(`${name}: what passes piece by piece, iptables accepts whole${why}`, () => {
      const text = readFileSync(`fixtures/dumps/${name}`, 'utf8');
      const { ruleset } = parseDump(text, { file: name });
      const options = { hook: 'tc', chain: 'INPUT', source: text } as const;
      const compiled = compile(ruleset, options);
      const analysed = analyse(ruleset, options);
      if (!compiled.ok || !analysed.ok) throw new Error('the fixture is refused');
      const { object, manifest } = compiled;
      const { analysis } = analysed;
      const random = new Random(SEED);
      const base = {
        ruleset,
        text,
        family: 'v4',
        table: 'filter',
        chain: 'INPUT',
        object,
        manifest,
        analysis,
      } as const;
      const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: DATAGRAMS, seed: SEED });
      const job: VerifyJob = { ...base, packets };
      const machine = new InterpreterMachine(job);
      const iptables = RealIptables.create({ ruleset: text, family: 'v4', chain: 'INPUT' });
      const outcome = { passed: 0, stopped: 0, stricter: 0, laxer: [] as number[] };
      try {
        packets.forEach((packet, index) => {
          if (reachOf(job, packet).kind !== 'reaches' || packet.inInterface === 'lo') return;
          const pieces = cutInPieces(packet, index + 1, random);
          if (pieces === undefined) return;
          const passed = pieces.every((piece) => machine.run(piece, 0) === 'accept');
          const last = iptables.judge(pieces)[pieces.length - 1];
          // A limit has its own clock on each side.
          if (!last.reached) return;
          outcome[passed ? 'passed' : 'stopped']++;
          if (passed && last.verdict !== 'accept') outcome.laxer.push(index);
          if (!passed && last.verdict === 'accept') outcome.stricter++;
        });
      } finally {
        iptables.close();
        machine.close();
      }
      console.log(`${name}: ${JSON.stringify(outcome)}`);
      expect(outcome.laxer).toEqual([]);
      expect(outcome.stopped).toBeGreaterThan(50);
    });
  }
});
