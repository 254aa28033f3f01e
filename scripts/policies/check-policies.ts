import {
  type AccessAnalyzerClient,
  CheckNoPublicAccessCommand,
  paginateValidatePolicy,
} from '@aws-sdk/client-accessanalyzer';
import type { PolicyDocument } from './policy-documents.ts';

export interface PolicyFinding {
  readonly policy: string;
  /** `public`: the policy lets anyone in. The others are Access Analyzer's own. */
  readonly kind: 'public' | 'ERROR' | 'SECURITY_WARNING' | 'WARNING' | 'SUGGESTION';
  readonly what: string;
}

/** What must not be deployed. Warnings and suggestions are about style, or about what a policy does not need. */
export function isBlocking({ kind }: PolicyFinding): boolean {
  return kind === 'public' || kind === 'ERROR' || kind === 'SECURITY_WARNING';
}

/** Asks IAM Access Analyzer about each policy. */
export async function* checkPolicies(
  policies: readonly PolicyDocument[],
  client: AccessAnalyzerClient,
): AsyncGenerator<PolicyFinding> {
  for (const { name, type, validateAs, publicCheckAs, document } of policies) {
    const request = {
      policyDocument: document,
      policyType: type,
      ...(validateAs && { validatePolicyResourceType: validateAs }),
    };
    for await (const { findings = [] } of paginateValidatePolicy({ client }, request)) {
      for (const { findingType, issueCode, findingDetails } of findings)
        yield { policy: name, kind: findingType ?? 'WARNING', what: `${issueCode}: ${findingDetails}` };
    }
    if (publicCheckAs === undefined) continue;
    const {
      result,
      message,
      reasons = [],
    } = await client.send(new CheckNoPublicAccessCommand({ policyDocument: document, resourceType: publicCheckAs }));
    if (result !== 'PASS') {
      const why = reasons.flatMap(({ description }) => description ?? []).join(' ');
      yield { policy: name, kind: 'public', what: `${message ?? 'The resource would be public.'} ${why}`.trim() };
    }
  }
}
