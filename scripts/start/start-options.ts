import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultPort } from '../local/emulator.ts';
import { parseOrSay, wholeNumber } from '../terminal/command-options.ts';
import { Failure } from '../terminal/failure.ts';
import { callerDirectory } from '../terminal/project.ts';

export interface StartOptions {
  readonly paths: readonly string[];
  readonly once: boolean;
  readonly help: boolean;
  /** Absolute. */
  readonly json: string | undefined;
  /** Absolute. */
  readonly out: string | undefined;
  readonly port: number | undefined;
  /** In an account; absent: the one on this machine. */
  readonly stack: string | undefined;
}

export const help = `Sends photographs through the image pipeline on this machine's own AWS, and shows what becomes of them.

  npm start                          the photographs of docs/samples, then waits for Ctrl-C
  npm start -- FILE|DIR …            your own; while another npm start is up, through that one
  npm start -- --once FILE|DIR …     ends when all are decided; exit code 0 only if all were
  npm start -- --stack NAME FILE|DIR …   the same through a stack in the account of your AWS profile and region

Options, after the --

  --once        end when every upload is decided: processed, rejected, superseded, vanished or deleted
  --json FILE   write an array with one object an upload: file, key, outcome, reason, record, renditions
  --out DIR     save the renditions as DIR/KEY/PRESET.EXTENSION
  --port N      the emulator's port on 127.0.0.1 (default ${defaultPort})
  --stack NAME  send to a stack in an account, which may cost money. Keys start with npm-start/DATE-TIME/, so that
                nothing in the bucket is overwritten. The uploads stay until you remove them.
  --help        this

A DIR is walked to the bottom; hidden entries are left out. Every file is sent whatever its name, for Darkroom goes by
the content. A key is the path below the deepest directory that all given paths share.
`;

export function parseOptions(args: readonly string[]): StartOptions {
  const { values, positionals } = parse(args);
  if (values.stack !== undefined && !values.help) checkAccount(values.stack, values.port, positionals);
  return {
    paths: positionals,
    once: values.once,
    help: values.help,
    json: asPath('--json', values.json),
    out: asPath('--out', values.out),
    port: wholeNumber('--port', values.port, { from: 1, to: 65_535, example: defaultPort + 1 }),
    stack: values.stack,
  };
}

function checkAccount(stack: string, port: string | undefined, paths: readonly string[]): void {
  if (stack === '') throw new Failure('--stack needs the name of a stack, for example --stack darkroom-dev.');
  if (port !== undefined) throw new Failure('--port belongs to the emulator: leave it out with --stack.');
  if (paths.length === 0) throw new Failure('--stack needs the files to send: npm start -- --stack NAME FILE|DIR …');
}

function parse(args: readonly string[]) {
  return parseOrSay('npm start', () =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        once: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'string' },
        out: { type: 'string' },
        port: { type: 'string' },
        stack: { type: 'string' },
      },
    }),
  );
}

function asPath(option: string, path: string | undefined): string | undefined {
  if (path === '') throw new Failure(`${option} needs a path, for example ${option} results.`);
  return path === undefined ? undefined : resolve(callerDirectory(), path);
}
