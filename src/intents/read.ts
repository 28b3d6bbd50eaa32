import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type Scalar, type YAMLMap } from 'yaml';
import type { Condition } from '../../grammar/model/condition.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import { BUILTIN_CHAINS, type BuiltinChain, type Family, type TableName } from '../../grammar/model/family.js';
import { unknownName } from '../../grammar/modules/value/suggest.js';
import { parseQuery } from '../query/parse.js';
import type { ChainPlace } from '../space/place.js';
import { EXPECTATIONS, type Expectation, type Intent } from './intent.js';

export interface ReadIntents {
  readonly intents: readonly Intent[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a file of intents (docs/guides/intents.md). With errors among the diagnostics the intents are not all. */
export function readIntents(text: string, family: Family): ReadIntents {
  return new IntentReader(text, family).read();
}

const TOP = ['define', 'table', 'chain', 'intents'] as const;
const OWN = ['name', 'table', 'chain', 'packets', 'expect', 'only', 'except'] as const;

type Entries<K extends string> = Partial<Readonly<Record<K, Node>>>;

class IntentReader {
  readonly #lines = new LineCounter();
  readonly #diagnostics: Diagnostic[] = [];
  readonly #definitions = new Map<string, Condition>();

  constructor(
    private readonly text: string,
    private readonly family: Family,
  ) {}

  read(): ReadIntents {
    const document = parseDocument(this.text, { lineCounter: this.#lines, uniqueKeys: true });
    for (const { pos, message, code } of [...document.errors, ...document.warnings]) {
      const [first] = message.split(/ at line |\n/);
      this.#fault(pos[0], Math.max(1, pos[1] - pos[0]), `yaml-${code.toLowerCase().replaceAll('_', '-')}`, first);
    }
    const intents = this.#diagnostics.length === 0 ? this.#file(document.contents) : [];
    return { intents, diagnostics: this.#diagnostics };
  }

  #file(contents: Node | null): readonly Intent[] {
    if (!isMap(contents)) {
      this.#at(contents, 'intents-shape', 'a map with the key intents is wanted');
      return [];
    }
    const top = this.#entries(contents, TOP);
    if (top.define !== undefined) this.#define(top.define);
    const place = this.#place(top.table, top.chain);
    if (!isSeq<Node>(top.intents)) {
      this.#at(top.intents ?? contents, 'intents-shape', 'intents is a list');
      return [];
    }
    return top.intents.items.flatMap((item, i) => this.#intent(item, i + 1, place));
  }

  #define(node: Node): void {
    if (!isMap(node)) return this.#at(node, 'intents-shape', 'define is a map from names to queries');
    for (const { key, value } of node.items) {
      if (!isScalar(key) || !isNode(value)) continue;
      const name = String(key.value);
      if (!/^[A-Za-z_][\w-]*$/.test(name)) this.#at(key, 'intents-value', `"${name}" is not a name`);
      const condition = this.#query(value);
      if (condition !== undefined) this.#definitions.set(name, condition);
    }
  }

  #intent(node: Node, number: number, above: Partial<ChainPlace>): readonly Intent[] {
    if (!isMap(node)) {
      this.#at(node, 'intents-shape', 'an intent is a map with the keys packets and expect');
      return [];
    }
    const { name, table, chain, packets, expect, only, except } = this.#entries(node, OWN);
    for (const [key, value] of Object.entries({ packets, expect })) {
      if (value === undefined) this.#at(node, 'intents-shape', `the key ${key} is missing`);
    }
    if (only !== undefined && except !== undefined) {
      this.#at(except, 'intents-shape', 'only and except do not go together', 'make two intents of it');
    }
    const asked = packets && this.#query(packets);
    const wanted = expect && this.#expectation(expect);
    const bounds = Object.entries({ only, except }).flatMap(([kind, value]) => {
      const condition = value && this.#query(value);
      return condition === undefined
        ? []
        : [{ kind: kind === 'only' ? 'only' : 'except', packets: condition } as const];
    });
    const place = { ...above, ...this.#place(table, chain) };
    const title = name === undefined ? `intent ${number}` : this.#word(name);
    if (asked === undefined || wanted === undefined || title === undefined) return [];
    const { line } = this.#lines.linePos(node.range?.[0] ?? 0);
    const [bound] = bounds;
    return [{ name: title, line, place, packets: asked, expect: wanted, ...(bound === undefined ? {} : { bound }) }];
  }

  #place(table: Node | undefined, chain: Node | undefined): Partial<ChainPlace> {
    const tables = Object.keys(BUILTIN_CHAINS).filter(isTable);
    const chains = [...new Set(Object.values(BUILTIN_CHAINS).flat())];
    const at = table && this.#among<TableName>(table, tables, 'a table');
    const of = chain && this.#among<BuiltinChain>(chain, chains, 'a built-in chain');
    if (at !== undefined && of !== undefined && chain !== undefined && !BUILTIN_CHAINS[at].includes(of)) {
      this.#at(chain, 'intents-value', `table ${at} has no chain ${of}`);
    }
    return { ...(at === undefined ? {} : { table: at }), ...(of === undefined ? {} : { chain: of }) };
  }

  #expectation(node: Node): Expectation | undefined {
    return this.#among<Expectation>(node, EXPECTATIONS, 'something to expect');
  }

  #among<T extends string>(node: Node, names: readonly T[], what: string): T | undefined {
    const word = this.#word(node);
    const found = names.find((name) => name === word);
    if (found !== undefined || word === undefined) return found;
    const { error, hint } = unknownName(word, names, `"${word}" is not ${what}`);
    this.#at(node, 'intents-value', error, hint ?? `it is one of ${names.join(', ')}`);
    return undefined;
  }

  #word(node: Node): string | undefined {
    if (isScalar(node) && (typeof node.value === 'string' || typeof node.value === 'number')) return String(node.value);
    this.#at(node, 'intents-shape', 'a text is wanted');
    return undefined;
  }

