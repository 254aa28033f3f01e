import type { Step } from './cookie-key-steps.ts';

export function describeChange(step: Exclude<Step, { readonly step: 'wait' } | { readonly step: 'none' }>): string {
  switch (step.step) {
    case 'make-first-key':
      return 'making the first key';
    case 'make-group':
      return `CloudFront accepts ${step.key}`;
    case 'accept':
      return `CloudFront begins to accept ${step.key}`;
    case 'sign-with':
      return `functions sign with ${step.key} within five minutes`;
    case 'remove':
      return `CloudFront no longer accepts ${step.keys.join(', ')}`;
  }
}

/** What follows, in a sentence. */
export function describeRest(step: Extract<Step, { readonly step: 'wait' } | { readonly step: 'none' }>): string {
  if (step.step === 'none') return 'One key is accepted, and cookies are signed with it.';
  const time = new Date(step.until).toISOString().replace(/\.\d+Z$/, 'Z');
  return step.why === 'accepting'
    ? `CloudFront has to accept the new key everywhere before it signs. Run this again after ${time}.`
    : `Cookies of the old key are still valid. Run this again after ${time} to remove it.`;
}
