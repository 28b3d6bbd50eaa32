/** Name and version of the compiler, as the manifest states them. Kept equal to package.json by a test. */
export const COMPILER = 'ipt2bpf 0.1.0';
