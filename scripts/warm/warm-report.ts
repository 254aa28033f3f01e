import { plainTable } from '../terminal/table.ts';
import type { WarmStatus } from './warm-workers.ts';

/** For the operator: what is warm, and whether the template asks for it. */
export function describeWarm(stack: string, { inTemplate, workers }: WarmStatus): string[] {
  const wanted = inTemplate ? 'asks for warm workers' : 'does not ask for warm workers';
  if (workers.length === 0) {
    return [
      `${stack} keeps no workers warm. Its template ${wanted}.`,
      ...(inTemplate ? [`To start them: npm run warm -- --stack ${stack} on`] : []),
    ];
  }
  const rows = workers.map(({ functionName, qualifier, requested, ready, status, reason }) => [
    `${functionName}:${qualifier}`,
    String(requested),
    String(ready),
    reason === undefined ? status : `${status}: ${reason}`,
  ]);
  return [
    plainTable(['Function', 'Warm', 'Ready', 'Status'], rows, ['left', 'right', 'right', 'left']),
    '',
    `The template of ${stack} ${wanted}.`,
    ...(inTemplate
      ? []
      : [`These workers cost money, and nothing scales them down: npm run warm -- --stack ${stack} off`]),
  ];
}

/** What `on` and `off` would do. */
export function planOf(action: 'on' | 'off', { inTemplate, workers }: WarmStatus): string[] {
  const deploys = (value: boolean) =>
    inTemplate === value ? [] : [`Deploy the same template with ProvisionConcurrency=${value}. Takes minutes.`];
  if (action === 'on') {
    return [
      ...deploys(true),
      'Wait until the workers of three functions are ready. If the deployment has not started them, start them.',
      'From then on, you pay for them: README.md has the price per month.',
    ];
  }
  return [
    ...deploys(false),
    workers.length === 0
      ? 'Delete what the deployment leaves warm.'
      : `Delete what is still warm then: ${workers.map(({ functionName, qualifier }) => `${functionName}:${qualifier}`).join(', ')}.`,
  ];
}
