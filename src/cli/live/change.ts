import { requireAbilities } from '../../live/attach.js';
import { findDeployment, type Deployment } from '../../live/deployment.js';
import { placesOf } from '../../live/places.js';
import * as live from '../../live/replace.js';
import { EXIT, sayJson, tell, type ExitCode } from '../output.js';
import { asPart, changed, wouldChange } from './shared.js';

interface Options {
  readonly name?: string;
  readonly pins: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const settingsOf = ({ name, pins }: Options): live.ChangeOptions => ({
  base: pins,
  told: tell,
  ...asPart('name', name),
});

/** What would be changed, as far as it is seen without changing anything. */
function toChange({ name, pins }: Options): Deployment {
  requireAbilities(pins, { needs: { kernel: '0.0' } });
  return findDeployment(pins, name);
}

const NOTHING_WAITED = 'nothing waited for a confirmation';

/** Exit 0: confirmed; 1: nothing waited for it. */
export function confirm(options: Options): ExitCode {
  if (options.dryRun === true) return sayConfirm(options);
  const { name, confirmed } = live.confirm(settingsOf(options));
  if (options.json) sayJson({ changed: confirmed, name });
  else tell(confirmed ? `${name}: stays in force` : `${name}: ${NOTHING_WAITED}`);
  return confirmed ? EXIT.same : EXIT.different;
}

function sayConfirm(options: Options): ExitCode {
  const deployment = toChange(options);
  const { name } = deployment.record;
  const iptables = live.planConfirm(deployment);
  const confirmed = iptables !== undefined;
  wouldChange(options, { action: 'confirm', name, confirmed, ...asPart('iptables', iptables) }, () =>
    tell(confirmed ? `${name}: would stay in force` : `${name}: ${NOTHING_WAITED}`),
  );
  return confirmed ? EXIT.same : EXIT.different;
}

const ROLLED_BACK: Readonly<Record<live.RolledBack['to'], { readonly is: string; readonly would: string }>> = {
  nothing: { is: 'detached', would: 'would be detached' },
  'ruleset before': {
    is: 'the ruleset before is in force again',
    would: 'the ruleset before would be in force again',
  },
  'no packets': { is: 'no packet passes, as before', would: 'no packet would pass, as before' },
};

export function rollback(options: Options): ExitCode {
  if (options.dryRun === true) {
    const deployment = toChange(options);
    const { name } = deployment.record;
    const { rules, ...back } = live.planRollback(deployment);
    wouldChange(options, { action: 'rollback', name, ...back, iptables: rules }, () =>
      tell(`${name}: ${ROLLED_BACK[back.to].would}${back.source === undefined ? '' : `: ${back.source}`}`),
    );
    return EXIT.same;
  }
  const { name, to } = live.rollback(settingsOf(options));
  changed(options, { action: 'rolled back', name, to }, () => tell(`${name}: ${ROLLED_BACK[to].is}`));
  return EXIT.same;
}

export function detach(options: Options): ExitCode {
  if (options.dryRun === true) {
    const deployment = toChange(options);
    const iptables = live.planDetach(deployment);
    const places = placesOf(deployment.record).map(({ words }) => words);
    const { name } = deployment.record;
    wouldChange(options, { action: 'detach', name, places, iptables }, () =>
      tell(`${name}: would be detached: ${places.join(', ')}`),
    );
    return EXIT.same;
  }
  const name = live.detach(settingsOf(options));
  changed(options, { action: 'detached', name }, () => tell(`${name}: detached`));
  return EXIT.same;
}
