import { xmlText } from './xml.js';

/** One test of a JUnit report. */
export interface JunitCase {
  readonly name: string;
  readonly result:
    | { readonly kind: 'passed' }
    | { readonly kind: 'failed' | 'error'; readonly message: string; readonly text: string }
    | { readonly kind: 'skipped'; readonly message: string };
}

/** JUnit XML of one suite; `seconds` for all tests together. */
export function junitXml(suite: string, cases: readonly JunitCase[], seconds = 0): string {
  const count = (kind: JunitCase['result']['kind']): number =>
    cases.filter(({ result }) => result.kind === kind).length;
  const [failures, errors, skipped] = [count('failed'), count('error'), count('skipped')];
  const time = seconds.toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${cases.length}" failures="${failures}" time="${time}">`,
    `  <testsuite name="${xmlText(suite)}" tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}" time="${time}">`,
    ...cases.map((one) => `    ${caseXml(suite, one)}`),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseXml(suite: string, { name, result }: JunitCase): string {
  const open = `<testcase classname="${xmlText(suite)}" name="${xmlText(name)}"`;
  switch (result.kind) {
    case 'passed':
      return `${open}/>`;
    case 'skipped':
      return `${open}><skipped message="${xmlText(result.message)}"/></testcase>`;
    case 'failed':
    case 'error': {
      const tag = result.kind === 'failed' ? 'failure' : 'error';
      return `${open}><${tag} message="${xmlText(result.message)}">${xmlText(result.text)}</${tag}></testcase>`;
    }
  }
}
