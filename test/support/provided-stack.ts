import { inject } from 'vitest';
import { localStackAddress } from '../../scripts/local/local-stack.ts';
import { type Stack, stackOf } from '../../scripts/stack/stack.ts';

/** The stack that emulated-stack.ts has deployed for all pipeline tests. */
export const providedStack = (): Stack =>
  stackOf({ ...localStackAddress(inject('emulator')), outputs: inject('outputs') });
