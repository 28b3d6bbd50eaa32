import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { underOwnLock } from '../support/lock.js';
import type { Family } from '../../grammar/index.js';
import { BUILTIN_CHAINS } from '../../grammar/model/family.js';
import { run } from '../../bpf-runtime/system/command.js';
import { NetworkNamespace } from '../../bpf-runtime/system/namespace.js';

/** What the real tool made of a text. */
export interface ToolAnswer {
  readonly accepted: boolean;
  /** What it said where it refused the text. */
  readonly message: string;
  /** All that is saved afterwards, tables of other texts among it. */
  readonly saved: string;
}

/** Loads and saves every file of a folder, one after the other: a shell is quicker at starting tools than Node. */
const SCRIPT = `
cd "$1"
for text in *.in; do
  name="\${text%.in}"
  case "$name" in *-policies) "$2-restore" < "$text"; continue;; esac
  if timeout -s KILL 20 "$2-restore" < "$text" > /dev/null 2> "$name.err"; then "$2-save" > "$name.out"; fi
done`;

/** A text that names a built-in chain alone leaves its policy as it was. */
const POLICIES = Object.entries(BUILTIN_CHAINS)
  .map(([table, chains]) => `*${table}\n${chains.map((chain) => `:${chain} ACCEPT [0:0]\n`).join('')}COMMIT\n`)
  .join('');

/**
 * iptables-restore of one address family in a network namespace of its own. Texts are loaded one after the other; each
 * replaces the tables that it names.
 */
export class Tool {
  private readonly namespace = NetworkNamespace.create();
  private readonly folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-fuzz-'));
  private readonly program: string;

  /**
   * `build` is a folder with `iptables-restore`, `ip6tables-save` and so on; without it the installed legacy tools are
   * asked. `sets` are commands for `ipset restore`.
   */
  constructor(family: Family, build: string | undefined, sets: string) {
    const name = family === 'v4' ? 'iptables' : 'ip6tables';
    this.program = build === undefined ? `${name}-legacy` : join(build, name);
    if (sets === '') return;
    try {
      this.namespace.run(() => run('ipset', ['restore'], sets));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** iptables' version, e.g. `1.8.9`. */
  version(): string {
    return /v(\d[\d.]*)/.exec(run(this.program, ['--version']))?.[1] ?? '';
  }

  ask(texts: readonly string[]): readonly ToolAnswer[] {
    const files = texts.map((_, i) => join(this.folder, String(i).padStart(6, '0')));
    texts.forEach((text, i) => {
      writeFileSync(`${files[i]}.in`, text);
      if (/^:.*DROP|-P|--p/m.test(text)) writeFileSync(`${files[i]}-policies.in`, POLICIES);
    });
    underOwnLock(() => this.namespace.run(() => run('sh', ['-c', SCRIPT, 'sh', this.folder, this.program])));
    return files.map((file) => this.answer(file));
  }

  private answer(file: string): ToolAnswer {
    const message = readFileSync(`${file}.err`, 'utf8').trim();
    const accepted = existsSync(`${file}.out`);
    const saved = accepted ? readFileSync(`${file}.out`, 'utf8') : '';
    for (const ending of ['.in', '.err', '.out', '-policies.in']) rmSync(`${file}${ending}`, { force: true });
    return { accepted, message, saved };
  }

  close(): void {
    this.namespace.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
