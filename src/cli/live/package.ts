import { isLeaving } from '../../../grammar/model/family.js';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../../../bpf-runtime/system/folder.js';
import { imageLayout } from '../../package/image.js';
import { clusterApplication } from '../../package/kubernetes.js';
import { EXIT, reasonOf, sayJson, tell, userError, type ExitCode } from '../output.js';
import { objectOf, type CommonOptions } from './attach.js';

interface Options extends Omit<CommonOptions, 'pins' | 'confirm' | 'dryRun'> {
  readonly output: string;
  readonly image: string;
  readonly dev?: readonly string[];
  readonly priority: number;
  readonly node?: Readonly<Record<string, string>>;
}

/** Exit 0: written; 1: the dump is refused; errors are thrown. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { output, image, dev, priority, node, json } = options;
  const { tag } = referenceOf(image);
  requireNew(output);
  const object = await objectOf(path, { ...options, pins: '' }, false);
  if (object === undefined) return EXIT.different;
  const { manifest, bytes, spec } = object;
  if (manifest.hook === 'netfilter') {
    throw userError('no-hook', 'bpfman attaches programs at xdp and tc, none at netfilter (enable or bundle do)');
  }
  const [{ name, chain }] = manifest.programs;
  const program = { name, type: manifest.hook === 'xdp' ? ('xdp' as const) : ('tcx' as const) };
  const resource = options.name ?? `ipt2bpf-${chain.toLowerCase()}-${manifest.family}`;
  const files = imageLayout({
    bytes,
    spec,
    file: `${resource}.o`,
    programs: [program],
    tag,
    labels: {
      'org.opencontainers.image.title': `${chain} of ${manifest.sourceFile}`,
      'org.opencontainers.image.revision': manifest.sourceHash,
    },
  });
  const yaml = clusterApplication({
    name: resource,
    image,
    program,
    devices: dev ?? [],
    priority,
    direction: isLeaving(chain) ? 'egress' : 'ingress',
    nodes: node ?? {},
  });
  write(
    output,
    new Map<string, string | Uint8Array>([
      ...[...files].map(([file, content]) => [`image/${file}`, content] as const),
      [`${resource}.yaml`, yaml],
    ]),
  );
  if (json) sayJson({ output, image, resource, program, needs: manifest.needs });
  else {
    tell(`${output}: image ${image} with ${chain} for ${manifest.hook}, and ${resource}.yaml`);
    tell(`nodes need Linux ${manifest.needs.kernel} or newer (${manifest.needs.features.join(', ')})`);
  }
  return EXIT.same;
}

/** `REGISTRY/NAME:TAG` (distribution/reference: the grammar's usual part). */
function referenceOf(image: string): { readonly tag: string } {
  const match = /^[a-z0-9][a-z0-9._-]*(?::\d+)?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+:(?<tag>\w[\w.-]{0,127})$/.exec(
    image,
  );
  const tag = match?.groups?.tag;
  if (tag !== undefined) return { tag };
  throw userError('usage', `--image ${image}: it is REGISTRY/NAME:TAG, in small letters`);
}

function requireNew(output: string): void {
  if (existsSync(output) && readdirSync(output).length > 0) {
    throw userError('not-writable', `${output}: is there already: choose a new folder`);
  }
  if (!existsSync(dirname(output))) throw userError('not-writable', `${output}: there is no folder ${dirname(output)}`);
}

/** All of it or nothing. */
function write(output: string, files: ReadonlyMap<string, string | Uint8Array>): void {
  const unfinished = join(dirname(output), `.${basename(output)}.${process.pid}.tmp`);
  try {
    for (const [file, content] of files) {
      makeFolder(dirname(join(unfinished, file)));
      writeFileSync(join(unfinished, file), content);
    }
    renameSync(unfinished, output);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw userError('not-writable', `${output}: ${reasonOf(error)}`);
  }
}
