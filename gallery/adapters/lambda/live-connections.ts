import * as z from '../../../adapters/contracts/zod.ts';
import { clientMessage, type ServerMessage } from '../../api/live.ts';
import { type Problem, problems } from '../../core/answer.ts';
import { ownerPattern } from '../../core/upload-key.ts';

// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
const event = z.object({
  requestContext: z.object({
    routeKey: z.enum(['$connect', '$disconnect', '$default']),
    connectionId: z.text,
    // What the authorizer said when the connection was opened. It stays with the connection.
    authorizer: z.object({ owner: z.string().check(z.regex(ownerPattern)) }),
  }),
  body: z.nullish(z.string()),
});

export interface LiveHandlers {
  /** Returns false if the connection is refused. */
  open(owner: string, connectionId: string): Promise<boolean>;
  close(owner: string, connectionId: string): Promise<void>;
  /** Returns undefined if the connection is one too many. */
  hello(owner: string, connectionId: string): Promise<ServerMessage | undefined>;
}

/** A Lambda handler for all routes of the WebSocket API. */
export function liveConnections({ open, close, hello }: LiveHandlers) {
  return async (call: unknown): Promise<{ readonly statusCode: number; readonly body?: string }> => {
    const { requestContext, body } = event.parse(call);
    const { routeKey, connectionId, authorizer } = requestContext;
    switch (routeKey) {
      case '$connect':
        return (await open(authorizer.owner, connectionId)) ? { statusCode: 200 } : refusal('rate-limited');
      case '$disconnect':
        await close(authorizer.owner, connectionId);
        return { statusCode: 200 };
      case '$default': {
        // Anything else is ignored: a newer page may say more.
        const answer = isHello(body) ? await hello(authorizer.owner, connectionId) : undefined;
        return { statusCode: 200, ...(answer && { body: JSON.stringify(answer) }) };
      }
    }
  };
}

function refusal(problem: Problem['problem']) {
  return { statusCode: problems[problem].status };
}

function isHello(body: string | null | undefined): boolean {
  try {
    return clientMessage.safeParse(JSON.parse(body ?? '')).success;
  } catch {
    return false;
  }
}
