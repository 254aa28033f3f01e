import { createHash } from 'node:crypto';
import type { Page, Request } from 'playwright-core';
import { expect, it } from 'vitest';
import { card, choose, describePage, expectCards, photograph } from './page-test.ts';

/** Cognito as the page sees it: addresses that redirect, and one that exchanges codes for tokens. */
async function cognitoFor(page: Page, tokens: () => Promise<Readonly<Record<string, string>>>) {
  const asked: { authorize?: URL; logout?: URL; readonly forms: URLSearchParams[] } = { forms: [] };
  const signIn = {
    kind: 'cognito',
    authorizeUrl: '/oauth2/authorize',
    tokenUrl: '/oauth2/token',
    logoutUrl: '/logout',
    clientId: 'page',
  };
  const urlOf = (request: Request) => new URL(request.url());
  await page.route('**/config.json', (route) => route.fulfill({ json: { signIn } }));
  await page.route('**/oauth2/authorize?*', async (route) => {
    asked.authorize = urlOf(route.request());
    const { redirect_uri, state } = Object.fromEntries(asked.authorize.searchParams);
    await route.fulfill({ status: 302, headers: { Location: `${redirect_uri}?code=the-code&state=${state}` } });
  });
  await page.route('**/oauth2/token', async (route) => {
    asked.forms.push(new URLSearchParams(route.request().postData() ?? ''));
    await route.fulfill({ json: await tokens() });
  });
  await page.route('**/logout?*', async (route) => {
    asked.logout = urlOf(route.request());
    await route.fulfill({ status: 302, headers: { Location: '/' } });
  });
  return asked;
}

const idToken = `x.${Buffer.from(JSON.stringify({ email: 'zoë@example.com' })).toString('base64url')}.x`;
const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor();

describePage('Signing in with Cognito', {}, ({ open, gallery }) => {
  it('uses a code with PKCE, and leaves no trace of it in the address', async () => {
    const page = await open();
    const asked = await cognitoFor(page, async () => ({
      access_token: await gallery().signIn('zoe'),
      id_token: idToken,
      refresh_token: 'refresh',
    }));
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isLive(page);
    await page.getByText('zoë@example.com').waitFor();
    const { code_challenge, code_challenge_method, response_type, scope, client_id } = Object.fromEntries(
      asked.authorize?.searchParams ?? [],
    );
    expect({ code_challenge_method, response_type, scope, client_id }).toEqual({
      code_challenge_method: 'S256',
      response_type: 'code',
      scope: 'openid gallery/images',
      client_id: 'page',
    });
    const [exchange] = asked.forms;
    expect(exchange?.get('code')).toBe('the-code');
    const verifier = exchange?.get('code_verifier') ?? '';
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(code_challenge);
    expect(page.url()).toBe(`${gallery().address}/`);
    await choose(page, await photograph('mine.jpg', 1));
    await expectCards(page, 'ready', 1);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(asked.logout?.searchParams.get('logout_uri')).toBe(`${gallery().address}/`);
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
  });

  it('says that copied HTML shows the pictures to people of the gallery only, because they are private', async () => {
    const page = await open(undefined, { permissions: ['clipboard-read', 'clipboard-write'] });
    await cognitoFor(page, async () => ({ access_token: await gallery().signIn('zoe') }));
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await card(page, 'mine.jpg').getByRole('link').click();
    await page.getByRole('button', { name: 'Copy as HTML' }).click();
    await page.getByText('HTML copied.').waitFor();
    await page.getByText('The pictures are private: only people who are signed in').waitFor();
    expect(await page.getByText('on this machine').count()).toBe(0);
  });

  it('takes no code that this window did not ask for', async () => {
    const page = await open();
    const asked = await cognitoFor(page, async () => ({ access_token: await gallery().signIn('zoe') }));
    for (const attempt of [undefined, JSON.stringify({ verifier: 'mine', state: 'mine' })]) {
      if (attempt !== undefined)
        await page.evaluate((value) => sessionStorage.setItem('gallery.sign-in', value), attempt);
      await page.goto('/?code=of-an-attacker&state=guessed');
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      expect(asked.forms).toEqual([]);
    }
  });

  it('shows no inside of the pipeline in an account, where nothing answers for it', async () => {
    const page = await open();
    await page.route('**/config.json', async (route) => {
      const { inside: _, ...rest } = await (await route.fetch()).json();
      await route.fulfill({ json: rest });
    });
    await page.goto('/#/inside');
    await page.reload();
    await page.getByRole('button', { name: 'Continue as ann' }).click();
    await page.getByRole('heading', { name: 'Photographs', exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'Inside' }).count()).toBe(0);
  });

  it('renews an expired token once for all that need it, and signs out if that is not possible', async () => {
    const page = await open();
    const asked = await cognitoFor(page, async () => ({
      access_token: await gallery().signIn('zoe'),
      id_token: idToken,
      refresh_token: 'refresh',
    }));
    await page.reload();
    await page.evaluate(() =>
      sessionStorage.setItem(
        'gallery.session',
        JSON.stringify({ person: 'zoë', accessToken: 'expired.expired.expired', refreshToken: 'refresh' }),
      ),
    );
    // Nobody is signed out because the network fails at the wrong moment.
    await page.route('**/oauth2/token', (route) => route.abort(), { times: 1 });
    await page.reload();
    await expectCards(page, 'ready', 1);
    await isLive(page);
    expect(asked.forms.map((form) => form.get('grant_type'))).toEqual(['refresh_token']);
    await page.evaluate(() => {
      const session = JSON.parse(sessionStorage.getItem('gallery.session') ?? '{}');
      sessionStorage.setItem('gallery.session', JSON.stringify({ ...session, accessToken: 'expired.expired.expired' }));
    });
    await page.route('**/oauth2/token', (route) => route.fulfill({ status: 400, json: { error: 'invalid_grant' } }));
    await page.reload();
    await page.getByText('Your session has ended. Please sign in again.').waitFor();
  });

  it('signs out with a sentence if a new token is refused, too', async () => {
    const page = await open('ann');
    await page.route('**/v1/uploads', (route) => route.fulfill({ status: 403, json: { message: 'Forbidden' } }));
    await choose(page, await photograph('not-mine.jpg', 2));
    await page.getByText('Your session has ended. Please sign in again.').waitFor();
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
  });
});
