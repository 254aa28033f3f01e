/** The system's Chromium or Chrome: playwright-core brings none, and downloads none. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const places = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export const chromiumPath: string | undefined = [
  ...(process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))),
  ...places,
].find(isExecutable);

/** For tests and commands that cannot do without. */
export const chromiumMissing =
  'No Chromium or Chrome was found in PATH. Install one (Debian and Ubuntu: apt-get install chromium) and run this again.';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
