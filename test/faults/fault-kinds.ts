/** What can go wrong with a call, from the caller's point of view. */
export const faultKinds = {
  refused: 'the connection breaks before the call takes effect',
  lost: 'takes effect, but the response does not arrive in time',
  throttled: 'is throttled',
  denied: 'is denied',
  broken: 'returns 5xx',
  hangs: 'has no effect and returns no response in time',
  'dies before': 'the worker is killed, or the workflow ends, before the call',
  'dies after': 'the worker is killed, or the workflow ends, after the call took effect',
} as const;
export type FaultKind = keyof typeof faultKinds;
