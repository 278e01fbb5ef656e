// A JupyterLab put together from npm's packages, in headless Chromium, with a notebook of its own:
// node lab.mjs URL TOKEN CHROMIUM PROFILE SHOTS. Beside it lies lab-page.js, which is bundled first.
import {build} from 'esbuild';
import {createServer} from 'node:http';
import {readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

const [url, token, executablePath, profile, shots] = process.argv.slice(2);
const PATIENCE = 200_000;
const here = dirname(fileURLToPath(import.meta.url));

function must(condition, what) {
  if (!condition) throw new Error(what);
  console.log('ok ' + what);
}

/** What a cell shows may come after its end is known. */
async function becomes(condition, what) {
  const end = Date.now() + PATIENCE;
  while (!await condition()) {
    if (Date.now() > end) throw new Error(what);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  console.log('ok ' + what);
}

writeFileSync(join(here, 'lab-shim.js'), "export const process = {env: {}, cwd: () => '/', browser: true};");
await build({
  entryPoints: [join(here, 'lab-page.js')], bundle: true, outfile: join(here, 'lab-bundle.js'), format: 'iife', logLevel: 'error',
  mainFields: ['browser', 'module', 'main'], define: {'process.env.NODE_ENV': '"production"', global: 'window'},
  inject: [join(here, 'lab-shim.js')], loader: {'.svg': 'text', '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.png': 'dataurl'},
  plugins: [{
    // Scripts want an icon's text, style sheets its address.
    name: 'icons',
    setup(build) {
      build.onResolve({filter: /\.(svg|eot|gif)$/}, async args => {
        if (args.kind !== 'url-token' || args.pluginData === 'asked') return undefined;
        const found = await build.resolve(args.path, {kind: args.kind, resolveDir: args.resolveDir, importer: args.importer, pluginData: 'asked'});
        return {path: found.path, namespace: 'address'};
      });
      build.onLoad({filter: /.*/, namespace: 'address'}, args => ({contents: readFileSync(args.path), loader: 'dataurl'}));
    },
  }],
});
const dark = join(here, 'node_modules/@jupyterlab/theme-dark-extension/style/variables.css');
const types = {js: 'text/javascript', css: 'text/css'};
const server = createServer((request, response) => {
  const name = request.url.split('?')[0].slice(1);
  response.setHeader('Content-Type', `${types[name.split('.').pop()] ?? 'text/html'}; charset=utf-8`);
  response.end(name === 'dark.css' ? readFileSync(dark) : name.startsWith('lab-bundle.') ? readFileSync(join(here, name))
    : '<!DOCTYPE html><html><head><link rel="stylesheet" href="/lab-bundle.css"></head>'
      + '<body class="jp-ThemedContainer" data-jp-theme-light="true"><script src="/lab-bundle.js"></script></body></html>');
});
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));

const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: {width: 1100, height: 1200},
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
context.setDefaultTimeout(PATIENCE);
const output = (page, i) => page.locator('.jp-Cell').nth(i).locator('.jp-OutputArea');

async function open(name) {
  const page = await context.newPage();
  page.on('pageerror', error => console.log('page: ' + error.message));
  await page.goto(`http://127.0.0.1:${server.address().port}/?server=${url}/&token=${token}`);
  await page.waitForFunction(() => document.title === 'ready');
  await page.evaluate(path => lab.start(path), name);
  return page;
}

try {
  const page = await open('lab.ipynb');
  must(true, 'the notebook opens and its kernel starts');
  await page.evaluate(() => lab.run('%%skep --target embedded:seed=1,speed=max --duration 300ms\n'
    + 'kprobe:vfs_read { @bytes = hist(arg2); @calls[comm] = count(); }'));
  const first = output(page, 0).locator('img').first();
  await first.waitFor();
  await becomes(async () => (await first.getAttribute('src')).startsWith('data:image/svg+xml'), 'a histogram is drawn as SVG');
  await becomes(async () => await first.evaluate(image => image.decode().then(() => image.naturalWidth)) > 500, 'the browser can draw it');
  await becomes(async () => await output(page, 0).locator('table tbody tr').count() > 2, 'a map of counts is a table');
  await page.evaluate(() => lab.run('kprobe:vfs_read { nosuch(); }'));
  await becomes(async () => (await output(page, 1).innerText()).includes('~~~'), 'an error points at its place');
  await page.screenshot({path: `${shots}/lab-run.png`});

  // Refreshed in place while it runs; completed meanwhile; stopped, it keeps what it has.
  await page.evaluate(() => { lab.begin('%%skep --target embedded --duration none\nkprobe:vfs_read { @live[comm] = count(); }'); });
  const running = output(page, 2);
  const sum = async () => (await running.locator('td[align=right]').allInnerTexts()).reduce((total, text) => total + Number(text), 0);
  await running.locator('table tbody tr').first().waitFor();
  const earlier = await sum();
  await becomes(async () => await sum() > earlier, 'a running trace goes on drawing');
  await becomes(async () => await running.locator('table').count() === 1, 'in its place');
  await page.evaluate(() => lab.complete('kprobe:vfs_rea'));
  await becomes(async () => (await page.locator('.jp-Completer').allInnerTexts()).join().includes('kprobe:vfs_readv'),
    'completion is offered meanwhile');
  await page.screenshot({path: `${shots}/lab-completion.png`});
  await page.evaluate(() => lab.forget());
  await page.evaluate(() => lab.interrupt());
  await page.evaluate(() => lab.ended());
  await becomes(async () => (await running.innerText()).includes('stopped') && await running.locator('table tbody tr').count() > 0,
    'Stop ends it and keeps what was gathered');

  // Its dark theme.
  await page.evaluate(() => new Promise(resolve => {
    const link = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: '/dark.css', onload: resolve});
    document.head.append(link);
    document.body.dataset.jpThemeLight = 'false';
  }));
  await page.screenshot({path: `${shots}/lab-dark.png`});
  must(await page.evaluate(() => lab.trusted()), 'what was run here is trusted');
  await page.evaluate(() => lab.save());

  // The same file as it comes from somebody else.
  await page.evaluate(async ([from, to]) => {
    const content = (await (await fetch(from)).json()).content;
    content.metadata.from = 'elsewhere';
    content.cells.forEach(cell => delete cell.metadata.trusted);
    await fetch(to, {method: 'PUT', body: JSON.stringify({type: 'notebook', format: 'json', content})});
  }, ['lab.ipynb', 'foreign-lab.ipynb'].map(name => `${url}/api/contents/${name}?token=${token}`));
  await page.evaluate(() => lab.shutdown());
  await page.close();
  const foreign = await open('foreign-lab.ipynb');
  await becomes(async () => await foreign.evaluate(() => !lab.trusted()), 'a notebook from elsewhere is not trusted');
  const seen = output(foreign, 0).locator('img').first();
  await seen.waitFor();
  await becomes(async () => (await seen.getAttribute('src')).startsWith('data:image/png'), 'who does not trust it sees the PNG');
  await becomes(async () => await output(foreign, 0).locator('table tbody tr').count() > 2, 'and the table');
  await foreign.screenshot({path: `${shots}/lab-untrusted.png`});
  await foreign.evaluate(() => lab.shutdown());
} finally {
  await context.close();
  server.close();
}
