// JupyterLab's own kernel client and output area, bundled from npm's packages, in headless Chromium:
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
  inject: [join(here, 'lab-shim.js')], loader: {'.svg': 'text', '.css': 'empty', '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl'},
});
const server = createServer((request, response) => {
  const script = request.url.startsWith('/lab-bundle.js');
  response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html; charset=utf-8');
  response.end(script ? readFileSync(join(here, 'lab-bundle.js')) : '<!DOCTYPE html><body><script src="/lab-bundle.js"></script></body>');
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
try {
  const page = await context.newPage();
  page.on('pageerror', error => console.log('page: ' + error.message));
  await page.goto(`http://127.0.0.1:${server.address().port}/?server=${url}/&token=${token}`);
  await page.waitForFunction(() => document.title === 'ready');
  await page.evaluate(() => lab.start());
  must(true, 'the kernel starts');
  const status = await page.evaluate(() => lab.run('%%skep --target embedded:seed=1,speed=max --duration 300ms\n'
    + 'kprobe:vfs_read { @bytes = hist(arg2); @calls[comm] = count(); }'));
  must(status === 'ok', 'a cell runs');
  const last = page.locator('.jp-OutputArea').last();
  await last.locator('img').first().waitFor();
  await becomes(async () => (await last.locator('img').first().getAttribute('src')).startsWith('data:image/svg+xml'), 'a histogram is drawn as SVG');
  await becomes(async () => await last.locator('img').first().evaluate(image => image.decode().then(() => image.naturalWidth)) > 500, 'the browser can draw it');
  await becomes(async () => await last.locator('table tbody tr').count() > 2, 'a map of counts is a table');
  await page.screenshot({path: `${shots}/lab-run.png`});

  // Refreshed in place while it runs; completed meanwhile; stopped, it keeps what it has.
  await page.evaluate(() => { lab.begin('%%skep --target embedded --duration none\nkprobe:vfs_read { @live[comm] = count(); }'); });
  const running = page.locator('.jp-OutputArea').last();
  const sum = async () => (await running.locator('td[align=right]').allInnerTexts()).reduce((total, text) => total + Number(text), 0);
  await running.locator('table tbody tr').first().waitFor();
  const earlier = await sum();
  while (await sum() <= earlier) await page.waitForTimeout(200);
  await becomes(async () => await running.locator('table').count() === 1, 'a running trace refreshes its table in place');
  await becomes(async () => (await page.evaluate(() => lab.complete('kprobe:vfs_rea'))).includes('kprobe:vfs_read'), 'completion is answered meanwhile');
  await page.evaluate(() => lab.interrupt());
  await page.evaluate(() => lab.ended());
  await becomes(async () => (await running.innerText()).includes('stopped') && await running.locator('table tbody tr').count() > 0,
    'Stop ends it and keeps what was gathered');

  await page.evaluate(() => lab.run('%%skep --target embedded:seed=1,speed=max --duration 200ms\n'
    + 'kprobe:vfs_read { @bytes = hist(arg2); @calls[comm] = count(); }'));
  await page.evaluate(() => lab.untrusted());
  const foreign = page.locator('.jp-OutputArea').last();
  await foreign.locator('img').first().waitFor();
  await becomes(async () => (await foreign.locator('img').first().getAttribute('src')).startsWith('data:image/png'), 'who does not trust it sees the PNG');
  await becomes(async () => await foreign.locator('table tbody tr').count() > 2, 'and the table');
  await page.screenshot({path: `${shots}/lab-untrusted.png`});
  await page.evaluate(() => lab.shutdown());
} finally {
  await context.close();
  server.close();
}
