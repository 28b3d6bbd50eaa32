export {
  buildFrame,
  buildIpPacket,
  buildPacket,
  DEFAULT_DESTINATION_MAC,
  DEFAULT_SOURCE_MAC,
  DEFAULT_TTL,
} from './build.js';
export type {
  ExtensionSpec,
  Ipv4Spec,
  Ipv6Spec,
  LinkSpec,
  PacketPlace,
  PacketSpec,
  TransportSpec,
  VlanSpec,
} from './spec.js';
export { readSpec, sameBytes } from './read-spec.js';
export { parsePacketText, type PacketText, type PacketTextResult } from './text.js';
export { printPacketText, summarisePacket } from './print-text.js';
export { TEXT_WORDS, type TextWord } from './text-words.js';
export { readCapture, writePcap, type FrameToWrite } from './pcap.js';
export { CaptureError, type Capture, type CapturedPacket, type SkippedRecord } from './capture.js';
export { checksumHolds, internetChecksum, onesComplementSum, transportChecksum } from './checksum.js';
export { fromHex, hexdump, toHex } from './hexdump.js';
export { parseAddress, parseMac, printMac } from './address.js';
export { readLink, type Link } from './link.js';
export { ETHERTYPE, PROTOCOL, TCP_FLAG } from './numbers.js';
