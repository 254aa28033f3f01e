/** What an operation of the API answers. Expected problems are returned as data. */
export type Answer<Body = undefined> =
  | { readonly status: 200 | 201; readonly body: Body; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: 202 | 304; readonly headers?: Readonly<Record<string, string>> }
  | Problem;

/** docs: `Problem` in openapi.yaml. */
export interface Problem {
  readonly problem: keyof typeof problems;
  /** A sentence. */
  readonly detail?: string;
  readonly waitSeconds?: number;
}

export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'signed-out': { status: 401, title: 'Sign in first' },
  'not-found': { status: 404, title: 'There is no such image' },
  'too-large': { status: 413, title: 'The file is too large' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  unavailable: { status: 503, title: 'The gallery cannot answer at the moment' },
} as const;
