// Where things are. The programs are those of the release build unless BITBUDGET_BIN says
// otherwise, the page is dashboard/dist unless BITBUDGET_DASHBOARD does.

import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
export const DASHBOARD = process.env.BITBUDGET_DASHBOARD ?? `${REPOSITORY}dashboard/dist`;
export const PROGRAMS = process.env.BITBUDGET_BIN ?? `${REPOSITORY}build/release/bin`;
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const SCREENSHOTS = `${REPOSITORY}build/dashboard/screenshots`;
export const DATA = `${REPOSITORY}data/micro_prototype`;
