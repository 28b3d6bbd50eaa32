import { kernelOf, type Bundle, type BundledObject, type Slot } from './model.js';

const SLOTS: Readonly<Record<Slot, string>> = {
  xdp: 'XDP: packets that come in by a device, before the stack',
  ingress: 'tc ingress: packets that come in by a device',
  egress: 'tc egress: packets that leave by a device',
};

/** What the folder is, and what to type, for someone who has nothing but it. */
export function bundleReadme(bundle: Bundle): string {
  const { name, id, dumpFile, objects } = bundle;
  return `# Packet filter ${name}

Made by ${objects[0].manifest.compiler} from \`${dumpFile}\` (\`rules.dump\` here). Id ${id}.

Needs: Linux ${kernelOf(bundle)} or newer, root, bpftool, iproute2 (ip, tc), a POSIX shell. No compiler, no Node.js.

    sudo ./fwctl attach eth0 --confirm 60   # in force for a minute
    sudo ./fwctl confirm                    # keep it
    sudo ./fwctl status
    sudo ./fwctl counters
    sudo ./fwctl detach                     # as if it had never been

Attach every device that packets come in by. A bundle of the same name that is attached later takes the place of this
one, at each device at one moment; \`fwctl rollback\` (or a \`--confirm\` that runs out) goes back.

To have it at every start, with systemd:

    sudo mkdir -p /usr/local/lib/ipt2bpf && sudo cp -r . /usr/local/lib/ipt2bpf/${name}
    sudo cp ipt2bpf-${name}@.service /etc/systemd/system/
    sudo systemctl enable --now ipt2bpf-${name}@eth0

${objects.map(objectText).join('\n')}
The objects declare the licence GPL to the kernel. \`sha256sum -c SHA256SUMS\` checks the files; fwctl does before it
attaches.
`;
}

function objectText({ slot, manifest }: BundledObject): string {
  const chains = manifest.programs.map(({ chain }) => chain).join(', ');
  const notes = [
    ...manifest.assumptions.map((text) => `- assumes: ${text}`),
    ...manifest.deferred.map(
      ({ line, chain, number, reason }) => `- left to iptables: line ${line}, rule ${number} of ${chain}: ${reason}`,
    ),
  ];
  const early = manifest.mode === 'early' ? ' It drops early; iptables must stay behind it.' : '';
  return `## ${slot}.o

${SLOTS[slot]}. Table ${manifest.table}, chain ${chains}, ${manifest.mode}.${early}
${notes.length === 0 ? '' : `\n${notes.join('\n')}\n`}`;
}
