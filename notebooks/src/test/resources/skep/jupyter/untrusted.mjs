// A notebook of somebody else, which is not trusted: node untrusted.mjs URL TOKEN CHROMIUM PROFILE SHOTS
import {chromium} from 'playwright-core';

const [url, token, executablePath, profile, shots] = process.argv.slice(2);
const PATIENCE = 200_000;
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
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: {width: 1200, height: 1400},
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
context.setDefaultTimeout(PATIENCE);
try {
  const page = await context.newPage();
  await page.goto(`${url}/notebooks/foreign.ipynb?token=${token}`);
  await page.waitForFunction(() => window.Jupyter?.notebook?.ncells?.() > 4);
  await becomes(async () => await page.evaluate(() => !Jupyter.notebook.trusted), 'a notebook from elsewhere is not trusted');
  const output = page.locator('.cell').nth(1).locator('.output');
  await becomes(async () => await output.locator('img, svg').count() > 0, 'its histogram is seen all the same');
  await becomes(async () => await output.locator('table tbody tr').count() > 0, 'and so is its table');
  await becomes(async () => await page.locator('.cell').nth(4).locator('.output').locator('img, svg').count() === 4, 'and so are its other pictures');
  await page.screenshot({path: `${shots}/untrusted.png`});
} finally {
  await context.close();
}
