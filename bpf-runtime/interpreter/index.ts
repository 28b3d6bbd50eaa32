export { BpfFault, LoadError } from './fault.js';
export type { ContextValues } from './context/context.js';
export type { Device, PacketConnection } from './devices.js';
export { Interpreter, type InterpreterOptions, type RunInput, type TraceStep } from './interpreter.js';
export { structObject } from './kernel-objects.js';
export type { HostMap } from './maps/host.js';
export type { HookPacket } from './netfilter.js';
