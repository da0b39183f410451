import '@fontsource-variable/inter/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import Root from './Root.svelte';
import { App } from './lib/app.svelte';
import { chooseBackend } from './lib/backend/choose';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no #app');
const app = new App(await chooseBackend());
mount(Root, { target, props: { app } });
await app.start();
