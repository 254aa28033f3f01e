import {
  CancelReplayCommand,
  DescribeArchiveCommand,
  DescribeReplayCommand,
  EventBridgeClient,
  ListRulesCommand,
  ResourceNotFoundException,
  StartReplayCommand,
} from '@aws-sdk/client-eventbridge';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { replayCommand } from '../../scripts/replay/replay.ts';
import { replay, replayPeriod } from '../../scripts/replay/replay-events.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { mockClient } from '../support/mock-client.ts';
import { mockedStack } from '../support/mocked-stack.ts';
import { startCommand } from '../support/started-command.ts';

const events = mockClient(EventBridgeClient);
const period = { from: new Date('2026-11-28T09:00Z'), to: new Date('2026-11-28T10:00Z'), rule: 'images' };
const [archive, bus, rule] = ['arn:archive', 'arn:bus', 'arn:rule/images'];

beforeEach(() => {
  events.reset();
  events.on(DescribeArchiveCommand).resolves({ ArchiveArn: archive, EventSourceArn: bus, EventCount: 7 });
  events.on(ListRulesCommand).resolvesOnce({ Rules: [{ Name: 'thumbnails', Arn: 'arn:other' }], NextToken: 'more' });
  events.on(ListRulesCommand, { NextToken: 'more' }).resolves({ Rules: [{ Name: 'images', Arn: rule }] });
  events.on(StartReplayCommand).resolves({});
});

it('replays the period to one rule only, and waits for the end', async () => {
  events
    .on(DescribeReplayCommand)
    .resolvesOnce({ State: 'RUNNING', EventLastReplayedTime: new Date('2026-11-28T09:30Z') })
    .resolves({ State: 'COMPLETED' });
  const progress: string[] = [];

  await replay(mockedStack(), period, (text) => void progress.push(text));

  const [started] = events.commandCalls(StartReplayCommand);
  expect(started?.args[0].input).toMatchObject({
    EventSourceArn: archive,
    EventStartTime: period.from,
    EventEndTime: period.to,
    Destination: { Arn: bus, FilterArns: [rule] },
  });
  expect(progress).toEqual(['until 2026-11-28T09:30:00.000Z', 'started']);
});

it('begins with the second in which the period begins: the times of events have whole seconds', async () => {
  events.on(DescribeReplayCommand).resolves({ State: 'COMPLETED' });
  await replay(mockedStack(), { ...period, from: new Date('2026-11-28T09:00:00.900Z') });
  const [started] = events.commandCalls(StartReplayCommand);
  expect(started?.args[0].input.EventStartTime).toEqual(period.from);
});

it('suggests a rule of a similar name', async () => {
  await expect(replay(mockedStack(), { ...period, rule: 'image' })).rejects.toThrow('Did you mean images?');
  expect(events.commandCalls(StartReplayCommand)).toEqual([]);
});

it('says why EventBridge gave up', async () => {
  events.on(DescribeReplayCommand).resolves({ State: 'FAILED', StateReason: 'the archive is gone' });
  await expect(replay(mockedStack(), period)).rejects.toThrow('FAILED: the archive is gone');
});

it('says what to do without an archive', async () => {
  events.on(DescribeArchiveCommand).rejects(new ResourceNotFoundException({ message: 'none', $metadata: {} }));
  await expect(replay(mockedStack(), period)).rejects.toThrow('no archive of domain events: deploy it again');
});

it('with --json, says on standard error what it does, and has only the result on standard output', async () => {
  events.on(ListRulesCommand).resolves({ Rules: [{ Name: 'images', Arn: rule }] });
  events.on(DescribeReplayCommand).resolves({ State: 'COMPLETED' });
  const [out, error] = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockReturnValue(true),
  );
  onTestFinished(() => void vi.restoreAllMocks());
  await replayPeriod(mockedStack(), { ...period, json: true, yes: true }, new AbortController().signal);
  expect(error?.mock.calls.map(([text]) => text)).toContain('Replay …\n');
  expect(out?.mock.calls.map(([text]) => Object.keys(JSON.parse(String(text))))).toEqual([['replay']]);
});

it('cancels the replay when it is stopped', async () => {
  await expect(replay(mockedStack(), period, undefined, AbortSignal.abort())).rejects.toThrow('was stopped');
  expect(events.commandCalls(CancelReplayCommand)).toHaveLength(1);
});

it('says how to look, if a replay that was stopped could not be cancelled', async () => {
  events.on(CancelReplayCommand).rejects(new Error('no connection'));
  await expect(replay(mockedStack(), period, undefined, AbortSignal.abort())).rejects.toThrow(
    /could not be cancelled.*no connection.*describe-replay/s,
  );
});

it('cancels the replay on Ctrl-C before the process ends, without waiting for the next look', async () => {
  const command = {
    ...{ file: 'scripts/replay/replay.ts', name: 'replayCommand' },
    args: ['--from', '2026-11-28T09:00Z', '--to', '2026-11-28T10:00Z', '--rule', 'images', '--yes'],
  };
  const { printed, stop, ended } = startCommand(
    command,
    `
    import * as sdk from '@aws-sdk/client-eventbridge';
    const events = mockClient(sdk.EventBridgeClient);
    events.on(sdk.DescribeArchiveCommand).resolves({ ArchiveArn: 'archive', EventSourceArn: 'bus', EventCount: 7 });
    events.on(sdk.ListRulesCommand).resolves({ Rules: [{ Name: 'images', Arn: 'rule' }] });
    events.on(sdk.StartReplayCommand).resolves({});
    events.on(sdk.DescribeReplayCommand).callsFake(async () => {
      console.log('looked');
      return { State: 'RUNNING' };
    });
    events.on(sdk.CancelReplayCommand).callsFake(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log('cancelled');
      return {};
    });`,
  );
  await printed('looked');
  stop();
  const { exitCode, out, error } = await ended;
  expect(out.filter((line) => line === 'looked' || line === 'cancelled')).toEqual(['looked', 'cancelled']);
  expect(error).toMatch(/\nReplay \S+ was stopped\. Run it again from the last event.*\n\nStopped\.\n$/);
  expect(exitCode).toBe(130);
});

it.each(['yesterday', '2026-11-28', '2026-11-28T09:00', '2026-13-01T00:00Z'])(
  'refuses %s, which is no point in time',
  (text) => {
    expect(() => parsedOptions(replayCommand, ['--from', text, '--to', '2026-11-28T10:00Z', '--rule', 'r'])).toThrow(
      'Use a time with its zone',
    );
  },
);
