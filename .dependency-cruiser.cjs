/** Who may import whom: core ← adapters ← functions. `npm run check` enforces it. */
module.exports = {
  forbidden: [
    {
      name: 'core-imports-only-core',
      comment: 'What the system does must not know how: no AWS SDK, no sharp, nothing of Node.js.',
      severity: 'error',
      from: { path: '^core/' },
      to: { pathNot: '^core/' },
    },
    {
      name: 'adapters-know-no-function',
      severity: 'error',
      from: { path: '^adapters/' },
      to: { path: '^(functions|scripts|test)/' },
    },
    {
      name: 'functions-are-strangers',
      comment:
        'One folder is one Lambda, deployed and permitted on its own. What two need belongs in core or adapters.',
      severity: 'error',
      from: { path: '^functions/([^/]+)/' },
      to: { path: '^functions/', pathNot: '^functions/$1/' },
    },
    {
      name: 'functions-know-no-tool',
      severity: 'error',
      from: { path: '^functions/' },
      to: { path: '^scripts/' },
    },
    {
      name: 'nothing-imports-a-test',
      severity: 'error',
      from: { pathNot: '^(test|scripts/(bench|prove))' },
      to: { path: '^test/' },
    },
    {
      name: 'deployed-code-needs-dependencies',
      comment: 'A devDependency in a bundle would be an accident; types vanish.',
      severity: 'error',
      from: { path: '^(adapters|core|functions)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'all-imports-exist', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
