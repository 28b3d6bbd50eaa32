import type { Family, TableName } from '../../grammar/index.js';
import { BUILTIN_CHAINS } from '../../grammar/model/family.js';
import type { MatchModule, OptionSpec, TargetModule } from '../../grammar/modules/define.js';
import { MATCHES, TARGETS } from '../../grammar/modules/index.js';
import type { Random } from '../../src/verify/random.js';
import type { Corpus } from './fuzz-corpus.js';
import { mutateWord } from './fuzz-bytes.js';
import { maskedWord, textWord, wordFor } from './fuzz-values.js';

/** Chains of their own that every random rule may name. */
export const USER_CHAINS = ['U', 'V-1'];

const PROTOCOLS =
  'tcp udp icmp ipv6-icmp icmpv6 all esp ah sctp dccp udplite ipcomp 0 1 6 17 58 132 255 256 mh 47 TCP gre'.split(' ');
const PROTOCOL_WORDS = new Map([
  [1, ['icmp', '1']],
  [6, ['tcp', '6', 'TCP']],
  [17, ['udp', '17']],
  [33, ['dccp']],
  [50, ['esp']],
  [51, ['ah']],
  [58, ['ipv6-icmp', 'icmpv6', '58']],
  [108, ['ipcomp']],
  [132, ['sctp']],
  [135, ['mobility-header', 'ipv6-mh', 'mh']],
  [136, ['udplite']],
]);
const INTERFACES = [
  'eth0',
  'lo',
  'br+',
  '+',
  'eth0.100',
  'wlan0',
  'tun+',
  'e',
  'abcdefghijklmno',
  'abcdefghijklmnop',
  'a/b',
  '',
  '!',
];
const ALL_TABLES: readonly TableName[] = ['filter', 'nat', 'mangle', 'raw', 'security'];

/** One rule line, with where it stands. */
export interface RandomRule {
  readonly table: TableName;
  readonly line: string;
}

type AnyModule = MatchModule | TargetModule;

/** Protocols that matches need, or come with. */
function wanted(matches: readonly MatchModule[]): readonly number[] {
  return matches.flatMap(({ protocols, implicitFor }) => protocols ?? implicitFor ?? []);
}

/** A rule made of the options that the modules themselves declare: mostly right, sometimes nearly so. */
export function randomRule(family: Family, corpus: Corpus, random: Random): RandomRule {
  return new RuleMaker(family, corpus, random).make();
}

class RuleMaker {
  /** Whether the rule may be wrong: careless ones hardly ever are right as a whole. */
  private readonly careless: boolean;

  constructor(
    private readonly family: Family,
    private readonly corpus: Corpus,
    private readonly random: Random,
  ) {
    this.careless = random.chance(0.5);
  }

  /** A chance that careful rules do not take. */
  private odd(probability: number): boolean {
    return this.careless && this.random.chance(probability);
  }

  make(): RandomRule {
    const { random } = this;
    const here = (module: AnyModule): boolean => module.families.includes(this.family) || this.odd(0.02);
    const picked = Array.from({ length: random.pick([0, 1, 1, 1, 2, 2, 3]) }, () => random.pick(MATCHES));
    const matches = this.together(picked.filter(here));
    const target = random.chance(0.65) ? [random.pick(TARGETS)].filter(here) : [];
    const modules = [...matches, ...target];
    const table = this.table(modules);
    const chain = this.chain(table, modules);
    const parts = random.chance(0.9)
      ? [this.head(matches, chain), ...matches.map((match) => this.match(match)), this.jump(target)]
      : this.shuffled([this.head(matches, chain), ...matches.map((match) => this.match(match)), this.jump(target)]);
    const command = ['-A', chain];
    const words = random.chance(0.97) ? [...command, ...parts.flat()] : [...parts.flat(), ...command];
    return { table, line: words.map((word) => this.quoted(word)).join(random.chance(0.99) ? ' ' : '\t') };
  }

  /** Matches for the same protocol, where the rule is a careful one. */
  private together(matches: readonly MatchModule[]): readonly MatchModule[] {
    if (this.careless) return matches;
    const first = matches.find(({ protocols }) => protocols !== undefined)?.protocols;
    return matches.filter(({ protocols }) => protocols === undefined || protocols === first);
  }

  private table(modules: readonly AnyModule[]): TableName {
    const allowed = ALL_TABLES.filter((name) => modules.every(({ tables }) => tables?.includes(name) ?? true));
    if (allowed.length === 0 || this.odd(0.05)) return this.random.pick(ALL_TABLES);
    return allowed.includes('filter') && this.random.chance(0.5) ? 'filter' : this.random.pick(allowed);
  }

  private chain(table: TableName, modules: readonly AnyModule[]): string {
    if (this.random.chance(0.1)) return this.random.pick(USER_CHAINS);
    const allowed = BUILTIN_CHAINS[table].filter((name) => modules.every(({ hooks }) => hooks?.includes(name) ?? true));
    if (allowed.length === 0 || this.odd(0.1)) return this.random.pick(BUILTIN_CHAINS[table]);
    return this.random.pick(allowed);
  }

  private shuffled<T>(parts: readonly T[]): readonly T[] {
    const rest = [...parts];
    return parts.map(() => rest.splice(this.random.below(rest.length), 1)[0]);
  }

