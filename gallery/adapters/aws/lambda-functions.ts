import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Functions } from '../../core/check-release.ts';

const SHOWN = 300;

/** Calls a given version of a function, as API Gateway and SQS call its alias. */
export function lambdaFunctions({ client }: { readonly client: LambdaClient }): Functions {
  return {
    async call(functionVersion, event) {
      const { FunctionError, Payload } = await client.send(
        new InvokeCommand({ FunctionName: functionVersion, Payload: JSON.stringify(event) }),
      );
      const text = new TextDecoder().decode(Payload);
      if (FunctionError !== undefined) throw new Error(`${functionVersion} failed: ${text.slice(0, SHOWN)}`);
      const result: unknown = text === '' ? undefined : JSON.parse(text);
      return result;
    },
  };
}
