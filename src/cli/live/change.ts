import { findDeployment, isAbandoned, requireNamespace } from '../../live/deployment.js';
import { placesOf } from '../../live/places.js';
import { requireAbilities } from '../../live/attach.js';
import * as live from '../../live/replace.js';
import { EXIT, sayJson, tell, type ExitCode } from '../output.js';
import { asPart, changed } from './shared.js';

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

/** Exit 0: confirmed; 1: nothing waited for it. */
export function confirm(options: Options): ExitCode {
  const { name, confirmed } = live.confirm(settingsOf(options));
  if (options.json) sayJson({ changed: confirmed, name });
  else tell(confirmed ? `${name}: stays in force` : `${name}: nothing waited for a confirmation`);
  return confirmed ? EXIT.same : EXIT.different;
}

const ROLLED_BACK: Readonly<Record<live.RolledBack['to'], string>> = {
  nothing: 'detached',
  'ruleset before': 'the ruleset before is in force again',
  'no packets': 'no packet passes, as before',
};

export function rollback(options: Options): ExitCode {
  const { name, to } = live.rollback(settingsOf(options));
  changed(options, { action: 'rolled back', name, to }, () => tell(`${name}: ${ROLLED_BACK[to]}`));
  return EXIT.same;
}

export function detach(options: Options): ExitCode {
  if (options.dryRun === true) {
    requireAbilities(options.pins, { needs: { kernel: '0.0' } });
    const deployment = findDeployment(options.pins, options.name);
    if (!isAbandoned(deployment.record)) requireNamespace(deployment);
    const places = placesOf(deployment.record).map(({ words }) => words);
    const { name } = deployment.record;
    if (options.json) sayJson({ dryRun: true, action: 'detach', name, places });
    else tell(`${name}: would be detached: ${places.join(', ')}\nnothing is changed`);
    return EXIT.same;
  }
  const name = live.detach(settingsOf(options));
  changed(options, { action: 'detached', name }, () => tell(`${name}: detached`));
  return EXIT.same;
}
