import { DefaultReporter } from 'vitest/node';

/** For `--changed`, where having no test to run is not an error. */
export default class ChangedReporter extends DefaultReporter {
  override onTestRunEnd(...[modules, errors, reason]: Parameters<DefaultReporter['onTestRunEnd']>): void {
    if (modules.length > 0 || errors.length > 0) {
      super.onTestRunEnd(modules, errors, reason);
      return;
    }
    const { changed } = this.ctx.config;
    const changes = typeof changed === 'string' ? `changes since ${changed}` : 'uncommitted changes';
    this.log(`No tests to run: your ${changes} affect none.`);
  }
}
