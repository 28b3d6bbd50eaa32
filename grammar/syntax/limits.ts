/** Bytes that iptables-restore reads at once (`buffer[10240]`), newline included. */
export const LINE_BYTES = 10_239;

/** Bytes that iptables-restore keeps of a word (`xt_param_buf`). */
export const WORD_BYTES = 1_023;

/** Words of a line: 254 arguments (`MAX_ARGC`), of which the name of the program and `-t TABLE` are three. */
export const MOST_WORDS = 251;
