import type { RuleRef } from '../../grammar/model/ruleset.js';

/** Ids of places in the page, and links to them. Names of chains may hold any character but blanks. */

export const chainId = (table: string, chain: string): string => `${table}.${encodeURIComponent(chain)}`;

export const ruleId = (table: string, { chain, number }: RuleRef): string => `${chainId(table, chain)}.${number}`;

export const translationId = (hook: string, chain: string): string => `on.${hook}.${chain}`;
