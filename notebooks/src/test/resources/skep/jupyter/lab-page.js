import {KernelManager, ServerConnection, KernelSpecManager} from '@jupyterlab/services';
import {OutputArea, OutputAreaModel} from '@jupyterlab/outputarea';
import {RenderMimeRegistry, standardRendererFactories} from '@jupyterlab/rendermime';
import {Widget} from '@lumino/widgets';

const query = new URLSearchParams(location.search);
const serverSettings = ServerConnection.makeSettings({
  baseUrl: query.get('server'), wsUrl: query.get('server').replace('http', 'ws'), token: query.get('token'),
  appendToken: true});
const rendermime = new RenderMimeRegistry({initialFactories: standardRendererFactories});
const kernels = new KernelManager({serverSettings});

function area(trusted, values = []) {
  const model = new OutputAreaModel({trusted, values});
  const view = new OutputArea({model, rendermime});
  Widget.attach(view, document.body);
  return view;
}

window.lab = {
  async start() {
    await kernels.ready;
    this.kernel = await kernels.startNew({name: 'skep'});
    await this.kernel.info;
  },
  /** Runs a cell in an output area of its own; resolves when it has ended. */
  run(code) {
    const view = area(true);
    const future = this.kernel.requestExecute({code}, false);
    view.future = future;
    this.last = view;
    return future.done.then(reply => reply.content.status);
  },
  begin(code) { this.running = this.run(code); },
  ended() { return this.running; },
  interrupt() { return this.kernel.interrupt(); },
  complete(code) {
    return this.kernel.requestComplete({code, cursor_pos: code.length}).then(reply => reply.content.matches);
  },
  /** What the last cell shows, as somebody sees it who does not trust it. */
  untrusted() { this.foreign = area(false, this.last.model.toJSON()); },
  shutdown() { return this.kernel.shutdown(); },
};
document.title = 'ready';
