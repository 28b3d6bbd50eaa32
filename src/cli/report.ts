import { readFileSync } from 'node:fs';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { diffRulesets } from '../diff/rulesets.js';
import { lint } from '../lint/lint.js';
import { heatFor, heatOf, OtherRules, type Heat } from '../page/heat.js';
import type { Changes } from '../page/changes-section.js';
import { reportPage, type PageScripts } from '../page/page.js';
import { objectFigures } from '../report/object-figures.js';
import { translationStatus } from '../report/translation.js';
import { loadRules, loadText, type DumpOptions, type LoadedDump } from './dump.js';
import { checkWritable, writeWhole } from './files.js';
import { EXIT, reasonOf, tell, userError, type ExitCode } from './output.js';

interface Options extends DumpOptions {
  readonly output: string;
  readonly against?: string;
  readonly counters?: string;
}

/** Writes the report as one HTML file. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { output, against, counters } = options;
  const others = [against, counters].filter((other) => other !== undefined);
  if ([path, ...others].filter((one) => one === '-').length > 1) {
    throw userError('usage', 'only one dump can be standard input');
  }
  checkWritable(output, [path, ...others]);
  const dump = loadRules(path, options);
  const heat = counters === undefined ? heatOf(dump.ruleset) : countersOf(dump, loadText(counters, options));
  const status = translationStatus(dump.ruleset);
  const page = reportPage({
    ruleset: dump.ruleset,
    dump: {
      text: dump.text,
      file: dump.file,
      family: dump.ruleset.family,
      ...(dump.ipset === undefined ? {} : { ipset: dump.ipset }),
    },
    status,
    objects: objectFigures(dump.ruleset, status),
    lint: lint(dump.ruleset),
    ...(heat === undefined ? {} : { heat }),
    ...(against === undefined ? {} : { changes: await changesOf(dump, loadRules(against, options)) }),
    scripts: readScripts(),
  });
  if (output === '-') process.stdout.write(page);
  else {
    writeWhole(output, page);
    tell(`${output}: ${counted(countRules(dump.ruleset))}, ${Buffer.byteLength(page)} bytes`);
  }
  return EXIT.same;
}

function countersOf(dump: LoadedDump, counted: LoadedDump): Heat {
  try {
    const heat = heatFor(dump.ruleset, counted.ruleset);
    if (heat !== undefined) return heat;
  } catch (error) {
    if (error instanceof OtherRules) throw userError('other-rules', `${counted.file}: ${error.message} there`);
    throw error;
  }
  throw userError('no-counters', `${counted.file}: it has no counters of rules (take them with iptables-save -c)`);
}

async function changesOf(dump: LoadedDump, other: LoadedDump): Promise<Changes> {
  if (other.ruleset.family !== dump.ruleset.family) {
    throw userError('other-family', `${dump.file} and ${other.file} are of different IP versions`);
  }
  return { file: other.file, ...(await diffRulesets(dump, other)) };
}

/** The bundles that the build makes (scripts/assets.js). */
function readScripts(): PageScripts {
  const read = (name: string): string => {
    const path = new URL(`../page/assets/${name}.js`, import.meta.url);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw userError('not-readable', `${path.pathname}: ${reasonOf(error)} (npm run build makes it)`);
    }
  };
  return { page: read('page'), engine: read('engine') };
}

function countRules(ruleset: Ruleset): number {
  return ruleset.tables.flatMap((table) => table.chains).reduce((sum, chain) => sum + chain.rules.length, 0);
}

function counted(rules: number): string {
  return `${rules} ${rules === 1 ? 'rule' : 'rules'}`;
}
