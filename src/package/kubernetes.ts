import type { EngineProgram } from './image.js';

export interface Rollout {
  /** Name of the resource. */
  readonly name: string;
  /** Reference of the image in its registry. */
  readonly image: string;
  readonly program: { readonly name: string; readonly type: EngineProgram };
  /** None: the primary device of each node. */
  readonly devices: readonly string[];
  /** 0 first, 1000 last. */
  readonly priority: number;
  readonly direction: 'ingress' | 'egress';
  /** Labels of the nodes. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** A ClusterBpfApplication of bpfman-operator (bpfman.io/v1alpha1), which every node's bpfman puts in force. */
export function clusterApplication(rollout: Rollout): string {
  const { name, image, program, devices, priority, direction, nodes } = rollout;
  const text = (value: string): string => JSON.stringify(value);
  const selector = Object.entries(nodes).map(([key, value]) => `    ${text(key)}: ${text(value)}`);
  const where =
    devices.length === 0
      ? ['              primaryNodeInterface: true']
      : ['              interfaces:', ...devices.map((device) => `                - ${text(device)}`)];
  return [
    'apiVersion: bpfman.io/v1alpha1',
    'kind: ClusterBpfApplication',
    'metadata:',
    `  name: ${text(name)}`,
    'spec:',
    ...(selector.length === 0 ? ['  nodeSelector: {}'] : ['  nodeSelector:', ...selector]),
    '  byteCode:',
    '    image:',
    `      url: ${text(image)}`,
    '      imagePullPolicy: IfNotPresent',
    '  programs:',
    `    - name: ${text(program.name)}`,
    `      type: ${program.type}`,
    `      ${program.type}Info:`,
    '        links:',
    '          - interfaceSelector:',
    ...where,
    `            priority: ${priority}`,
    ...(program.type === 'tcx' ? [`            direction: ${direction}`] : []),
    '',
  ].join('\n');
}
