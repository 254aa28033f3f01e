/** What can go wrong with a call, as the caller sees it. */
export const faultKinds = {
  refused: 'the connection breaks before anything happened',
  lost: 'takes effect, and the answer does not come in time',
  throttled: 'is throttled',
  denied: 'is denied',
  broken: 'is answered with 5xx',
  hangs: 'has no effect and no answer in time',
  'dies before': 'the worker is killed, or the workflow ends, before the call',
  'dies after': 'the same when it has taken effect',
} as const;
export type FaultKind = keyof typeof faultKinds;
