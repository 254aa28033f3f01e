import { beforeEach, describe, expect, it } from 'vitest';
import { captureLog } from '../support/captured-log.ts';
import { answersOfAws, loadedHandlers } from '../support/loaded-handlers.ts';

const logged = captureLog();
const levels = ['info', 'warn', 'error', 'log'] as const;
const everyLine = () => levels.flatMap((level) => logged(level));
const correlationIds = () => everyLine().map((line) => line['correlation_id']);

beforeEach(answersOfAws);

describe('the dispatcher’s log lines for messages handled in parallel', () => {
  it('each carry the correlation id of their own message, on success and failure', async () => {
    await (await loadedHandlers()).dispatch(['processed-1', 'fails-2', 'rejects-3', 'processed-4']);
    const unread = everyLine().filter(({ messageId }) => messageId === 'unreadable');
    const ofImages = everyLine().filter(({ messageId }) => messageId !== 'unreadable');
    for (const line of ofImages) {
      const id = String(line['correlation_id']);
      expect(id).toMatch(/^(processed-1|fails-2|rejects-3|processed-4)$/);
      // The rest of the line is about the same message.
      for (const [other] of JSON.stringify(line).matchAll(/\b(processed|fails|rejects)-\d/g)) expect(other).toBe(id);
    }
    expect(ofImages.map(({ correlation_id }) => correlation_id).sort()).toEqual([
      // One log line and one line of metrics per image; for a failure, also that its message could not be postponed.
      ...['fails-2', 'fails-2', 'fails-2'],
      ...['processed-1', 'processed-1', 'processed-4', 'processed-4'],
      ...['rejects-3', 'rejects-3'],
    ]);
    // These name the message, because its upload is unknown.
    expect(unread.length).toBe(3);
  });

  it('also name the invocation and the function', async () => {
    await (await loadedHandlers()).dispatch(['processed-1']);
    expect(logged('info')).toEqual([
      expect.objectContaining({ function_request_id: expect.any(String), function_name: 'a-function' }),
    ]);
  });
});

it.each(['describePhotograph', 'renderPhotograph', 'removeRenditions'] as const)(
  'a worker’s log lines carry the correlation id of their image: %s',
  async (step) => {
    await (await loadedHandlers())[step]();
    expect(correlationIds()).toEqual(['the-photograph']);
  },
);

describe('given a photo with a GPS position', () => {
  it('the log contains neither place, time nor camera, although the record does', async () => {
    const { describePhotograph, renderPhotograph, dispatch } = await loadedHandlers();
    const described = await describePhotograph();
    await renderPhotograph();
    await dispatch(['processed-1']);

    if (described.outcome !== 'processed') throw new Error('not processed');
    const { location, camera, capturedAt, sha256 } = described.metadata;
    const secrets = [location?.latitude, location?.longitude, camera?.model, capturedAt, sha256];
    const log = JSON.stringify(everyLine());
    for (const secret of secrets) {
      expect(secret).toBeDefined();
      // Three decimal places of a position are about a hundred metres.
      expect(log).not.toContain(String(secret).slice(0, 6));
    }
  });

  it('the log contains no raw event, no bytes and no link', async () => {
    const { describePhotograph, dispatch } = await loadedHandlers();
    await describePhotograph();
    await dispatch(['processed-1']);
    const log = JSON.stringify(everyLine());
    expect(log).not.toMatch(/X-Amz-|AQEB-receipt-handle|version-id|\/9j\/|base64/i);
    for (const line of everyLine()) expect(JSON.stringify(line).length).toBeLessThan(2000);
  });
});
