/** The gallery's stack in an account, and the pipeline's stack that it belongs to. */
import { DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { describeStack, type NamedStack, namedStack } from '../../scripts/stack/stack.ts';
import { Failure } from '../../scripts/terminal/failure.ts';

const galleryOutputs = z.object({
  PageAddress: z.url(),
  PageBucketName: z.string(),
  DistributionArn: z.string(),
  PageClientId: z.string(),
  SignInAddress: z.url(),
  UserPoolId: z.string(),
  CookieKeySecretName: z.string(),
  CookieKeyGroupName: z.string(),
});
export type GalleryOutputs = z.infer<typeof galleryOutputs>;

export interface AccountGallery {
  readonly stack: NamedStack;
  readonly outputs: GalleryOutputs;
  /** The value of CookieKeyGroupId. */
  readonly keyGroup: string;
  /** The value of RenditionBucketName. */
  readonly renditionBucket: string;
}

export function stackInAccount(name: string): NamedStack {
  return namedStack({ name, emulated: false, clientConfig: {} });
}

/** @throws {Failure} if the stack is not a gallery in an account */
export async function readGallery(stack: NamedStack): Promise<AccountGallery> {
  const { Outputs = [], Parameters = [] } = await describeStack(stack);
  const found = Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]));
  const outputs = galleryOutputs.safeParse(found);
  if (!outputs.success) {
    const missing = [...new Set(outputs.error.issues.map(({ path }) => path.join('.')))].join(', ');
    throw new Failure(
      `The stack ${stack.name} has no output ${missing}: check --stack; if it is a gallery, deploy it again.`,
    );
  }
  const parameter = (name: string) =>
    Parameters.find(({ ParameterKey }) => ParameterKey === name)?.ParameterValue ?? '';
  return {
    ...{ stack, outputs: outputs.data },
    keyGroup: parameter('CookieKeyGroupId'),
    renditionBucket: parameter('RenditionBucketName'),
  };
}

/** The stack that has the rendition bucket from which the gallery's distribution reads. */
export async function pipelineOf({ stack, renditionBucket: bucket }: AccountGallery): Promise<string> {
  const found = await stackWith(stack, bucket);
  if (found !== undefined) return found;
  throw new Failure(
    `No stack in this account and region has the bucket ${bucket}: deploy ${stack.name} with the RenditionBucketName of your pipeline.`,
  );
}

async function stackWith({ clients }: NamedStack, bucket: string): Promise<string | undefined> {
  try {
    const { StackResources: [found] = [] } = await clients.cloudFormation.send(
      new DescribeStackResourcesCommand({ PhysicalResourceId: bucket }),
    );
    return found?.StackName;
  } catch (error) {
    // What CloudFormation answers if there is none.
    if (error instanceof Error && error.name === 'ValidationError') return undefined;
    throw error;
  }
}
