import { payloadKey, type PayloadTest } from '../../../grammar/model/payload.js';
import type { FunctionSpec, ParamSpec } from '../../object/spec.js';
import type { Code } from '../code.js';
import type { FlowLayout } from '../flow.js';
import type { View } from '../view.js';
import { emitClassic } from './classic.js';
import { FIND_EXTENSION, findExtensionFunction } from './find-extension.js';
import {
  emitAuthentication,
  emitEui64,
  emitFragment,
  emitHeaders,
  emitOptions,
  emitRouting,
  emitSegmentRouting,
} from './ipv6.js';
import { PayloadCode } from './payload-code.js';
import { emitSctpChunks } from './sctp.js';
import { SeenHeader } from './seen-header.js';
import { emitText, keepStretch, stretchFunction, TEXT_BLOCK_BYTES, textFunction } from './text.js';
import { emitDccpOption, emitTcpEcn, emitTcpMss } from './transport.js';
import { emitU32 } from './u32.js';
import type { FunctionCode } from '../function-code.js';

type Functions = readonly FunctionCode[];

/** Whether the function of a test calls {@link FIND_EXTENSION}. */
function findsExtension({ kind }: PayloadTest): boolean {
  return kind === 'ah' || kind === 'frag' || kind === 'rt' || kind === 'options' || kind === 'srh';
}

/** Bytes of stack of the functions of a test, each rounded up to 32 as the kernel does (check_max_stack_depth). */
function stackOf(test: PayloadTest): number {
  if (test.kind === 'classic-bpf') return 160;
  return test.kind === 'string' ? 224 : findsExtension(test) ? 128 : 96;
}

/** The functions of a program that answer payload tests: one for each different test. */
export class PayloadFunctions {
  private readonly tests = new Map<string, { readonly name: string; readonly test: PayloadTest }>();

  constructor(
    private readonly view: View,
    private readonly prefix: string,
  ) {}

  /** Name of the function that answers a test. */
  nameOf(test: PayloadTest): string {
    const key = payloadKey(test);
    let known = this.tests.get(key);
    if (known === undefined) {
      known = { name: `${this.prefix}payload_${this.tests.size}`, test };
      this.tests.set(key, known);
    }
    return known.name;
  }

  get size(): number {
    return this.tests.size;
  }

  /** Calls from a chain function on down. */
  get depth(): number {
    return Math.max(0, ...this.all().map((test) => (test.kind === 'string' ? 3 : findsExtension(test) ? 2 : 1)));
  }

  /** Bytes of stack from a chain function on down. */
  get stack(): number {
    return Math.max(0, ...this.all().map(stackOf));
  }

  private all(): readonly PayloadTest[] {
    return [...this.tests.values()].map(({ test }) => test);
  }

  specs(layout: FlowLayout, ctx: ParamSpec, flow: ParamSpec): Functions {
    const own = [...this.tests.values()].flatMap(({ name, test }) => {
      const text = test.kind === 'string' ? this.textSpecs(test, name, ctx, flow) : [];
      return [{ name, params: [ctx, flow], instructions: this.emit(test, name, layout).finish() }, ...text];
    });
    return this.all().some(findsExtension) ? [...own, findExtensionSpec(this.view, ctx, flow)] : own;
  }

  private textSpecs(test: TextTest, name: string, ctx: ParamSpec, flow: ParamSpec): Functions {
    const { hook, chain, family } = this.view;
    const payload = new PayloadCode(hook, keepStretch);
    const seen = new SeenHeader(payload, hook, chain, family);
    const code = stretchFunction(payload, seen, test, below(name, 'text'));
    return [
      { name: below(name, 'stretch'), params: [ctx, flow, int('offset'), int('state')], instructions: code.finish() },
      { name: below(name, 'text'), ...searcher(test) },
    ];
  }

  private emit(test: PayloadTest, name: string, layout: FlowLayout): Code {
    const { hook, chain, family } = this.view;
    const payload = new PayloadCode(hook);
    const seen = new SeenHeader(payload, hook, chain, family);
    switch (test.kind) {
      case 'sctp-chunks':
        emitSctpChunks(payload, test);
        break;
      case 'dccp-option':
        emitDccpOption(payload, test);
        break;
      case 'tcp-mss':
        emitTcpMss(payload, test);
        break;
      case 'tcp-ecn':
        emitTcpEcn(payload, test);
        break;
      case 'ah':
        emitAuthentication(payload, test);
        break;
      case 'frag':
        emitFragment(payload, test);
        break;
      case 'rt':
        emitRouting(payload, test);
        break;
      case 'options':
        emitOptions(payload, test);
        break;
      case 'headers':
        emitHeaders(payload, test);
        break;
      case 'srh':
        emitSegmentRouting(payload, test);
        break;
      case 'eui64':
        emitEui64(payload, layout);
        break;
      case 'u32':
        emitU32(payload, seen, test);
        break;
      case 'string':
        emitText(payload, test, below(name, 'stretch'));
        break;
      case 'classic-bpf':
        emitClassic(payload, seen, family, test);
        break;
    }
    return payload.finish();
  }
}

/** Name of a function that the payload function of a test calls. */
const below = (name: string, kind: 'stretch' | 'text'): string => name.replace(/payload_/, `${kind}_`);

type TextTest = Extract<PayloadTest, { kind: 'string' }>;

const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });

function searcher(test: TextTest): Pick<FunctionSpec, 'params' | 'instructions'> {
  const block: ParamSpec = { name: 'block', type: { kind: 'memory', struct: 'block', bytes: TEXT_BLOCK_BYTES } };
  return { params: [block, int('count'), int('state')], instructions: textFunction(test).finish() };
}

/** The function behind {@link FIND_EXTENSION}, one for the object. */
function findExtensionSpec(view: View, ctx: ParamSpec, flow: ParamSpec): Functions[number] {
  return {
    name: FIND_EXTENSION,
    params: [ctx, flow, int('target')],
    instructions: findExtensionFunction(view.hook).finish(),
  };
}
