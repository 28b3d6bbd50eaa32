import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Manifest } from '../../codegen/program/manifest.js';
import { fillCommands } from '../../codegen/program/sets/batch.js';
import { kernelOf, type Bundle } from './model.js';
import { bundleReadme } from './readme.js';
import { tar, type TarEntry } from './tar.js';

/** A bundle that `fwctl` could not put in force. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

export function makeBundle(parts: Omit<Bundle, 'id'>): Bundle {
  const hash = createHash('sha256');
  for (const { slot, object } of parts.objects) hash.update(slot).update(object);
  return { ...parts, id: hash.digest('hex').slice(0, 12) };
}

/**
 * The bundle as a gzipped tar archive of one folder. The same dump and options make the same archive.
 *
 * @throws BundleError where an object needs more than bpftool to be loaded
 */
export function packBundle(bundle: Bundle): Uint8Array {
  const files = [...filesOf(bundle)];
  const sums = files.map(({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`);
  const all = [...files, { path: 'SHA256SUMS', content: Buffer.from(sums.join('')) }];
  const archive = tar(all.map((file) => ({ ...file, path: `${bundle.name}/${file.path}` })));
  return gzipSync(archive, { level: 9 });
}

function* filesOf(bundle: Bundle): Generator<TarEntry> {
  const text = (path: string, content: string): TarEntry => ({ path, content: Buffer.from(content) });
  yield { path: 'fwctl', content: readFileSync(new URL('./fwctl.sh', import.meta.url)), executable: true };
  yield text('bundle.conf', `name=${bundle.name}\nid=${bundle.id}\nkernel=${kernelOf(bundle)}\n`);
  for (const { slot, object, manifest } of bundle.objects) {
    yield { path: `${slot}.o`, content: object };
    yield text(`${slot}.counters`, countersOf(manifest));
    if (manifest.sets === undefined) continue;
    const fill = fillCommands(manifest.sets, '@PINS@');
    if (fill === undefined) {
      throw new BundleError('elements of the IP sets have times, which begin when the object is loaded');
    }
    yield text(`${slot}.fill`, fill);
  }
  yield text('rules.dump', bundle.dump);
  yield text(`ipt2bpf-${bundle.name}@.service`, unitOf(bundle));
  yield text('README.md', bundleReadme(bundle));
}

/** Key of the map and rule, a line each. */
function countersOf({ counters }: Manifest): string {
  return counters
    .map((entry, key) => {
      const rule = entry.kind === 'rule' ? entry.text : `policy of ${entry.chain}: ${entry.policy}`;
      return `${key}\t${rule.replaceAll(/[\t\n]/g, ' ')}\n`;
    })
    .join('');
}

function unitOf({ name }: Bundle): string {
  return `[Unit]
Description=Packet filter ${name} at %I (made by ipt2bpf)
BindsTo=sys-subsystem-net-devices-%i.device
After=sys-subsystem-net-devices-%i.device
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/ipt2bpf/${name}/fwctl attach %I
ExecStop=/usr/local/lib/ipt2bpf/${name}/fwctl detach

[Install]
WantedBy=sys-subsystem-net-devices-%i.device multi-user.target
`;
}
