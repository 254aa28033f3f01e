import { afterEach, describe, expect, it, vi } from 'vitest';
import { isolatedEnvironment } from '../../scripts/local/isolated-environment.ts';
import { isDecided } from '../../scripts/stack/send-uploads.ts';
import { startCommand } from '../../scripts/start/start.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import { html } from '../../scripts/terminal/html.ts';
import { printable } from '../../scripts/terminal/printable.ts';

describe('npm start', () => {
  it.each([
    ['processed', true],
    ['rejected', true],
    ['superseded', true],
    ['vanished', true],
    ['deleted', true],
    ['failed', false],
    [undefined, false],
  ] as const)('counts %s as decided: %s', (outcome, decided) => {
    const sent = { file: 'a.jpg', key: 'a.jpg', bytes: 1, took: 1 };
    expect(isDecided(outcome === undefined ? sent : { ...sent, outcome })).toBe(decided);
  });

  it.each([
    [['--wrong'], "Unknown option '--wrong'"],
    [['--port', '70000'], 'Use a whole number from 1 to 65535.'],
    [['--out', ''], 'Use the path of a file or directory.'],
    [['--stack', 'images-dev', '--port', '4567', 'a.jpg'], '--port'],
  ])('rejects %j: %s', (args, sentence) => {
    expect(() => parsedOptions(startCommand, args)).toThrow(sentence);
  });

  it('escapes characters in a file name that would reverse the text', () => {
    expect(printable('holiday\u202egpj.exe 👩‍👩‍👧 é')).toBe('holiday\\u202egpj.exe 👩‍👩‍👧 é');
  });

  it('escapes HTML in file names on the contact sheet', () => {
    expect(html`<p>${'<img src=x onerror="steal()">'}</p>`.text).not.toContain('<img');
  });
});

describe('a process started on this machine', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each(['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL_S3', 'AWS_ROLE_ARN'])(
    'does not inherit the user’s %s',
    (name) => {
      vi.stubEnv(name, 'production');
      expect(isolatedEnvironment()).not.toHaveProperty(name);
    },
  );

  it('has the emulator’s keys instead of the user’s', () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA');
    vi.stubEnv('AWS_CONFIG_FILE', '~/.aws/config');
    expect(isolatedEnvironment()).toMatchObject({ AWS_ACCESS_KEY_ID: 'test', AWS_CONFIG_FILE: '/dev/null' });
  });
});
