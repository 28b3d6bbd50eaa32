import { RuntimeError } from '../../bpf-runtime/system/error.js';

/** The reason where an engine's tool is not on this machine; undefined where the error is a real one. */
export function isMissingTool(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /ENOENT|not found|not installed/.test(error.message) ? error.message.split('\n')[0] : undefined;
}

/** The reason where real iptables cannot be asked about this ruleset. */
export function isUnsupportedRuleset(error: unknown): string | undefined {
  if (!(error instanceof RuntimeError)) return undefined;
  const codes: readonly string[] = ['unsupported-target', 'ruleset-refused'];
  return codes.includes(error.code) ? error.message.split('\n')[0] : undefined;
}
