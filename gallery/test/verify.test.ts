import { describe, expect, it } from 'vitest';
import { namedStack } from '../../scripts/stack/stack.ts';
import { parsedOptions } from '../../scripts/terminal/command.ts';
import type { AccountGallery } from '../deploy/account-gallery.ts';
import { verifyCommand } from '../deploy/verify.ts';
import { verifyGallery } from '../deploy/verify-gallery.ts';
import { pageHeaders } from '../local/origin.ts';

const gallery: AccountGallery = {
  stack: namedStack({ name: 'gallery-dev', emulated: false, clientConfig: { region: 'eu-west-1' } }),
  outputs: {
    ...{
      PageAddress: 'https://d1.cloudfront.net/',
      PageBucketName: 'page',
      PageClientId: 'client',
      UserPoolId: 'pool',
    },
    ...{ DistributionArn: 'arn:aws:cloudfront::111122223333:distribution/E1ABC', CookieKeySecretName: 'secret' },
    CookieKeyGroupName: 'gallery-dev-eu-west-1',
    SignInAddress: 'https://sign-in.example',
  },
  keyGroup: 'group',
  renditionBucket: 'renditions',
};

const document = '<link rel="icon" href="icon.svg"><link href="page-A.css"><script src="page-A.js"></script>';
const healthy: Readonly<Record<string, () => Response>> = {
  '/': () => new Response(document, { headers: pageHeaders }),
  '/icon.svg': () => new Response(''),
  '/page-A.css': () => new Response(''),
  '/page-A.js': () => new Response(''),
  '/config.json': () => Response.json({ signIn: { clientId: 'client' } }),
  '/v1/health': () => new Response('{}'),
  '/v1/images': () => new Response('', { status: 401 }),
  '/renditions/none': () => new Response('', { status: 403 }),
};

async function problemsWith(answers: typeof healthy, changed: Partial<AccountGallery> = {}): Promise<string[]> {
  const ask: typeof fetch = async (address) => {
    const { pathname, host } = new URL(String(address));
    expect(host).toBe('d1.cloudfront.net');
    return answers[pathname]?.() ?? new Response('', { status: 404 });
  };
  const verified = await Array.fromAsync(verifyGallery({ ...gallery, ...changed }, ask));
  return verified.flatMap(({ what, problem }) => (problem === undefined ? [] : [`${what}: ${problem}`]));
}

describe('a deployed gallery', () => {
  it('that answers as it should passes', async () => {
    expect(await problemsWith(healthy)).toEqual([]);
  });

  it('without a key for cookies does not, so that prod waits for it', async () => {
    expect(await problemsWith(healthy, { keyGroup: '' })).toEqual([
      expect.stringContaining('run npm run publish -- --stack gallery-dev, and release again'),
    ]);
  });

  it.each([
    ['/', () => new Response(document), /may run only its own files: Its policy is missing/],
    ['/', () => new Response('', { headers: pageHeaders }), /It names none/],
    ['/page-A.js', () => new Response('', { status: 403 }), /page-A.js answers: The answer is 403 instead of 200/],
    ['/config.json', () => Response.json({ signIn: { clientId: 'x' } }), /the client x instead of client/],
    ['/config.json', () => new Response('', { status: 404 }), /config.json is answered with 404/],
    ['/v1/health', () => new Response('', { status: 503 }), /The answer is 503 instead of 200/],
    ['/v1/images', () => new Response('{}'), /a call without a token is refused: The answer is 200 instead of 401/],
    ['/renditions/none', () => new Response(''), /a rendition without a cookie is refused: The answer is 200/],
  ])('does not pass with %s as %s', async (path, answer, message) => {
    const problems = await problemsWith({ ...healthy, [path]: answer });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });
});

it('the command needs a stack', () => {
  expect(parsedOptions(verifyCommand, ['--stack', 'x'])).toMatchObject({ stack: 'x' });
  expect(() => parsedOptions(verifyCommand, [])).toThrow('--stack');
});
