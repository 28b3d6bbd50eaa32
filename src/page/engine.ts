import { parseDump } from '../../grammar/index.js';
import { formatDiagnostic, type Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { bindSets, parseSets } from '../../grammar/sets/index.js';
import { diffDumps } from '../diff/rules.js';
import { diffRulesets } from '../diff/rulesets.js';
import { RulesetFaultError } from '../evaluate/index.js';
import { explainPacket, NoSuchQuestion, type ExplainPlace } from '../explain/index.js';
import { CaptureError, parsePacketText } from '../packet/index.js';
import { translationStatus } from '../report/translation.js';
import { answerOf, type Answer } from './answer.js';
import { judgeCapture } from './capture-verdicts.js';
import { changedPackets } from './changes-section.js';
import { chainsSection } from './chains-section.js';
import type { DumpText, EditReply, Reply, Request } from './protocol.js';
import { translationSection } from './translation-section.js';

/** Answers the page's questions with the compiler's own grammar and reference evaluator. */
export class Engine {
  #base: { readonly dump: DumpText; readonly ruleset: Ruleset } | undefined;
  /** The last usable text of the editor, where it differs from the report's. */
  #edited: Ruleset | undefined;

  async answer(request: Request): Promise<Reply> {
    try {
      return await this.#reply(request);
    } catch (error) {
      const known = [NoSuchQuestion, CaptureError, RulesetFaultError].some((type) => error instanceof type);
      if (known && error instanceof Error) return { kind: 'refused', message: error.message };
      throw error;
    }
  }

  async #reply(request: Request): Promise<Reply> {
    switch (request.kind) {
      case 'base':
        this.#base = { dump: request.dump, ruleset: rulesetOf(request.dump, request.dump.text).ruleset };
        this.#edited = undefined;
        return { kind: 'base' };
      case 'edit':
        return this.#edit(request.text);
      case 'compare':
        return this.#compare(request.text);
      case 'packet':
        return this.#packet(request.packet, request);
      case 'capture': {
        const { base, edited } = this.#rulesets();
        return judgeCapture(request, edited ?? base, edited === undefined ? undefined : base);
      }
    }
  }

  async #compare(text: string): Promise<Reply> {
    if (this.#base === undefined) throw new NoSuchQuestion('there are no rules yet');
    const { dump, ruleset: base } = this.#base;
    const { ruleset, diagnostics } = rulesetOf(dump, text);
    if (diagnostics.some(({ severity }) => severity === 'error')) return { kind: 'compare' };
    const file = editedName(dump);
    const changes = await diffRulesets({ ruleset: base, file: dump.file }, { ruleset, file });
    if (changes.patch === '') return { kind: 'compare' };
    return { kind: 'compare', packets: changedPackets({ file, ...changes }, dump.file).html };
  }

  #rulesets(): { readonly base: Ruleset; readonly edited?: Ruleset } {
    if (this.#base === undefined) throw new NoSuchQuestion('there are no rules yet');
    return { base: this.#base.ruleset, ...(this.#edited === undefined ? {} : { edited: this.#edited }) };
  }

  #packet(text: string, { chain, table }: ExplainPlace): Reply {
    const parsed = parsePacketText(text);
    if (!parsed.ok) {
      const [{ message, hint, column, length }] = parsed.diagnostics;
      return { kind: 'refused', message: hint === undefined ? message : `${message} (${hint})`, column, length };
    }
    const place = { ...(chain === undefined ? {} : { chain }), ...(table === undefined ? {} : { table }) };
    const ask = (ruleset: Ruleset): Answer => answerOf(explainPacket(ruleset, parsed.text, place), ruleset.family);
    const { base, edited } = this.#rulesets();
    if (edited === undefined) return { kind: 'packet', answer: ask(base) };
    return { kind: 'packet', answer: ask(edited), before: ask(base) };
  }

  async #edit(text: string): Promise<EditReply> {
    if (this.#base === undefined) throw new NoSuchQuestion('there are no rules yet');
    const { dump, ruleset: base } = this.#base;
    const { ruleset, diagnostics } = rulesetOf(dump, text);
    const shown = diagnostics.map((one) => ({
      line: one.line,
      column: one.column,
      length: one.length,
      severity: one.severity,
      text: formatDiagnostic(one, dump.file),
    }));
    if (diagnostics.some(({ severity }) => severity === 'error')) {
      return { kind: 'edit', diagnostics: shown, usable: false, patch: '' };
    }
    this.#edited = text === dump.text ? undefined : ruleset;
    const diff = await diffDumps({ ruleset: base, file: dump.file }, { ruleset, file: editedName(dump) });
    const status = translationStatus(ruleset);
    const sections = {
      chains: chainsSection(ruleset, { status }).html,
      translation: translationSection(status).html,
    };
    return { kind: 'edit', diagnostics: shown, usable: true, patch: diff.patch, sections };
  }
}

const editedName = ({ file }: DumpText): string => `${file} (edited)`;

function rulesetOf(
  { file, family, ipset }: DumpText,
  text: string,
): { readonly ruleset: Ruleset; readonly diagnostics: readonly Diagnostic[] } {
  const { ruleset, diagnostics } = parseDump(text, { file, family });
  return { ruleset: ipset === undefined ? ruleset : bindSets(ruleset, parseSets(ipset).sets), diagnostics };
}
