import { afterEach, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { readEnvironment } from '../../adapters/lambda/environment.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const shape = { GIVEN: z.string(), COUNT: z.coerce.number().check(z.int()), ADDRESS: z.string() };

it('given all variables, reads each as its type, and no others', () => {
  for (const [name, value] of Object.entries({ GIVEN: 'yes', COUNT: '12', ADDRESS: 'here', OTHER: 'no' }))
    vi.stubEnv(name, value);
  expect(readEnvironment(shape)).toEqual({ GIVEN: 'yes', COUNT: 12, ADDRESS: 'here' });
});

it('given one missing and one malformed, names both in one error, with what was expected', () => {
  vi.stubEnv('GIVEN', 'yes');
  vi.stubEnv('COUNT', 'a dozen');
  vi.stubEnv('ADDRESS', undefined);
  const read = () => readEnvironment(shape);
  expect(read).toThrow(/COUNT/);
  expect(read).toThrow(/ADDRESS/);
  expect(read).toThrow(/expected number/);
  expect(read).not.toThrow(/GIVEN/);
});
