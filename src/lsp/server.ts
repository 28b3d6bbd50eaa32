import {
  createConnection,
  DiagnosticSeverity,
  ProposedFeatures,
  SymbolKind,
  TextDocuments,
  TextDocumentSyncKind,
  type Connection,
  type Diagnostic as LspDiagnostic,
  type DocumentSymbol,
  type Location,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseDump } from '../../grammar/index.js';
import type { Diagnostic, Severity } from '../../grammar/model/diagnostic.js';
import { VERSION } from '../version.js';
import { lintHints } from './hints.js';
import { hoverAt } from './hover.js';
import { chainNameAt, chainNames, rangeOf } from './places.js';
import { outlineOf, type OutlineEntry } from './symbols.js';

const SEVERITIES: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
};

/** Milliseconds without a change before a text is read. */
const PAUSE = 150;
/** The same, once it is read, before its rules are looked at together. */
const PAUSE_FOR_HINTS = 400;

/** Serves an editor on the streams (Language Server Protocol 3.17) until it says exit. */
export async function serve(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<void> {
  const connection = createConnection(ProposedFeatures.all, input, output);
  const documents = new TextDocuments(TextDocument);
  connection.onInitialize(() => ({
    serverInfo: { name: 'ipt2bpf', version: VERSION },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      hoverProvider: true,
      definitionProvider: true,
      referencesProvider: true,
      documentSymbolProvider: true,
    },
  }));
  tellDiagnostics(connection, documents);
  const textOf = (uri: string): string => documents.get(uri)?.getText() ?? '';
  connection.onHover(({ textDocument: { uri }, position }) => {
    const hover = hoverAt(textOf(uri), uri, position);
    return hover && { contents: { kind: 'markdown', value: hover.text }, range: hover.range };
  });
  connection.onDefinition(({ textDocument: { uri }, position }) => placesOf(uri, textOf(uri), position, ['made']));
  connection.onReferences(({ textDocument: { uri }, position, context }) =>
    placesOf(uri, textOf(uri), position, context.includeDeclaration ? ['made', 'jump'] : ['jump']),
  );
  connection.onDocumentSymbol(({ textDocument: { uri } }) => outlineOf(textOf(uri)).map(tableSymbol));
  documents.listen(connection);
  const ended = new Promise<void>((resolve) => connection.onExit(resolve));
  connection.listen();
  await ended;
}

function tellDiagnostics(connection: Connection, documents: TextDocuments<TextDocument>): void {
  const waiting = new Map<string, NodeJS.Timeout>();
  documents.onDidChangeContent(({ document }) => {
    clearTimeout(waiting.get(document.uri));
    const tell = (): void => {
      waiting.delete(document.uri);
      const { ruleset, diagnostics } = parseDump(document.getText(), { file: document.uri });
      const told = diagnostics.map(diagnosticOf);
      void connection.sendDiagnostics({ uri: document.uri, diagnostics: told });
      if (diagnostics.some(({ severity }) => severity === 'error')) return;
      // Looking at all packets takes longer than reading: the next change comes first.
      const hint = (): void => {
        waiting.delete(document.uri);
        const hints = lintHints(ruleset, document.uri);
        if (hints.length > 0) void connection.sendDiagnostics({ uri: document.uri, diagnostics: [...told, ...hints] });
      };
      waiting.set(document.uri, setTimeout(hint, PAUSE_FOR_HINTS));
    };
    waiting.set(document.uri, setTimeout(tell, PAUSE));
  });
  documents.onDidClose(({ document: { uri } }) => {
    clearTimeout(waiting.get(uri));
    waiting.delete(uri);
    void connection.sendDiagnostics({ uri, diagnostics: [] });
  });
}

const diagnosticOf = (diagnostic: Diagnostic): LspDiagnostic => ({
  range: rangeOf(diagnostic),
  severity: SEVERITIES[diagnostic.severity],
  code: diagnostic.code,
  source: 'ipt2bpf',
  message: diagnostic.hint === undefined ? diagnostic.message : `${diagnostic.message} (${diagnostic.hint})`,
});

function placesOf(
  uri: string,
  text: string,
  at: { readonly line: number; readonly character: number },
  roles: readonly string[],
): Location[] {
  const names = chainNames(text);
  const asked = chainNameAt(names, at);
  if (asked === undefined) return [];
  return names
    .filter(({ name, table, role }) => name === asked.name && table === asked.table && roles.includes(role))
    .map(({ word }) => ({ uri, range: rangeOf(word) }));
}

const tableSymbol = (entry: OutlineEntry): DocumentSymbol => ({
  ...symbolOf(entry, SymbolKind.Namespace),
  children: entry.children.map((chain) => symbolOf(chain, SymbolKind.Function)),
});

const symbolOf = ({ name, detail, range, selection }: OutlineEntry, kind: SymbolKind): DocumentSymbol => ({
  name,
  detail,
  kind,
  range,
  selectionRange: selection,
});
