import { describe, expect, it } from 'vitest';
import { isReadable, sentOf } from '../source/send-file.ts';

const error = (code: string, message = '') => `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;

describe('what the storage answers', () => {
  it.each([
    ['a file that it has stored', 204, '', 'sent'],
    ['no answer at all', 0, '', 'unreachable'],
    ['an error of its own', 503, error('SlowDown'), 'unreachable'],
    ['a request that took too long', 408, '', 'unreachable'],
    ['too many requests', 429, '', 'unreachable'],
    ['a body that came too slowly', 400, error('RequestTimeout'), 'unreachable'],
    ['a body that ended early', 400, error('IncompleteBody'), 'unreachable'],
    ['another upload with the same key', 409, error('OperationAborted'), 'unreachable'],
    ['a ticket after its time', 403, error('AccessDenied', 'Invalid according to Policy: Policy expired.'), 'expired'],
    ['a ticket whose signer has no session any more', 400, error('ExpiredToken'), 'expired'],
    ['a clock that differs', 403, error('RequestTimeTooSkewed'), 'expired'],
    ['another size than the ticket allows', 400, error('EntityTooLarge'), 'refused'],
    ['another key than the ticket allows', 403, error('AccessDenied', 'Invalid according to Policy'), 'refused'],
    ['a refusal without a reason', 403, '', 'refused'],
  ] as const)('%s', (_, status, body, kind) => {
    expect(sentOf(status, body).kind).toBe(kind);
  });
});

it('a file is readable until the browser refuses', async () => {
  const file = new File(['x'], 'there.jpg');
  const moved = new File(['x'], 'moved.jpg');
  moved.slice = () => {
    throw new DOMException('It is not there any more.', 'NotFoundError');
  };
  expect([await isReadable(file), await isReadable(moved)]).toEqual([true, false]);
});
