/** The server as an editor meets it: messages on two streams. */
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createProtocolConnection,
  DefinitionRequest,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DocumentSymbolRequest,
  ExitNotification,
  HoverRequest,
  InitializeRequest,
  PublishDiagnosticsNotification,
  ReferencesRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
} from 'vscode-languageserver/node';
import { serve } from '../../../src/lsp/server.js';

const uri = 'file:///etc/iptables/rules.v4';
const TEXT = '*filter\n:INPUT DROP [0:0]\n:ssh - [0:0]\n-A INPUT -p tcp -m tcp --dprt 22 -j ssh\nCOMMIT\n';

describe('ipt2bpf lsp', () => {
  const [toServer, toEditor] = [new PassThrough(), new PassThrough()];
  let editor: ProtocolConnection;
  let served: Promise<void>;
  const published: PublishDiagnosticsParams[] = [];
  const arrived: (() => void)[] = [];
  const diagnostics = async (): Promise<PublishDiagnosticsParams> => {
    if (published.length === 0) await new Promise<void>((resolve) => arrived.push(resolve));
    return published.shift() ?? { uri: '', diagnostics: [] };
  };

  beforeAll(async () => {
    served = serve(toServer, toEditor);
    editor = createProtocolConnection(new StreamMessageReader(toEditor), new StreamMessageWriter(toServer));
    editor.onNotification(PublishDiagnosticsNotification.type, (params) => {
      published.push(params);
      arrived.shift()?.();
    });
    editor.listen();
    await editor.sendRequest(InitializeRequest.type, { processId: null, rootUri: null, capabilities: {} });
    await editor.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: 'iptables', version: 1, text: TEXT },
    });
  });
  afterAll(() => editor.dispose());

  it('tells what is wrong, and that it is no longer', async () => {
    expect((await diagnostics()).diagnostics).toMatchObject([
      {
        code: 'unknown-option',
        severity: 1,
        source: 'ipt2bpf',
        message: expect.stringMatching(/did you mean --dport\?/),
        range: { start: { line: 3, character: 23 }, end: { line: 3, character: 29 } },
      },
    ]);
    await editor.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version: 2 },
      contentChanges: [
        { range: { start: { line: 3, character: 23 }, end: { line: 3, character: 29 } }, text: '--dport' },
      ],
    });
    expect((await diagnostics()).diagnostics).toEqual([]);
  });

  it('hints at a rule that no packet needs, and at what takes its packets', async () => {
    const other = 'file:///etc/iptables/shadow.v4';
    const text =
      '*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.0/24 -j DROP\n-A INPUT -s 192.0.2.7/32 -j ACCEPT\nCOMMIT\n';
    await editor.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri: other, languageId: 'iptables', version: 1, text },
    });
    expect((await diagnostics()).diagnostics).toEqual([]);
    expect((await diagnostics()).diagnostics).toMatchObject([
      {
        code: 'shadowed',
        severity: 4,
        tags: [1],
        message: expect.stringMatching(/taken by line 3; for example .* 192\.0\.2\.7/),
        range: { start: { line: 3, character: 0 } },
        relatedInformation: [
          { location: { uri: other, range: { start: { line: 2 } } }, message: '-A INPUT -s 192.0.2.0/24 -j DROP' },
        ],
      },
    ]);
  });

  it('explains a word', async () => {
    const position = { line: 3, character: 25 };
    const hover = await editor.sendRequest(HoverRequest.type, { textDocument: { uri }, position });
    expect(hover).toMatchObject({ contents: { kind: 'markdown', value: expect.stringMatching(/--dport/) } });
  });

  it('goes from a jump to its chain, and back', async () => {
    const jump = { textDocument: { uri }, position: { line: 3, character: 38 } };
    expect(await editor.sendRequest(DefinitionRequest.type, jump)).toMatchObject([{ range: { start: { line: 2 } } }]);
    const made = { textDocument: { uri }, position: { line: 2, character: 2 }, context: { includeDeclaration: false } };
    expect(await editor.sendRequest(ReferencesRequest.type, made)).toMatchObject([{ range: { start: { line: 3 } } }]);
  });

  it('outlines the text', async () => {
    const symbols = await editor.sendRequest(DocumentSymbolRequest.type, { textDocument: { uri } });
    expect(symbols).toMatchObject([{ name: 'filter', children: [{ name: 'INPUT' }, { name: 'ssh' }] }]);
  });

  it('ends when it is told to', async () => {
    await editor.sendRequest(ShutdownRequest.type);
    await editor.sendNotification(ExitNotification.type);
    await served;
  });
});
