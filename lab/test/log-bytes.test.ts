import { beforeEach, describe, expect, it } from 'vitest';
import { captureLog } from '../../test/support/captured-log.ts';
import { answersOfAws, loadedHandlers } from '../../test/support/loaded-handlers.ts';
import { assumptions } from '../cost/assumptions.ts';

const logged = captureLog();

beforeEach(answersOfAws);

describe('the bytes of each log line that the cost model assumes', () => {
  const name = 'pipeline-prod-DispatchImagesFunction-1a2b3c4d5e6f';
  /** Values as in an account: here, names are shorter and there are no traces. */
  const inAccount = {
    service: 'pipeline-prod',
    function_name: name,
    function_arn: `arn:aws:lambda:us-east-1:123456789012:function:${name}:live`,
    xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
    correlation_id: '6ad49eb8-4ff9-4a1f-9e0a-5a6c0d6a7b0e',
  };
  const image = {
    bucket: 'pipeline-prod-uploadbucket-1a2b3c4d5e6f',
    key: 'holiday/2026/IMG_20260102_030405.jpg',
    versionId: '3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH',
    etag: 'd41d8cd98f00b204e9800998ecf8427e',
  };
  // CloudWatch adds 26 bytes to each.
  const bytesOf = (line: object) => JSON.stringify(line).length + 26;

  it('match the lines of a worker and the dispatcher', async () => {
    const { describePhotograph, dispatch } = await loadedHandlers();
    await describePhotograph();
    const [worker] = logged('info');
    await dispatch(['processed-1']);
    const [decision, metrics] = [logged('info').at(-1), logged('log').at(-1)];
    const { initMillis: _, ...warm } = worker ?? {};
    const written = {
      workerLogBytes: bytesOf({ ...warm, ...inAccount }),
      decisionLogBytes: bytesOf({ ...decision, ...inAccount, image: { ...Object(decision?.['image']), ...image } }),
      metricsLogBytes: bytesOf({ ...metrics, service: inAccount.service, correlation_id: inAccount.correlation_id }),
    };
    for (const line of ['workerLogBytes', 'decisionLogBytes', 'metricsLogBytes'] as const) {
      expect(Math.abs(assumptions[line] / written[line] - 1), `${line}: ${written[line]}`).toBeLessThan(0.03);
    }
  });
});
