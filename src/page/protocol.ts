import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { CtState } from '../../grammar/model/condition.js';
import type { Answer } from './answer.js';

/** What the page asks its engine. Everything is plain data: the engine runs in a worker. */
export type Request =
  | { readonly kind: 'base'; readonly dump: DumpText }
  | { readonly kind: 'edit'; readonly text: string }
  /** Which packets a text judges otherwise than the report's rules. */
  | { readonly kind: 'compare'; readonly text: string }
  | { readonly kind: 'packet'; readonly packet: string; readonly chain?: BuiltinChain; readonly table?: TableName }
  | { readonly kind: 'capture'; readonly bytes: Uint8Array; readonly place: CapturePlace };

export interface DumpText {
  readonly text: string;
  readonly file: string;
  readonly family: 'v4' | 'v6';
  /** What `ipset save` printed. */
  readonly ipset?: string;
}

/** Where the packets of a capture are met, and what is known of their connections. */
export interface CapturePlace {
  readonly chain: BuiltinChain;
  readonly inInterface: string;
  readonly outInterface: string;
  readonly state?: CtState;
}

export type Reply =
  | { readonly kind: 'base' }
  | EditReply
  /** Regions of packets, as HTML; undefined where the rules are the same, or the text cannot be used. */
  | { readonly kind: 'compare'; readonly packets?: string }
  | { readonly kind: 'packet'; readonly answer: Answer; readonly before?: Answer }
  | CaptureReply
  /** The question has no answer; `column` and `length` where a word of the packet is to blame. */
  | { readonly kind: 'refused'; readonly message: string; readonly column?: number; readonly length?: number };

export interface EditReply {
  readonly kind: 'edit';
  readonly diagnostics: readonly EditDiagnostic[];
  /** Whether the text can be used; the last usable one is asked else. */
  readonly usable: boolean;
  /** Unified diff from the report's rules; empty where they are the same. */
  readonly patch: string;
  /** Sections of the page for the edited rules. */
  readonly sections?: { readonly chains: string; readonly translation: string };
}

export interface EditDiagnostic {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly severity: 'error' | 'warning' | 'info';
  /** As the command line prints it. */
  readonly text: string;
}

export interface CaptureReply {
  readonly kind: 'capture';
  readonly packets: readonly CapturedVerdict[];
  /** Packets in the file, of which the first are judged. */
  readonly total: number;
  /** How many came to each end, in words. */
  readonly summary: readonly { readonly end: string; readonly count: number; readonly changed: number }[];
  readonly skipped: number;
}

export interface CapturedVerdict {
  /** As the packet line of the page takes it. */
  readonly packet: string;
  readonly end: string;
  readonly tone: 'good' | 'bad' | 'half';
  /** What the report's own rules say, where that is something else. */
  readonly before?: string;
}
