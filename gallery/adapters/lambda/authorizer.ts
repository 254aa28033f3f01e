import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import * as z from '../../../adapters/contracts/zod.ts';
import type { TokenVerifier } from '../../core/ports.ts';

// The REST API sends the header, the WebSocket API the parameters: a browser can set no header for a WebSocket.
const call = z.discriminatedUnion('type', [
  z.object({ type: z.literal('TOKEN'), authorizationToken: z.string(), methodArn: z.text }),
  z.object({
    type: z.literal('REQUEST'),
    queryStringParameters: z.nullish(z.object({ token: z.optional(z.string()) })),
    methodArn: z.text,
  }),
]);

/**
 * A Lambda authorizer for both APIs. A bad token is refused and does not throw: an error of this function means that people
 * cannot sign in. Strangers must not be able to raise that alarm.
 */
export function authorizer(tokens: TokenVerifier): (event: unknown) => Promise<APIGatewayAuthorizerResult> {
  return async (event) => {
    const asked = call.parse(event);
    const token =
      asked.type === 'TOKEN'
        ? /^Bearer (\S+)$/.exec(asked.authorizationToken)?.[1]
        : asked.queryStringParameters?.token;
    const owner = token === undefined ? undefined : await tokens.ownerOf(token);
    // API Gateway keeps the answer for all routes, so it must not name the one that was called.
    const [api = '', stage = ''] = asked.methodArn.split('/');
    const statement = { Action: 'execute-api:Invoke', Resource: `${api}/${stage}/*` };
    return owner === undefined
      ? { principalId: 'unknown', policyDocument: policy({ ...statement, Effect: 'Deny' }) }
      : { principalId: owner, policyDocument: policy({ ...statement, Effect: 'Allow' }), context: { owner } };
  };
}

function policy(statement: APIGatewayAuthorizerResult['policyDocument']['Statement'][number]) {
  return { Version: '2012-10-17', Statement: [statement] };
}
