import { isLeaving } from '../../grammar/model/family.js';
import { removeConntrackRule, switchOnConntrack } from '../../bpf-runtime/netfilter/conntrack.js';
import type { LiveManifest } from './object.js';
import { deployments } from './deployment.js';
import type { DeploymentRecord } from './record.js';

/** Words of rules that ask connection tracking. */
const ASKS = /(^| )(--ctstate|--state|--ct[a-z]+|-m (conntrack|state|connmark|connbytes|connlimit|connlabel|helper))\b/;

/** Whether some rule asks connection tracking, which the kernel does only while some rule in it asks for it. */
export function asksConntrack({ hook, mode, programs, counters }: LiveManifest): boolean {
  const leaving = hook === 'tc' && mode === 'exact' && programs.some(({ chain }) => isLeaving(chain));
  return (hook === 'netfilter' || leaving) && counters.some((entry) => entry.kind === 'rule' && ASKS.test(entry.text));
}

/** Adds the rule that switches connection tracking on, for an object that asks it. */
export function addConntrackSwitch(manifest: LiveManifest): void {
  if (asksConntrack(manifest)) switchOnConntrack(manifest.family);
}

/** Takes the rule away, unless another deployment of the IP version may need it. */
export function removeConntrackSwitch(base: string, { name, family, namespace }: DeploymentRecord): void {
  const needed = deployments(base).some(
    ({ record }) =>
      record.name !== name &&
      record.namespace === namespace &&
      (record.hook === 'netfilter' || record.hook === 'tc') &&
      record.family === family,
  );
  if (!needed) removeConntrackRule(family);
}
