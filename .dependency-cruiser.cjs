/**
 * Which folders may import which. Types count as imports, because they are dependencies of the design. `npm run check`
 * enforces these rules; `lab`, `load-tests` and `gallery` can be deleted without breaking them.
 */
const only = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^${from}` },
  to: { path: '^(core|adapters|functions|scripts|test|load-tests|lab|gallery)/', pathNot: `^(${to.join('|')})` },
});

module.exports = {
  forbidden: [
    {
      name: 'core-imports-only-core',
      comment: 'core decides and does nothing else: no AWS SDK, no sharp, no Node.js API.',
      severity: 'error',
      from: { path: '^core/' },
      to: { pathNot: '^core/' },
    },
    {
      name: 'core-does-not-know-its-watchers',
      severity: 'error',
      from: { path: '^core/', pathNot: '^core/watch/' },
      to: { path: '^core/watch/' },
    },
    only('lambda-adapters', 'adapters/lambda/', ['core/', 'adapters/lambda/', 'adapters/contracts/']),
    only('aws-adapters', 'adapters/aws/', ['core/', 'adapters/aws/', 'adapters/contracts/']),
    only('sharp-adapter', 'adapters/sharp/', ['core/', 'adapters/sharp/', 'adapters/contracts/']),
    only('contracts', 'adapters/contracts/', ['core/', 'adapters/contracts/']),
    only(
      'functions',
      'functions/([^/]+)/',
      ['core/', 'adapters/', 'functions/$1/'],
      'One folder is one Lambda, with its own deployment and permissions. Code that two of them need belongs in core or adapters.',
    ),
    only('terminal-knows-only-our-name', 'scripts/terminal/', ['scripts/terminal/', 'core/names\\.ts$']),
    only('stack-knows-no-emulator', 'scripts/stack/', ['core/', 'adapters/', 'scripts/(stack|terminal)/']),
    only('local-template', 'scripts/(local|template)/', [
      'core/',
      'adapters/',
      'scripts/(stack|local|template|terminal)/',
    ]),
    only(
      'commands-do-not-import-each-other',
      'scripts/([^/]+)/',
      ['core/', 'adapters/', 'scripts/(stack|local|template|terminal)/', 'scripts/$1/'],
      'One folder is one command. Code that two of them need belongs in stack, local, template or terminal.',
    ),
    only('tests', 'test/', ['core/', 'adapters/', 'functions/', 'scripts/', 'test/']),
    only('load-tests', 'load-tests/', ['core/', 'adapters/', 'scripts/', 'load-tests/']),
    only('lab', 'lab/', ['core/', 'adapters/', 'functions/', 'scripts/', 'test/', 'load-tests/', 'lab/']),
    {
      name: 'gallery-decides-without-aws',
      comment: 'As core does. It shares the core of the pipeline where they are the same thing.',
      severity: 'error',
      from: { path: '^gallery/core/' },
      to: { pathNot: '^(core|gallery/core|gallery/api)/' },
    },
    only('gallery-adapters', 'gallery/adapters/', ['core/', 'adapters/', 'gallery/(core|adapters|api|node_modules)/']),
    only(
      'gallery-functions',
      'gallery/functions/([^/]+)/',
      ['core/', 'adapters/', 'gallery/(core|adapters|api|node_modules)/', 'gallery/functions/$1/'],
      'As for functions.',
    ),
    only(
      'gallery',
      'gallery/(api|cost|deploy|local|page)/',
      ['core/', 'adapters/', 'scripts/(stack|local|template|terminal)/', 'gallery/'],
      'Coupled to the pipeline by its events and buckets. Nothing imports the gallery.',
    ),
    {
      name: 'zod-has-messages',
      comment: 'zod/mini has no error messages until adapters/contracts/zod.ts configures them.',
      severity: 'error',
      from: { path: '^(adapters|functions)/', pathNot: '^adapters/contracts/zod[.]ts$' },
      to: { path: '^node_modules/zod/' },
    },
    {
      name: 'deployed-code-needs-dependencies',
      comment: 'A devDependency in a bundle would be an accident. Types are not bundled.',
      severity: 'error',
      from: { path: '^(adapters|core|functions)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'all-imports-exist',
      comment: 'The packages that the benchmark compares with are installed only for that benchmark.',
      severity: 'error',
      from: { pathNot: '^lab/bench/peers/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
