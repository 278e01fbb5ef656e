// A notebook of somebody else, which is not trusted: node untrusted.mjs URL TOKEN CHROMIUM PROFILE SHOTS
import {chromium} from 'playwright-core';

const [url, token, executablePath, profile, shots] = process.argv.slice(2);
function must(condition, what) {
  if (!condition) throw new Error(what);
  console.log('ok ' + what);
}
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: {width: 1200, height: 1400},
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
context.setDefaultTimeout(60_000);
try {
  const page = await context.newPage();
  await page.goto(`${url}/notebooks/foreign.ipynb?token=${token}`);
  await page.waitForFunction(() => window.Jupyter?.notebook?.ncells?.() > 4);
  must(await page.evaluate(() => !Jupyter.notebook.trusted), 'a notebook from elsewhere is not trusted');
  const output = page.locator('.cell').nth(1).locator('.output');
  must(await output.locator('img, svg').count() > 0, 'its histogram is seen all the same');
  must(await output.locator('table tbody tr').count() > 0, 'and so is its table');
  must(await page.locator('.cell').nth(4).locator('.output').locator('img, svg').count() === 4, 'and so are its other pictures');
  await page.screenshot({path: `${shots}/untrusted.png`});
} finally {
  await context.close();
}