  private head(matches: readonly MatchModule[], chain: string): readonly string[] {
    const { random, family } = this;
    const words: string[] = [];
    const put = (flags: readonly string[], value: string): void => {
      if (random.chance(0.15)) words.push('!');
      words.push(random.chance(0.9) ? flags[0] : random.pick(flags), value);
    };
    if (random.chance(0.25)) put(['-s', '--source', '--src', '--sour'], this.addresses());
    if (random.chance(0.2)) put(['-d', '--destination', '--dst', '--dest'], this.addresses());
    const inward = chain !== 'OUTPUT' && chain !== 'POSTROUTING';
    const outward = chain !== 'INPUT' && chain !== 'PREROUTING';
    if (inward ? random.chance(0.12) : this.odd(0.02)) put(['-i', '--in-interface', '--in'], random.pick(INTERFACES));
    if (outward ? random.chance(0.12) : this.odd(0.02))
      put(['-o', '--out-interface', '--out'], random.pick(INTERFACES));
    const protocol = this.protocol(matches);
    if (protocol !== undefined) {
      if (wanted(matches).length === 0 ? random.chance(0.15) : this.odd(0.1)) words.push('!');
      words.push(random.pick(['-p', '-p', '-p', '--protocol', '--proto']), protocol);
    }
    if (family === 'v4' ? random.chance(0.04) : this.odd(0.01)) words.push(...(random.chance(0.3) ? ['!'] : []), '-f');
    if (random.chance(0.02)) words.push('-c', String(random.below(100)), String(random.below(10000)));
    return words;
  }

  private addresses(): string {
    const { random, family } = this;
    if (this.odd(0.04)) return textWord(random);
    const count = random.chance(0.9) ? 1 : 1 + random.below(4);
    return Array.from({ length: count }, () => maskedWord(family, random)).join(random.chance(0.9) ? ',' : ', ');
  }

  private protocol(matches: readonly MatchModule[]): string | undefined {
    const { random } = this;
    const numbers = wanted(matches);
    if (numbers.length > 0 && !this.odd(0.1)) {
      const number = random.pick(numbers);
      return random.pick(PROTOCOL_WORDS.get(number) ?? [String(number)]);
    }
    return random.chance(0.3) ? random.pick(PROTOCOLS) : undefined;
  }

  private match(match: MatchModule): readonly string[] {
    const { random } = this;
    const implicit = (match.implicitFor?.length ?? 0) > 0 && random.chance(0.2);
    const name = random.pick([match.name, match.name, ...(match.aliases ?? [])]);
    return [...(implicit ? [] : ['-m', name]), ...this.options(match)];
  }

  private jump([target]: readonly TargetModule[]): readonly string[] {
    const { random } = this;
    if (target !== undefined) {
      return [
        random.chance(0.97) ? '-j' : '--jump',
        random.pick([target.name, ...(target.aliases ?? [])]),
        ...this.options(target),
      ];
    }
    if (random.chance(0.5))
      return ['-j', !this.odd(0.1) ? random.pick(['ACCEPT', 'DROP', 'RETURN', ...USER_CHAINS]) : textWord(random)];
    return random.chance(0.2)
      ? ['-g', random.pick(this.careless ? [...USER_CHAINS, 'ACCEPT', 'INPUT', 'nosuch'] : USER_CHAINS)]
      : [];
  }

  private options({ options }: AnyModule): readonly string[] {
    const { random } = this;
    const specs = Object.entries(options);
    const share = random.pick([0.1, 0.3, 0.6]);
    const chosen: string[] = [];
    for (const [key, spec] of this.shuffled(specs)) {
      if (spec.required ? this.odd(0.06) : !random.chance(specs.length === 1 ? 0.8 : share)) continue;
      const excluded = chosen.some((other) => spec.excludes.includes(other) || options[other].excludes.includes(key));
      if (!excluded || this.odd(0.1)) chosen.push(key);
    }
    const ordered = random.chance(0.5) ? specs.flatMap(([key]) => (chosen.includes(key) ? [key] : [])) : chosen;
    return ordered.flatMap((key) => this.option(options[key]));
  }

  private option(spec: OptionSpec<unknown>): readonly string[] {
    const { random } = this;
    const inverted = (spec.invertible ? random.chance(0.25) : this.odd(0.02)) ? ['!'] : [];
    const name = random.pick([spec.flag, spec.flag, ...spec.aliases]);
    const flag = !this.odd(0.1) ? name : name.slice(0, 3 + random.below(name.length - 2));
    const values = this.values(spec);
    if (values.length > 0 && this.odd(0.04)) return [...inverted, `${flag}=${values[0]}`, ...values.slice(1)];
    return [...inverted, flag, ...values];
  }

  private values(spec: OptionSpec<unknown>): readonly string[] {
    const { random, family } = this;
    const known = this.corpus.values.get(spec.flag) ?? [];
    if (known.length > 0 && (!this.careless || random.chance(0.6))) {
      const value = random.pick(known).slice(0, spec.value.arity);
      return !this.odd(0.25) ? value : value.map((word) => mutateWord(word, random));
    }
    const count = !this.odd(0.02) ? spec.value.arity : random.below(3);
    return Array.from({ length: count }, () => wordFor(spec.value.placeholder, family, random));
  }

  private quoted(word: string): string {
    const { random } = this;
    const needed = word === '' || /[ \t\n"]/.test(word);
    if (needed ? this.odd(0.06) : random.chance(0.98)) return word;
    return `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
  }
}
