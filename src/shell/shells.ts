/** Shells that can be taught. Apart from their scripts, so that the command line starts without these. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];
