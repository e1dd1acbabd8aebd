import './styles/tokens.css';
import './styles/base.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { account } from './lib/identity/account.svelte';
import { router } from './lib/router/router.svelte';

const target = document.getElementById('app');
if (target) {
  router.start();
  mount(App, { target });
  void account.start();
}
