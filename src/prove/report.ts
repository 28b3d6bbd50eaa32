import { hexdump, printPacketText, summarisePacket, toHex } from '../packet/index.js';
import type { VerifyJob } from '../verify/job.js';
import { traceOf } from '../verify/reference.js';
import type { Counterexample } from './counterexample.js';
import { domainOf } from './domain.js';
import type { NotProved } from './prove.js';

/** What is said of an object: one of the three, and never "proved" for want of a reason. */
export type Judgement =
  | { readonly kind: 'proved'; readonly rules: number; readonly shapes: number }
  | { readonly kind: 'refuted'; readonly example: Counterexample }
  | NotProved;

export interface ProofReport {
  readonly job: VerifyJob;
  readonly judgement: Judgement;
}

const LINEAR_HELP = 'that is a limit of diagrams: in an object of --engine linear rules are proved one by one';

/** For people. An object may judge several chains: each has a proof of its own. */
export function proofText({ job, judgement }: ProofReport): string {
  const { manifest } = job;
  const head = `${manifest.table} ${job.chain} at ${manifest.hook}, ${manifest.mode}`;
  switch (judgement.kind) {
    case 'proved': {
      const { inside, outside, trusted } = domainOf(manifest, job.chain);
      return [
        `proved: ${head}: all packets of the domain get the verdict of the rules, and count the same rules`,
        ...inside.map((line) => `  inside    ${line}`),
        ...outside.map((line) => `  outside   ${line}`),
        ...trusted.map((line) => `  trusted   ${line}`),
      ].join('\n');
    }
    case 'refuted':
      return [`REFUTED: ${head}`, ...exampleText(job, judgement.example)].join('\n');
    case 'not-proved':
      return [
        `not proved: ${head}: ${judgement.reason}`,
        '  the object may be right all the same: verify without --prove compares packets',
        ...(judgement.diagrams === true ? [`  ${LINEAR_HELP}`] : []),
      ].join('\n');
  }
}

function exampleText(job: VerifyJob, { packet, state, what, want, have, kernel }: Counterexample): readonly string[] {
  return [
    `  ${summarisePacket(packet)}`,
    ...(state === undefined ? [] : [`  state of its connection: ${state.join(', ')}`]),
    `  ${what}`,
    `    reference   ${want}`,
    `    interpreter ${have}`,
    ...(kernel === undefined ? [] : [`    kernel      ${kernel}`]),
    ...traceOf(job, packet).map((line) => `    reference   ${line}`),
    ...hexdump(packet.frame)
      .split('\n')
      .map((line) => `    ${line}`),
  ];
}

export function proofJson({ job, judgement }: ProofReport): unknown {
  const { table, hook, mode } = job.manifest;
  const about = { table, chain: job.chain, hook, mode };
  switch (judgement.kind) {
    case 'proved':
      return { result: 'proved', ...about, rules: judgement.rules, domain: domainOf(job.manifest, job.chain) };
    case 'refuted': {
      const { packet, state, what, want, have, kernel } = judgement.example;
      const example = {
        packet: printPacketText(packet),
        frame: toHex(packet.frame),
        ...(state === undefined ? {} : { state }),
        what,
        reference: want,
        interpreter: have,
        ...(kernel === undefined ? {} : { kernel }),
      };
      return { result: 'refuted', ...about, example };
    }
    case 'not-proved':
      return {
        result: 'not proved',
        ...about,
        reason: judgement.reason,
        ...(judgement.diagrams === true ? { help: LINEAR_HELP } : {}),
      };
  }
}