  #query(node: Node): Condition | undefined {
    const text = this.#word(node);
    if (text === undefined || !isScalar(node)) return undefined;
    const parsed = parseQuery(text, this.family, this.#definitions);
    if (parsed.ok) return parsed.condition;
    const { column, length, code, message, hint } = parsed.diagnostic;
    const start = node.range?.[0] ?? 0;
    const inside = this.#offsetIn(node, text);
    if (inside === undefined) this.#fault(start, 1, code, message, hint);
    else this.#fault(start + inside + column - 1, length, code, message, hint);
    return undefined;
  }

  /** Where the text of a scalar begins in its source, if it stands there letter by letter. */
  #offsetIn({ range }: Scalar, text: string): number | undefined {
    if (!range) return undefined;
    const at = this.text.slice(range[0], range[1]).indexOf(text);
    return at < 0 ? undefined : at;
  }

  #entries<K extends string>(map: YAMLMap, keys: readonly K[]): Entries<K> {
    const out: Partial<Record<K, Node>> = {};
    for (const { key, value } of map.items) {
      if (!isScalar(key)) continue;
      const name = keys.find((one) => one === key.value);
      if (name === undefined) {
        const { error, hint } = unknownName(String(key.value), keys, `the key "${String(key.value)}" is not known`);
        this.#at(key, 'intents-key', error, hint ?? `keys are ${keys.join(', ')}`);
      } else if (isNode(value)) out[name] = value;
    }
    return out;
  }

  #at(node: Node | null, code: string, message: string, hint?: string): void {
    const start = node?.range?.[0] ?? 0;
    const end = node?.range?.[1] ?? start;
    const length = isScalar(node) ? Math.max(1, end - start) : 1;
    this.#fault(start, length, code, message, hint);
  }

  #fault(offset: number, length: number, code: string, message: string, hint?: string): void {
    const { line, col } = this.#lines.linePos(offset);
    const place = { line: Math.max(1, line), column: Math.max(1, col), length };
    this.#diagnostics.push({ ...place, code, severity: 'error', message, ...(hint === undefined ? {} : { hint }) });
  }
}

function isTable(name: string): name is TableName {
  return name in BUILTIN_CHAINS;
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value);
}
