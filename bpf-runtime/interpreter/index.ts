export { BpfFault, LoadError, type FaultCode } from './fault.js';
export type { ContextValues } from './context/context.js';
export type { Device } from './devices.js';
export type { Clock, FibLookup, Redirect } from './helpers/helper.js';
export { Interpreter, type InterpreterOptions, type RunInput, type RunResult, type TraceStep } from './interpreter.js';
export { structObject, type KernelObject, type KernelValue } from './kernel-objects.js';
export type { HostMap } from './maps/host.js';
export type { HookPacket } from './netfilter.js';
