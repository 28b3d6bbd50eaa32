import type { Random } from '../../src/verify/random.js';
import { numberWord } from './fuzz-values.js';

/** Characters that mean something to the reader of a line, and some that mean nothing anywhere. */
const CHARACTERS = [
  ...' !"\'\\#:*[]-+=,;/.0123456789abfxAZ\t\n\r\0\u0001\u007f%$&|<>()~^@`é€',
  '\ufeff',
  '\ufffd',
  '😀',
];

const FRAGMENTS = [
  '--',
  '-A INPUT',
  '-j ACCEPT',
  '! ',
  ' ! ',
  '-m tcp',
  '-p tcp',
  'COMMIT\n',
  '*filter\n',
  ':X - [0:0]\n',
  '""',
  '" "',
  '\\"',
  '-m comment --comment "',
  '[1:2] ',
  '-6',
  '-4',
  '--dport',
  '0x',
  '::',
  '/0',
  ',',
  '-f',
  '-t nat',
  '-c 1 2',
  '-I INPUT 1 ',
  '-D INPUT ',
  '-N Y',
  '-F',
  '-X',
  '-P INPUT DROP',
];

/** A piece of text with one to four changes, each at a random place. */
export function mutate(text: string, others: readonly string[], random: Random): string {
  let result = text;
  for (let left = random.pick([1, 1, 1, 2, 2, 3, 4]); left > 0; left--) result = mutateOnce(result, others, random);
  return result;
}

function mutateOnce(text: string, others: readonly string[], random: Random): string {
  const at = random.below(text.length + 1);
  const length = Math.min(text.length - at, random.chance(0.6) ? 1 : random.below(12));
  const cut = (insert: string, remove: number): string => text.slice(0, at) + insert + text.slice(at + remove);
  switch (random.below(12)) {
    case 0:
    case 1:
      return cut(random.pick(CHARACTERS), 1);
    case 2:
      return cut(random.pick(CHARACTERS), 0);
    case 3:
      return cut('', length);
    case 4:
      return cut(text.slice(at, at + length + 1), 0);
    case 5:
      return cut(random.pick(FRAGMENTS), random.chance(0.5) ? 0 : length);
    case 6:
      return changeWord(text, random, (words, i) => words.splice(i, 1));
    case 7:
      return changeWord(text, random, (words, i) => words.splice(i, 0, words[random.below(words.length)]));
    case 8:
      return changeWord(text, random, (words, i) => {
        const j = random.below(words.length);
        [words[i], words[j]] = [words[j], words[i]];
      });
    case 9:
      return changeWord(text, random, (words, i) => (words[i] = mutateWord(words[i], random)));
    case 10:
      return text.slice(0, at) + spliced(random.pick(others), random);
    default:
      return text.replace(/\d+/g, (number) => (random.chance(0.3) ? numberWord(random) : number));
  }
}

function spliced(other: string, random: Random): string {
  return other.slice(random.below(other.length + 1));
}

function changeWord(text: string, random: Random, change: (words: string[], at: number) => void): string {
  const words = text.split(' ');
  change(words, random.below(words.length));
  return words.join(' ');
}

/** A value that is nearly the given one. */
export function mutateWord(word: string, random: Random): string {
  switch (random.below(9)) {
    case 0:
      return word.replace(/\d+/, () => numberWord(random));
    case 1:
      return `${word},${word}`;
    case 2:
      return word.toUpperCase();
    case 3:
      return word.toLowerCase();
    case 4:
      return word.slice(0, -1);
    case 5:
      return word + random.pick(CHARACTERS);
    case 6:
      return word.replace(/[,:/-]/, () => random.pick([',', ':', '/', '-', ';', ' ']));
    case 7:
      return word.split(',').reverse().join(',');
    default:
      return random.pick(CHARACTERS) + word;
  }
}
