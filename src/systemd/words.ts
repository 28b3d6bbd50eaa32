/** How systemd wants words in its unit files, and names in the names of units. */

/** A word of a command line in a unit file (systemd.service(5), "Command lines"). */
export function quotedWord(word: string): string {
  const safe = word.replace(/%/g, '%%').replace(/\$/g, '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(safe) ? safe : `"${safe.replace(/[\\"]/g, '\\$&')}"`;
}

/** As `systemd-escape --path` of the rest of a device's path in /sys (systemd.unit(5), "String escaping"). */
export function escapedName(name: string): string {
  return [...Buffer.from(name)]
    .map((byte, i) => {
      const character = String.fromCharCode(byte);
      const plain = /[a-zA-Z0-9:_]/.test(character) || (character === '.' && i > 0);
      return plain ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}
