// What all tests need: the programs, the browser, the built page. Says what is missing.

import { existsSync, mkdirSync } from 'node:fs';

import { CHROMIUM, DASHBOARD, PROGRAMS, SCREENSHOTS } from './paths';

export default function setup(): void {
  const needed = [
    [`${PROGRAMS}/bitbudget-server`, 'scripts/build.sh builds it; BITBUDGET_BIN names its folder'],
    [`${PROGRAMS}/bitbudget`, 'scripts/build.sh builds it'],
    [CHROMIUM, 'scripts/install_packages.sh test installs it; CHROMIUM names another'],
    [`${DASHBOARD}/index.html`, 'npm run build builds it'],
  ];
  for (const [path, remedy] of needed) {
    if (!existsSync(path!)) throw new Error(`${path} is missing: ${remedy}`);
  }
  mkdirSync(SCREENSHOTS, { recursive: true });
}
