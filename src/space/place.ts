import type { BuiltinChain, TableName } from '../../grammar/model/family.js';

/** A built-in chain of a table. */
export interface ChainPlace {
  readonly table: TableName;
  readonly chain: BuiltinChain;
}
