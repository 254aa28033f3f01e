/** What remains to be done after `sam deploy`: a plan, and its execution. */
import type { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { NamedStack } from '../../scripts/stack/stack.ts';
import { changeParameters, readParameters } from '../../scripts/stack/stack-parameters.ts';
import { Failure } from '../../scripts/terminal/failure.ts';
import type { Step } from '../../scripts/terminal/progress.ts';
import { buildPage } from '../page/build.ts';
import { type AccountGallery, pipelineOf, readGallery } from './account-gallery.ts';
import { describeChange } from './cookie-key-report.ts';
import { advance, type KeyStore, readKeys } from './cookie-keys.ts';
import {
  configurationOf,
  type PageRelease,
  pageFiles,
  publish,
  readPublished,
  releaseOf,
  targetOf,
} from './page-release.ts';
import type { PublishPlan } from './publish-report.ts';

export interface Publication {
  readonly gallery: AccountGallery;
  readonly pipeline: NamedStack;
  readonly keys: KeyStore;
  readonly s3: S3Client;
  readonly release: PageRelease;
  readonly plan: PublishPlan;
}

interface Account {
  readonly open: (stack: string) => NamedStack;
  readonly s3: S3Client;
  readonly cloudFront: CloudFrontClient;
  readonly secrets: SecretsManagerClient;
}

/** @param folder for the built page */
export async function planPublication(
  name: string,
  { open, s3, cloudFront, secrets }: Account,
  folder: string,
): Promise<Publication> {
  const gallery = await readGallery(open(name));
  const { outputs, keyGroup } = gallery;
  const pipeline = open(await pipelineOf(gallery));
  const connect = await connectionOf(gallery, pipeline);
  const files = await pageFiles(folder, await buildPage(folder), configurationOf(outputs));
  const release = releaseOf(files, await readPublished(s3, outputs.PageBucketName));
  const store = { cloudFront, secrets, name: outputs.CookieKeyGroupName, secretId: outputs.CookieKeySecretName };
  const { keys, group } = await readKeys(store);
  const plan = {
    ...{ pipeline: pipeline.name, connect, page: outputs.PageAddress },
    makesKey: keys.signing === undefined,
    servesRenditions: group !== undefined && group.id === keyGroup,
    upload: release.upload.map((file) => file.name),
    invalidate: release.invalidate,
  };
  return { gallery, pipeline, keys: store, s3, release, plan };
}

/** The page comes last, so that people who see it can use it. @returns the id of the invalidation, if there is one */
export async function carryOut(
  { gallery, pipeline, keys, s3, release, plan }: Publication,
  step: Step,
): Promise<string | undefined> {
  const { stack, outputs, keyGroup } = gallery;
  const { group } = await step('Key for cookies', (report) =>
    advance(keys, { report: (change) => report(describeChange(change)) }),
  );
  if (keyGroup !== group) {
    await step(`${stack.name}: serve renditions with these cookies (about five minutes)`, () =>
      changeParameters(stack, { CookieKeyGroupId: group }),
    );
  }
  if (Object.keys(plan.connect).length > 0) {
    await step(`${pipeline.name}: let the gallery read renditions and upload`, () =>
      changeParameters(pipeline, plan.connect),
    );
  }
  const target = { s3, cloudFront: keys.cloudFront, ...targetOf(outputs) };
  return await step('Publish the page', (report) => publish(release, target, report));
}

/** The parameters of the pipeline's stack that do not name this gallery yet. @throws {Failure} if they name another */
async function connectionOf(
  { outputs, stack }: AccountGallery,
  pipeline: NamedStack,
): Promise<Readonly<Record<string, string>>> {
  const parameters = await readParameters(pipeline);
  const wanted = {
    RenditionReaderDistributionArn: outputs.DistributionArn,
    UploadPageOrigin: new URL(outputs.PageAddress).origin,
    // The page shows a photograph's size and ThumbHash before its renditions are there.
    AnnounceDescriptions: 'true',
  };
  const missing = Object.entries(wanted).filter(([parameter, value]) => parameters.get(parameter) !== value);
  for (const [parameter] of missing) {
    const value = parameters.get(parameter);
    if (value === undefined) {
      throw new Failure(
        `${pipeline.name} has no parameter ${parameter}: deploy the pipeline’s current template first.`,
      );
    }
    if (value !== '' && parameter !== 'AnnounceDescriptions') {
      throw new Failure(
        `${pipeline.name} has ${parameter}=${value}, which is not ${stack.name}. If it is no longer in use, deploy ${pipeline.name} with an empty ${parameter}, and run this again. ` +
          'For both, add the second one to the template: docs/serving.md, docs/browser-uploads.md.',
      );
    }
  }
  return Object.fromEntries(missing);
}
