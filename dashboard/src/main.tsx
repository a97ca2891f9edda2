import { render } from 'preact';

import { App } from './app';
import { shownPage } from './pages';
import { route } from './state/route';
import { followStudy } from './state/study';
import './style.css';

// While the study is on its way the page can come too.
shownPage(route.value.page)
  .load()
  // Whoever shows the page says so.
  .catch(() => undefined);
followStudy();
render(<App />, document.getElementById('app')!);
