// The four floors: imports run down only, and inside a floor from the later room to the earlier one.
const deny = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    deny('grammar-is-the-ground', '^grammar/', '^(codegen|bpf-runtime|src)/'),
    deny('codegen-knows-grammar-alone', '^codegen/', '^(bpf-runtime|src)/'),
    deny('runtime-below-the-tool', '^bpf-runtime/', '^src/'),
    deny('model-knows-nothing', '^grammar/model/', '^grammar/(syntax|modules|bind|print)/'),
    deny('syntax-knows-model-alone', '^grammar/syntax/', '^grammar/(modules|bind|print)/'),
    deny('modules-know-model-alone', '^grammar/modules/', '^grammar/(syntax|bind|print)/'),
    deny('bytecode-knows-nothing', '^codegen/bytecode/', '^(grammar|codegen/(program|object|optimizer))/'),
    deny('object-knows-bytecode', '^codegen/object/', '^(grammar|codegen/(program|optimizer))/'),
    deny('space-is-independent', '^src/space/', '^(codegen|bpf-runtime|src/(verify|diff))/'),
    deny(
      'tool-does-not-import-cli',
      '^src/(evaluate|explain|verify|prove|diff|packet|page|report|space|query|intents|audit)/',
      '^src/cli/',
    ),
    // What the report's page runs in a browser: nothing of Node, neither its modules nor the machines.
    {
      name: 'browser-has-no-node',
      severity: 'error',
      from: { path: '^(grammar|src/(evaluate|explain|packet|page|space|diff))/' },
      to: { dependencyTypes: ['core'] },
    },
    deny('page-runs-in-a-browser', '^src/(explain|page)/', '^(bpf-runtime|src/verify)/|^codegen/program/index.ts'),
    deny('evaluate-is-independent', '^src/evaluate/', '^(codegen|bpf-runtime)/'),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
  },
};
