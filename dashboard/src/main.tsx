import { render } from 'preact';

import { App } from './app';
import { followStudy } from './state/study';
import './style.css';

followStudy();
render(<App />, document.getElementById('app')!);
