/**
 * The names that a fork decides, here and nowhere else in code. template.yaml, the workflow, samconfig.toml, governance/, events/
 * and the docs cannot import them and repeat them: test/template/names.test.ts checks that they agree, and `npm run rename`
 * changes them all.
 */

/** In names of stacks, buckets, packages and directories, and in the tag `project`. */
export const projectName = 'darkroom';

/** In headings and sentences. */
export const projectTitle = 'Darkroom';

/** The `source` of all domain events: consumers select events by it. */
export const eventSource = 'darkroom.pipeline';

/** The CloudWatch namespace of the pipeline's own metrics. */
export const metricNamespace = 'Darkroom';

/** The prefix of environment variables that the scripts read. */
export const environmentPrefix = projectName.toUpperCase().replaceAll('-', '_');

/** Only probes have keys with this prefix in the upload bucket. Consumers of domain events recognise probes by it. */
export const probePrefix = `${projectName}-probe/`;

/** Only release checks have keys with this prefix in the upload bucket. */
export const releaseCheckPrefix = `${projectName}-release/`;

/** `npm run verify` sends its files below this prefix. Unlike the two above, anyone may upload there: consumers must not ignore it. */
export const verifyPrefix = `${projectName}-verify/`;
