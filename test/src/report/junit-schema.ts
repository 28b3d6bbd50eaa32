import { readFileSync } from 'node:fs';
import { validateXML } from 'xmllint-wasm';

const schema = { fileName: 'junit.xsd', contents: readFileSync('test/src/report/junit.xsd', 'utf8') };

/** What is wrong with a JUnit report; empty where consumers take it. */
export async function junitErrors(report: string): Promise<readonly string[]> {
  const { errors } = await validateXML({ xml: { fileName: 'report.xml', contents: report }, schema });
  return errors.map(({ rawMessage }) => rawMessage);
}
