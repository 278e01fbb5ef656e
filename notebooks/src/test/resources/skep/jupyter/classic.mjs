// Classic Notebook as people use it, in headless Chromium: node classic.mjs URL TOKEN CHROMIUM PROFILE SHOTS
// Says what it saw, one line each; the first thing that is not as it should be ends it.
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

async function open(name) {
  const page = await context.newPage();
  await page.goto(`${url}/notebooks/${name}?token=${token}`);
  await page.waitForFunction(() => window.Jupyter?.notebook?.kernel?.is_connected?.());
  return page;
}
const output = (page, cell) => page.locator('.cell').nth(cell).locator('.output');
const run = (page, cell) => page.evaluate(i => Jupyter.notebook.execute_cells([i]), cell);
const setCode = (page, cell, code) => page.evaluate(([i, text]) => {
  while (Jupyter.notebook.ncells() <= i) Jupyter.notebook.insert_cell_below('code', Jupyter.notebook.ncells() - 1);
  Jupyter.notebook.get_cell(i).set_text(text);
}, [cell, code]);
const done = (page, cell) => page.waitForFunction(
  i => { const c = Jupyter.notebook.get_cell(i); return !c.element.hasClass('running') && c.input_prompt_number !== '*'; }, cell);
const shot = async (page, name) => page.screenshot({path: `${shots}/${name}.png`, fullPage: false});

try {
  // Open and run.
  const page = await open('walk.ipynb');
  await becomes(async () => await page.title() !== '', 'the notebook opens');
  await setCode(page, 0, '%target embedded:seed=1,speed=max');
  await run(page, 0);
  await done(page, 0);
  await setCode(page, 1, '%%skep --duration 300ms\nkprobe:vfs_read { @bytes = hist(arg2); @calls[comm] = count(); }');
  await run(page, 1);
  await output(page, 1).locator('svg').first().waitFor();
  await done(page, 1);
  await becomes(async () => await output(page, 1).locator('svg rect title').count() > 0, 'a histogram with tips is drawn');
  await becomes(async () => await output(page, 1).locator('table').count() === 1, 'a map of counts is a table');
  await becomes(async () => (await output(page, 1).innerText()).includes('embedded kernel'), 'results of the embedded kernel are marked');
  const first = output(page, 1).locator('tbody tr td').first();
  const before = await first.innerText();
  await output(page, 1).locator('th').nth(1).click();
  await output(page, 1).locator('th').nth(1).click();
  await becomes(async () => await first.innerText() !== before, 'a click on the head of a table sorts it');
  await shot(page, 'classic-run');
  await page.emulateMedia({colorScheme: 'dark'});
  await shot(page, 'classic-dark');
  await page.emulateMedia({colorScheme: 'light'});

  // An error has a caret.
  await setCode(page, 2, 'kprobe:vfs_read { nosuch(); }');
  await run(page, 2);
  await output(page, 2).locator('.output_error').waitFor();
  await becomes(async () => (await output(page, 2).innerText()).includes('~~~'), 'an error points at its place');

  // A trace refreshes in place while it runs; Tab completes meanwhile; Stop ends it and keeps what was gathered.
  await setCode(page, 3, '%%skep --target embedded --duration none\nkprobe:vfs_read { @live[comm] = count(); }');
  await run(page, 3);
  await page.waitForFunction(i => {
    const rows = Jupyter.notebook.get_cell(i).element.find('.output table tbody tr');
    return rows.length > 0;
  }, 3);
  const sum = () => page.evaluate(i => Jupyter.notebook.get_cell(i).element.find('.output table td[align=right]')
    .toArray().reduce((total, cell) => total + Number(cell.textContent), 0), 3);
  const earlier = await sum();
  await page.waitForFunction(([i, less]) => Jupyter.notebook.get_cell(i).element.find('.output table td[align=right]')
    .toArray().reduce((total, cell) => total + Number(cell.textContent), 0) > less, [3, earlier]);
  await becomes(async () => await output(page, 3).locator('table').count() === 1, 'a running trace refreshes its table in place');
  await setCode(page, 4, 'kprobe:vfs_rea');
  await page.evaluate(i => {
    Jupyter.notebook.select(i);
    Jupyter.notebook.edit_mode();
    const editor = Jupyter.notebook.get_cell(i).code_mirror;
    editor.setCursor(editor.lastLine(), editor.getLine(editor.lastLine()).length);
  }, 4);
  await page.keyboard.press('Tab');
  await page.waitForFunction(i => {
    const text = Jupyter.notebook.get_cell(i).get_text();
    return text.includes('vfs_read') || document.querySelectorAll('#complete option').length > 0;
  }, 4);
  await shot(page, 'classic-completion');
  must(true, 'Tab completes a probe while a trace runs');
  await page.keyboard.press('Escape');
  await page.locator('#interrupt_kernel, button[data-jupyter-action="jupyter-notebook:interrupt-kernel"]').first().click();
  await done(page, 3);
  await becomes(async () => (await output(page, 3).innerText()).includes('stopped'), 'Stop ends the trace');
  await becomes(async () => await output(page, 3).locator('table tbody tr').count() > 0, 'Stop keeps what was gathered');

  // All kinds of pictures in one cell.
  await setCode(page, 4, `%%skep --duration 400ms --as run
kprobe:vfs_read { @start[tid] = nsecs; }
kretprobe:vfs_read /@start[tid]/ { @heat[elapsed / 20ms] = hist((nsecs - @start[tid]) / 1000); delete(@start, tid); }
tracepoint:sched:sched_switch { @on[cpu, nsecs] = args.next_comm; @switches[cpu] = tseries(1, 20ms, 20, "sum"); }
profile:hz:499 { @stacks[kstack, comm] = count(); }
end { clear(@start); print(@on, lanes); clear(@on); }`);
  await run(page, 4);
  await done(page, 4);
  await becomes(async () => await output(page, 4).locator('svg').count() === 4, 'lanes, a heat map, a flame graph and time series are drawn');
  for (let i = 0; i < 4; i++) {
    await output(page, 4).locator('svg').nth(i).scrollIntoViewIfNeeded();
    await output(page, 4).locator('svg').nth(i).screenshot({path: `${shots}/picture-${i}.png`});
  }
  await page.emulateMedia({colorScheme: 'dark'});
  for (let i = 0; i < 4; i++) await output(page, 4).locator('svg').nth(i).screenshot({path: `${shots}/picture-${i}-dark.png`});
  await page.emulateMedia({colorScheme: 'light'});

  // Save, and open again as somebody who does not trust it.
  await page.evaluate(() => Jupyter.notebook.save_notebook());
  await page.evaluate(async address => {
    const model = await (await fetch(address)).json();
    // Another's file has no signature of ours.
    model.content.metadata.from = 'elsewhere';
    delete model.content.metadata.signature;
    window.saved = JSON.stringify(model.content);
  }, `${url}/api/contents/walk.ipynb?token=${token}`);
  const saved = JSON.parse(await page.evaluate(() => window.saved));
  const kept = saved.cells[1].outputs.map(o => Object.keys(o.data ?? {}));
  must(kept.some(types => types.includes('image/png') && types.includes('image/svg+xml') && types.includes('text/plain')),
    'the saved notebook holds SVG, PNG and text');
  console.log('saved ' + JSON.stringify(saved));
  await page.close();
} finally {
  await context.close();
}
