import { createServer } from 'node:http';
import { METRICS_TYPE, metricsText } from '../../live/metrics.js';
import { readStatus } from '../../live/status.js';
import { requireCapabilities } from '../../../bpf-runtime/system/requirements.js';
import { requireBpfFileSystem } from '../../live/pins.js';
import { checkWritable, writeWhole } from '../files.js';
import { errorLine, EXIT, reasonOf, say, tell, userError, type ExitCode } from '../output.js';
import { troubleLine } from '../trouble.js';

interface Options {
  readonly pins: string;
  readonly output?: string;
  readonly listen?: string;
}

/** Writes the metrics once, or serves them until it is interrupted. */
export async function run({ pins, output, listen }: Options): Promise<ExitCode> {
  requireCapabilities();
  requireBpfFileSystem(pins);
  if (listen !== undefined) return serve(pins, listen);
  const text = metricsText(readStatus(pins));
  if (output === undefined || output === '-') say(text);
  else {
    checkWritable(output, []);
    writeWhole(output, text);
  }
  return EXIT.same;
}

/** `ADDRESS:PORT`, `[ADDRESS]:PORT` or `PORT` of this host alone. */
function addressOf(listen: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw userError('usage', `--listen ${listen}: it is ADDRESS:PORT`);
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}

function serve(pins: string, listen: string): Promise<ExitCode> {
  const { host, port } = addressOf(listen);
  const server = createServer({ maxHeaderSize: 8192, requestTimeout: 5000 }, (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    try {
      response.writeHead(200, { 'content-type': METRICS_TYPE }).end(metricsText(readStatus(pins)));
    } catch (error) {
      tell(troubleLine(error) ?? errorLine('internal', reasonOf(error)));
      response.writeHead(500).end();
    }
  });
  server.maxConnections = 16;
  return new Promise((resolve, reject) => {
    server.on('error', (error) => reject(userError('no-address', `--listen ${listen}: ${reasonOf(error)}`)));
    server.listen(port, host, () => {
      const bound = server.address();
      tell(`http://${host}:${typeof bound === 'object' ? bound?.port : port}/metrics`);
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => server.close(() => resolve(EXIT.same)));
    }
  });
}
