import { visitCondition } from '../../../grammar/model/condition-parts.js';
import { remembers } from '../../../grammar/model/condition.js';
import type { Diagnostic } from '../../../grammar/model/diagnostic.js';
import type { Field } from '../../../grammar/model/fields.js';
import { tellsPiecesApart } from '../changes/view.js';
import type { CompileOptions, FragmentPolicy, Hook } from '../manifest.js';
import { NOWHERE } from './failure.js';
import type { RuleAnalysis } from './rule.js';

/** What pieces of datagrams meet, and what is said about it. */
export interface FragmentChoice {
  readonly fragments: FragmentPolicy;
  readonly warning?: Diagnostic;
}

function dropped(message: string): FragmentChoice {
  const hint = 'choose with --fragments judge|drop|pass';
  return { fragments: 'drop', warning: { ...NOWHERE, code: 'fragments-dropped', severity: 'warning', message, hint } };
}

/** Why pieces of datagrams cannot stand for the whole. A limit counts them, too, which lets less through. */
export function wholeDatagrams(
  rules: readonly RuleAnalysis[],
  asking: readonly RuleAnalysis[],
  used: ReadonlySet<Field>,
  hook: Hook,
): string | undefined {
  if (used.has('length')) return 'tests the length of';
  let counts = false;
  let walks = false;
  for (const { meaning } of asking) {
    visitCondition(meaning.condition, {
      opaque: (test) => (counts ||= remembers(test) && test.name !== 'limit'),
      payload: () => (walks = true),
    });
  }
  if (counts) return 'counts';
  const changes =
    hook === 'tc' &&
    tellsPiecesApart(
      rules.map(({ rule }) => rule.rule),
      used,
      walks,
    );
  return changes ? 'changes' : undefined;
}

/**
 * What pieces of datagrams meet. Exact: they are judged as the kernel does where it does not reassemble, unless the
 * chain sees whole datagrams and tests their length or remembers them. Early: they are passed, as a piece matches less than its whole.
 */
export function chooseFragments(options: CompileOptions, whole: boolean, asks: string | undefined): FragmentChoice {
  if (options.fragments !== undefined) return { fragments: options.fragments };
  if (options.mode === 'early') return { fragments: 'pass' };
  if (!whole || asks === undefined) return { fragments: 'judge' };
  return dropped(`chain ${options.chain} ${asks} whole datagrams: fragments are dropped`);
}

/**
 * At sockets all datagrams are whole. Without connection tracking, ip6tables judges the pieces of IPv6 datagrams in
 * INPUT (ip6_input is before reassembly): whether all pieces would come through is not known of the whole.
 */
export function chooseForWhole(options: CompileOptions, pieces: boolean): FragmentChoice {
  if (options.fragments !== undefined) return { fragments: options.fragments };
  if (!pieces) return { fragments: 'judge' };
  return dropped(
    'ip6tables judges the pieces of datagrams here, which come to sockets whole: such datagrams are dropped',
  );
}
