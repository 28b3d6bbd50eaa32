import { defineTarget, option, type OptionsOf, type ValueType } from '../define.js';
import { wholeNumber } from '../value/number.js';
import { unknownName } from '../value/suggest.js';
import { flag, messagePrefix } from '../value/text.js';

/** Names of syslog levels (RFC 5424 section 6.2.1, with the old spellings). */
const LEVELS: Readonly<Record<string, number>> = {
  emerg: 0,
  panic: 0,
  alert: 1,
  crit: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

const DEFAULT_LEVEL = LEVELS.warning;

const level: ValueType<number> = {
  arity: 1,
  placeholder: 'level',
  parse: ([word]) => {
    const value = wholeNumber(word, 0, 7) ?? (Object.hasOwn(LEVELS, word) ? LEVELS[word] : undefined);
    return value === undefined ? unknownName(word, Object.keys(LEVELS), `"${word}" is not a log level`) : { value };
  },
  print: (value) => [String(value)],
};

const OPTIONS = {
  prefix: option('--log-prefix', messagePrefix(29), { doc: 'text before each message, cut to 29 bytes' }),
  level: option('--log-level', level, { doc: 'syslog level, warning if left out' }),
  tcpSequence: option('--log-tcp-sequence', flag, { doc: 'log TCP sequence numbers' }),
  tcpOptions: option('--log-tcp-options', flag, { doc: 'log TCP options' }),
  ipOptions: option('--log-ip-options', flag, { doc: 'log IP options or IPv6 extension headers' }),
  uid: option('--log-uid', flag, { doc: 'log the user that owns the local socket' }),
  macDecode: option('--log-macdecode', flag, { doc: 'log the MAC addresses and the protocol' }),
};

/** XT_LOG_* bits (include/uapi/linux/netfilter/xt_LOG.h). */
function logFlags(options: OptionsOf<typeof OPTIONS>): number {
  return (
    (options.tcpSequence === undefined ? 0 : 0x01) |
    (options.tcpOptions === undefined ? 0 : 0x02) |
    (options.ipOptions === undefined ? 0 : 0x04) |
    (options.uid === undefined ? 0 : 0x08) |
    (options.macDecode === undefined ? 0 : 0x20)
  );
}

/** Write a kernel message and go on (net/netfilter/xt_LOG.c). */
export const log = defineTarget({
  name: 'LOG',
  families: ['v4', 'v6'],
  doc: 'write the packet to the kernel log and go on',
  options: OPTIONS,
  print: (options) => [
    ...(options.prefix === undefined ? [] : ['--log-prefix', options.prefix.value]),
    ...(options.level === undefined || options.level.value === DEFAULT_LEVEL
      ? []
      : ['--log-level', String(options.level.value)]),
    ...[OPTIONS.tcpSequence, OPTIONS.tcpOptions, OPTIONS.ipOptions, OPTIONS.uid, OPTIONS.macDecode]
      .filter((_, i) => (logFlags(options) & [0x01, 0x02, 0x04, 0x08, 0x20][i]) !== 0)
      .map((spec) => spec.flag),
  ],
  effect: (options) => ({
    kind: 'log',
    prefix: options.prefix?.value ?? '',
    level: options.level?.value ?? DEFAULT_LEVEL,
    flags: logFlags(options),
  }),
});
