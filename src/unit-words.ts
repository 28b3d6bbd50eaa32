/** A word of a command line in a unit file (systemd.service(5), "Command lines"). */
export function quotedWord(word: string): string {
  const safe = word.replace(/%/g, '%%').replace(/\$/g, '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(safe) ? safe : `"${safe.replace(/[\\"]/g, '\\$&')}"`;
}
