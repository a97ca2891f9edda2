// Whether anybody can see the page. A browser opens six connections to a server, for all of its
// tabs together: streams of tabs that nobody sees would leave none for the one in front.

import { signal } from '@preact/signals';

const isShown = () => document.visibilityState === 'visible';

export const isVisible = signal(isShown());

document.addEventListener('visibilitychange', () => (isVisible.value = isShown()));
