import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { checkObject } from '../../../src/live/object.js';
import { imageLayout } from '../../../src/package/image.js';
import { clusterApplication, type Rollout } from '../../../src/package/kubernetes.js';

const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m limit --limit 3/sec -j ACCEPT
COMMIT
`;

function object(): ReturnType<typeof checkObject> {
  const result = compile(parseDump(DUMP).ruleset, { hook: 'xdp', chain: 'INPUT', source: DUMP });
  if (!result.ok) throw new Error('refused');
  return checkObject(result.object, 'input.o');
}

const { bytes, spec } = object();
const layout = (): ReadonlyMap<string, Uint8Array> =>
  imageLayout({
    bytes,
    spec,
    file: 'input.o',
    programs: [{ name: 'ipt2bpf_input', type: 'xdp' }],
    labels: { 'org.opencontainers.image.title': 'INPUT' },
    tag: '1.0',
  });

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);

interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The blob of a descriptor, whose size and digest must be those of the blob (descriptor.md). */
function blob(files: ReadonlyMap<string, Uint8Array>, { digest, size }: Described): Uint8Array {
  const [algorithm, hex] = digest.split(':');
  const data = files.get(`blobs/${algorithm}/${hex}`);
  expect(data).toBeDefined();
  expect(data?.length).toBe(size);
  expect(sha256(data ?? new Uint8Array())).toBe(hex);
  return data ?? new Uint8Array();
}

describe('the image layout', () => {
  const files = layout();
  const index = JSON.parse(text(files.get('index.json'))) as { schemaVersion: number; manifests: Described[] };
  const manifest = JSON.parse(text(blob(files, index.manifests[0]))) as {
    schemaVersion: number;
    mediaType: string;
    config: Described;
    layers: Described[];
  };
  const config = JSON.parse(text(blob(files, manifest.config))) as {
    architecture: string;
    os: string;
    config: { Labels: Readonly<Record<string, string>> };
    rootfs: { type: string; diff_ids: string[] };
  };

  it('is one of version 1.0.0 with one tagged image', () => {
    expect(JSON.parse(text(files.get('oci-layout')))).toEqual({ imageLayoutVersion: '1.0.0' });
    expect(index.schemaVersion).toBe(2);
    expect(index.manifests).toHaveLength(1);
    expect(index.manifests[0]).toMatchObject({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      annotations: { 'org.opencontainers.image.ref.name': '1.0' },
    });
    expect(files.size).toBe(5);
  });

  it('has one layer: a gzipped tar with the object at its root', () => {
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(['application/vnd.oci.image.layer.v1.tar+gzip']);
    const archive = gunzipSync(blob(files, manifest.layers[0]));
    expect(config.rootfs).toEqual({ type: 'layers', diff_ids: [`sha256:${sha256(archive)}`] });
    expect(text(archive.subarray(0, 100)).replaceAll('\0', '')).toBe('input.o');
    expect(Buffer.compare(archive.subarray(512, 512 + bytes.length), bytes)).toBe(0);
  });

  it('names programs and maps in labels, as JSON objects', () => {
    expect(config).toMatchObject({ os: 'linux', architecture: 'amd64' });
    expect(manifest.config.mediaType).toBe('application/vnd.oci.image.config.v1+json');
    const labels = config.config.Labels;
    expect(JSON.parse(labels['io.ebpf.programs'])).toEqual({ ipt2bpf_input: 'xdp' });
    expect(JSON.parse(labels['io.ebpf.maps'])).toMatchObject({ counters: 'per_cpu_array' });
    expect(Object.keys(JSON.parse(labels['io.ebpf.maps']) as object).sort()).toEqual(
      spec.maps.map((m) => m.name).sort(),
    );
  });

  it('is the same for the same object', () => {
    expect([...layout()]).toEqual([...files]);
  });
});

describe('the resource', () => {
  const common = {
    name: 'fw',
    image: 'registry.example/fw:1.0',
    priority: 50,
    direction: 'egress',
  } as const;

  const cases: readonly { readonly name: string; readonly have: Rollout; readonly want: object }[] = [
    {
      name: 'XDP at the primary device',
      have: { ...common, program: { name: 'ipt2bpf_input', type: 'xdp' as const }, devices: [], nodes: {} },
      want: {
        nodeSelector: {},
        byteCode: { image: { url: 'registry.example/fw:1.0', imagePullPolicy: 'IfNotPresent' } },
        programs: [
          {
            name: 'ipt2bpf_input',
            type: 'xdp',
            xdpInfo: { links: [{ interfaceSelector: { primaryNodeInterface: true }, priority: 50 }] },
          },
        ],
      },
    },
    {
      name: 'tc at devices of some nodes',
      have: {
        ...common,
        program: { name: 'ipt2bpf_output', type: 'tcx' as const },
        devices: ['eth0', 'odd"name'],
        nodes: { 'example.org/role': 'edge' },
      },
      want: {
        nodeSelector: { 'example.org/role': 'edge' },
        programs: [
          {
            name: 'ipt2bpf_output',
            type: 'tcx',
            tcxInfo: {
              links: [{ interfaceSelector: { interfaces: ['eth0', 'odd"name'] }, priority: 50, direction: 'egress' }],
            },
          },
        ],
      },
    },
  ];

  it.each(cases)('says $name', ({ have, want }) => {
    expect(parse(clusterApplication(have))).toMatchObject({
      apiVersion: 'bpfman.io/v1alpha1',
      kind: 'ClusterBpfApplication',
      metadata: { name: 'fw' },
      spec: want,
    });
  });
});
