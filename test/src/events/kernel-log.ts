import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';

const ALL_NAMESPACES = '/proc/sys/net/netfilter/nf_log_all_netns';
const RECORD_BYTES = 8192;

/** The kernel's log, from now on; LOG writes to it in every network namespace until it is closed. */
export class KernelLog {
  private readonly fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  private readonly before = readFileSync(ALL_NAMESPACES, 'utf8');

  constructor() {
    this.lines();
    writeFileSync(ALL_NAMESPACES, '1');
  }

  /** Lines since the last call: level and text. */
  lines(): readonly { readonly level: number; readonly text: string }[] {
    const lines: { level: number; text: string }[] = [];
    const buffer = Buffer.alloc(RECORD_BYTES);
    for (;;) {
      let got: number;
      try {
        got = readSync(this.fd, buffer, 0, RECORD_BYTES, null);
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error)) throw error;
        if (error.code === 'EAGAIN') return lines;
        // The record was overwritten meanwhile.
        if (error.code === 'EPIPE') continue;
        throw error;
      }
      const record = buffer.subarray(0, got).toString('latin1');
      const [head, ...rest] = record.split(';');
      lines.push({ level: Number(head.split(',')[0]) & 7, text: rest.join(';').split('\n')[0] });
    }
  }

  close(): void {
    writeFileSync(ALL_NAMESPACES, this.before);
    closeSync(this.fd);
  }
}
