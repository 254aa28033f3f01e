import { expect, it, onTestFinished, vi } from 'vitest';
import { configurationOf } from '../../deploy/page-release.ts';
import { readConfiguration } from '../source/session.ts';

it('the page understands the config.json that is published, and signs people in at the addresses of the stack', async () => {
  const config = configurationOf({
    ...{ PageAddress: 'https://d1.cloudfront.net/', PageBucketName: 'page', DistributionArn: 'arn' },
    ...{ UserPoolId: 'pool', CookieKeySecretName: 'secret', CookieKeyGroupName: 'group', PageClientId: 'client' },
    SignInAddress: 'https://gallery.auth.eu-west-1.amazoncognito.com',
  });
  vi.stubGlobal('fetch', async () => new Response(config));
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(await readConfiguration()).toEqual({
    signIn: {
      kind: 'cognito',
      authorizeUrl: 'https://gallery.auth.eu-west-1.amazoncognito.com/oauth2/authorize',
      tokenUrl: 'https://gallery.auth.eu-west-1.amazoncognito.com/oauth2/token',
      logoutUrl: 'https://gallery.auth.eu-west-1.amazoncognito.com/logout',
      clientId: 'client',
    },
  });
});
