import type { Status } from './status.js';

/** Content type of what {@link metricsText} returns. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: bigint | number;
}

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What is attached and what it has counted, in the text format that Prometheus reads. */
export function metricsText(status: Status): string {
  return metricsOf(status)
    .filter(({ samples }) => samples.length > 0)
    .map(printMetric)
    .join('');
}

function metricsOf({ deployments, blocked, leftovers }: Status): readonly Metric[] {
  const rules = deployments.flatMap(({ record, manifest, counters }) =>
    manifest.counters.flatMap((entry, i) =>
      entry.kind === 'rule'
        ? [
            {
              labels: { name: record.name, chain: entry.chain, number: String(entry.number), rule: entry.text },
              of: counters[i],
            },
          ]
        : [],
    ),
  );
  const policies = deployments.flatMap(({ record, manifest, counters }) =>
    manifest.counters.flatMap((entry, i) =>
      entry.kind === 'policy'
        ? [{ labels: { name: record.name, chain: entry.chain, policy: entry.policy }, of: counters[i] }]
        : [],
    ),
  );
  const places = deployments.flatMap(({ record, places: all }) =>
    all.map(({ words, state }) => ({
      labels: { name: record.name, place: words },
      value: state === 'attached' ? 1 : 0,
    })),
  );
  const attached = deployments.map(({ record, state, manifest }) => ({
    labels: { name: record.name, hook: record.hook, family: record.family, state, source: manifest.sourceHash },
    value: 1,
  }));
  const confirm = deployments.flatMap(({ record, confirm: seconds }) =>
    seconds === undefined ? [] : [{ labels: { name: record.name }, value: seconds }],
  );
  const compared = deployments.flatMap(({ record, comparison }) =>
    (comparison?.chains ?? []).flatMap((one) => {
      const sample = (programs: string, iptables: string, value: bigint): Sample => ({
        labels: { name: record.name, chain: one.chain, programs, iptables },
        value,
      });
      return [
        sample('accept', 'accept', one.bothAccept),
        sample('drop', 'drop', one.bothDrop),
        sample('accept', 'drop', one.onlyProgramsAccept),
        sample('drop', 'accept', one.onlyIptablesAccepts),
      ];
    }),
  );
  const packets = ({ labels, of }: (typeof rules)[number] | (typeof policies)[number]): Sample => ({
    labels,
    value: of.packets,
  });
  const bytes = ({ labels, of }: (typeof rules)[number] | (typeof policies)[number]): Sample => ({
    labels,
    value: of.bytes,
  });
  return [
    { name: 'ipt2bpf_ruleset', type: 'gauge', help: 'Rulesets that are attached.', samples: attached },
    { name: 'ipt2bpf_place_attached', type: 'gauge', help: 'Whether packets are judged there.', samples: places },
    { name: 'ipt2bpf_confirm_seconds', type: 'gauge', help: 'Time left to confirm.', samples: confirm },
    {
      name: 'ipt2bpf_compared_packets_total',
      type: 'counter',
      help: 'Packets that programs which only compare and iptables have judged.',
      samples: compared,
    },
    {
      name: 'ipt2bpf_blocked',
      type: 'gauge',
      help: 'Rulesets that could not be loaded, in whose place nothing passes.',
      samples: [{ labels: {}, value: blocked.length }],
    },
    {
      name: 'ipt2bpf_leftovers',
      type: 'gauge',
      help: 'What interrupted commands have left.',
      samples: [{ labels: {}, value: leftovers.length }],
    },
    { name: 'ipt2bpf_rule_packets_total', type: 'counter', help: 'Packets of a rule.', samples: rules.map(packets) },
    { name: 'ipt2bpf_rule_bytes_total', type: 'counter', help: 'Bytes of a rule.', samples: rules.map(bytes) },
    {
      name: 'ipt2bpf_policy_packets_total',
      type: 'counter',
      help: 'Packets of a policy.',
      samples: policies.map(packets),
    },
    { name: 'ipt2bpf_policy_bytes_total', type: 'counter', help: 'Bytes of a policy.', samples: policies.map(bytes) },
  ];
}

function printMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${name}${printLabels(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function printLabels(labels: Readonly<Record<string, string>>): string {
  const escaped = (text: string): string =>
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}
