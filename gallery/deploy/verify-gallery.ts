/** Whether a deployed gallery answers as its template says. Reads only, and from outside: through the address that browsers use. */
import * as z from 'zod';
import type { AccountGallery } from './account-gallery.ts';

export interface Verified {
  readonly what: string;
  /** Undefined if all is well. */
  readonly problem: string | undefined;
}

export async function* verifyGallery(
  { stack, outputs, keyGroup }: AccountGallery,
  ask: typeof fetch = fetch,
): AsyncGenerator<Verified> {
  const get = (path: string) => ask(new URL(path, outputs.PageAddress), { redirect: 'manual' });
  yield {
    what: 'the distribution has a key group, so it serves renditions',
    problem:
      keyGroup === '' ? `It has none: run npm run publish -- --stack ${stack.name}, and release again.` : undefined,
  };
  const page = await get('/');
  const document = await page.text();
  yield expected('the page answers', page, 200);
  yield {
    what: 'the page may run only its own files',
    problem: policyOf(page).includes("default-src 'none'")
      ? undefined
      : `Its policy is ${policyOf(page) || 'missing'}.`,
  };
  const named = [...document.matchAll(/(?:src|href)="\/?([^":]+\.(?:js|css|svg))"/g)].map(([, name = '']) => name);
  yield { what: 'the page names its files', problem: named.length === 0 ? 'It names none.' : undefined };
  for (const name of named) yield expected(`${name} answers`, await get(`/${name}`), 200);
  yield {
    what: 'people sign in with the client of this stack',
    problem: await signInProblem(await get('/config.json'), outputs.PageClientId),
  };
  yield expected('the API and its table answer', await get('/v1/health'), 200);
  yield expected('a call without a token is refused', await get('/v1/images'), 401);
  yield expected('a rendition without a cookie is refused', await get('/renditions/none'), 403);
}

function expected(what: string, { status }: Response, wanted: number): Verified {
  return { what, problem: status === wanted ? undefined : `The answer is ${status} instead of ${wanted}.` };
}

const policyOf = ({ headers }: Response) => headers.get('content-security-policy') ?? '';

const configuration = z.object({ signIn: z.object({ clientId: z.string() }) });

async function signInProblem(answer: Response, client: string): Promise<string | undefined> {
  if (!answer.ok) return `config.json is answered with ${answer.status}.`;
  const { signIn } = configuration.parse(await answer.json());
  return signIn.clientId === client ? undefined : `config.json has the client ${signIn.clientId} instead of ${client}.`;
}
