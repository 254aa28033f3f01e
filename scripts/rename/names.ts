import { eventSource, metricNamespace, projectName, projectTitle } from '../../core/names.ts';
import { Failure } from '../terminal/failure.ts';

/** The names in core/names.ts, from which all other names are derived. */
export interface Names {
  readonly name: string;
  readonly title: string;
  readonly eventSource: string;
  readonly metricNamespace: string;
}

export const currentNames: Names = { name: projectName, title: projectTitle, eventSource, metricNamespace };

// Stack names are at most 25 characters long, because AWS limits the longer names of the resources in them.
const longestName = 25 - '-local'.length;

/** @throws {Failure} if AWS or npm would reject a name, or the next renaming could not recognise it. */
export function newNames(
  name: string,
  chosen: {
    readonly title?: string | undefined;
    readonly source?: string | undefined;
    readonly namespace?: string | undefined;
  } = {},
): Names {
  const words = name.split('-').map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  const defaults: Names =
    name === currentNames.name
      ? currentNames
      : { name, title: words.join(' '), eventSource: `${name}.pipeline`, metricNamespace: words.join('') };
  const names: Names = {
    name,
    title: chosen.title ?? defaults.title,
    eventSource: chosen.source ?? defaults.eventSource,
    metricNamespace: chosen.namespace ?? defaults.metricNamespace,
  };
  check(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length >= 3 && name.length <= longestName,
    `The name ${JSON.stringify(name)} cannot be used in the names of stacks and buckets: use 3 to ${longestName} lower-case letters and digits, with single hyphens between words, and start with a letter. For example: npm run rename -- picturehouse`,
  );
  check(
    !/^(xn--|sthree-|amzn-s3-demo-|aws(-|$)|amazon(-|$))/.test(name),
    `The name ${JSON.stringify(name)} starts with a prefix that AWS reserves. Choose another one.`,
  );
  check(
    /^[A-Z][A-Za-z0-9]*([ -][A-Za-z0-9]+)*$/.test(names.title) && names.title.length <= 40,
    `The title ${JSON.stringify(names.title)} is not valid: use up to 40 letters and digits, with single spaces or hyphens between words, and start with a capital letter. For example: --title "Picture House".`,
  );
  check(
    !/^aws\./i.test(names.eventSource),
    `The event source ${JSON.stringify(names.eventSource)} starts with aws., which EventBridge reserves for AWS services. Start with your company's name, for example: --source acme.${name}.`,
  );
  check(
    /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/.test(names.eventSource) && names.eventSource.length <= 100,
    `The event source ${JSON.stringify(names.eventSource)} is not valid: use two or more lower-case words separated by dots. For example: --source acme.${name}.`,
  );
  check(
    !/^aws(\/|$)/i.test(names.metricNamespace),
    `The metric namespace ${JSON.stringify(names.metricNamespace)} starts with AWS, which CloudWatch reserves for AWS services. Choose another one.`,
  );
  check(
    /^[A-Za-z][A-Za-z0-9]*([/._-][A-Za-z0-9]+)*$/.test(names.metricNamespace) && names.metricNamespace.length <= 100,
    `The metric namespace ${JSON.stringify(names.metricNamespace)} is not valid: use letters and digits, with single slashes, dots, underscores or hyphens between words. For example: --namespace Acme/Images.`,
  );
  return names;
}

function check(holds: boolean, sentence: string): void {
  if (!holds) throw new Failure(sentence);
}
