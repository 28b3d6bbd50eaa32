import { Option } from 'commander';
import { choice, whole } from '../options.js';

export const FILE = 'iptables-save text, or an object file of compile; - is standard input';

export const pinsOption = (): Option =>
  new Option('--pins <directory>', 'in a BPF file system: where everything is pinned').default('/sys/fs/bpf/ipt2bpf');
export const nameOption = (): Option =>
  new Option('--name <name>', 'which ruleset; may be left out where there is one');
export const confirmOption = (): Option =>
  whole('--confirm <seconds>', 'go back by itself unless "ipt2bpf confirm" follows within this time', 1, 86_400);
export const dryRunOption = (): Option => new Option('--dry-run', 'say what would happen, and change nothing');
export const verifyOption = (): Option => new Option('--no-verify', 'do not compare with the reference first');
export const deviceOption = (): Option =>
  new Option('--dev <device>', 'device, at xdp and tc; may be given several times').argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  );

export const liveHookOption = (): Option =>
  choice('--hook <hook>', 'where the program will run; an object file says it itself', ['xdp', 'tc', 'netfilter']);

export const xdpOption = (): Option =>
  choice('--xdp <mode>', 'how an XDP program runs: native needs the driver', ['generic', 'native']).default('generic');
