/**
 * An object as a bytecode image that bpfman pulls (bpfman.io/main/developer-guide/shipping-bytecode: one layer, a gzipped
 * tar with the object at its root; labels with programs and maps), in an OCI image layout (opencontainers/image-spec
 * v1.1, image-layout.md, manifest.md, config.md).
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { MapType, ObjectSpec } from '../../codegen/object/spec.js';
import { tar } from '../bundle/tar.js';

/** What bpfman calls the kinds of programs that it attaches at devices. */
export type EngineProgram = 'xdp' | 'tcx';

export interface ImageInput {
  /** The object file, and its name in the layer. */
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly spec: Pick<ObjectSpec, 'maps'>;
  readonly programs: readonly { readonly name: string; readonly type: EngineProgram }[];
  /** Further labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Name in the layout: what stands behind the colon of a reference. */
  readonly tag: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const MEDIA = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** As the engine's own images name them. */
const MAP_TYPE: Readonly<Record<MapType, string>> = {
  hash: 'hash',
  array: 'array',
  percpu_array: 'per_cpu_array',
  percpu_hash: 'per_cpu_hash',
  lru_hash: 'lru_hash',
  lpm_trie: 'lpm_trie',
  ringbuf: 'ringbuf',
};

/** Files of the layout by their paths. The same object makes the same files: nothing in them is of now or here. */
export function imageLayout(input: ImageInput): ReadonlyMap<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>();
  const put = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = sha256(bytes);
    blobs.set(`blobs/sha256/${digest.slice('sha256:'.length)}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const archive = tar([{ path: input.file, content: input.bytes }]);
  const layer = put(MEDIA.layer, gzip(archive));
  const config = put(
    MEDIA.config,
    json({
      created: '1970-01-01T00:00:00Z',
      // Bytecode is for every machine with little-endian numbers; the field must name one.
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: labelsOf(input) },
      rootfs: { type: 'layers', diff_ids: [sha256(archive)] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'ipt2bpf package' }],
    }),
  );
  const manifest = put(
    MEDIA.manifest,
    json({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: [layer], annotations: input.labels }),
  );
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': input.tag } }],
  };
  return new Map([['oci-layout', json({ imageLayoutVersion: '1.0.0' })], ['index.json', json(index)], ...blobs]);
}

function labelsOf({ programs, spec, labels }: ImageInput): Readonly<Record<string, string>> {
  const object = (pairs: readonly (readonly [string, string])[]): string => JSON.stringify(Object.fromEntries(pairs));
  return {
    ...labels,
    'io.ebpf.programs': object(programs.map(({ name, type }) => [name, type])),
    'io.ebpf.maps': object(spec.maps.map(({ name, type }) => [name, MAP_TYPE[type]])),
  };
}

/** The header names no time; the operating system of the packer is made none (RFC 1952: 255). */
function gzip(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(gzipSync(bytes, { level: 9 }));
  packed[9] = 255;
  return packed;
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
