// A JupyterLab of its own parts: notebook panel, editor, completer, themes. Opens the notebook that the address names.
import '@jupyterlab/notebook/style/index.js';
import '@jupyterlab/completer/style/index.js';
import '@jupyterlab/theme-light-extension/style/theme.css';
import {CodeMirrorEditorFactory, CodeMirrorMimeTypeService, EditorExtensionRegistry, EditorLanguageRegistry, EditorThemeRegistry, ybinding}
  from '@jupyterlab/codemirror';
import {Completer, CompleterModel, CompletionHandler, KernelCompleterProvider, ProviderReconciliator} from '@jupyterlab/completer';
import {DocumentManager} from '@jupyterlab/docmanager';
import {DocumentRegistry} from '@jupyterlab/docregistry';
import {NotebookActions, NotebookModelFactory, NotebookPanel, NotebookWidgetFactory} from '@jupyterlab/notebook';
import {RenderMimeRegistry, standardRendererFactories} from '@jupyterlab/rendermime';
import {ServerConnection, ServiceManager} from '@jupyterlab/services';
import {Widget} from '@lumino/widgets';

const query = new URLSearchParams(location.search);
const serverSettings = ServerConnection.makeSettings({
  baseUrl: query.get('server'), wsUrl: query.get('server').replace('http', 'ws'), token: query.get('token'), appendToken: true});
const manager = new ServiceManager({serverSettings});
const languages = new EditorLanguageRegistry();

function editorExtensions() {
  const themes = new EditorThemeRegistry();
  EditorThemeRegistry.getDefaultThemes().forEach(theme => themes.addTheme(theme));
  const registry = new EditorExtensionRegistry();
  EditorExtensionRegistry.getDefaultExtensions({themes}).forEach(extension => registry.addExtension(extension));
  registry.addExtension({
    name: 'shared-model-binding',
    factory: options => EditorExtensionRegistry.createImmutableExtension(
      ybinding({ytext: options.model.sharedModel.ysource, undoManager: options.model.sharedModel.undoManager ?? undefined})),
  });
  return registry;
}

async function open(path) {
  const registry = new DocumentRegistry();
  const documents = new DocumentManager({registry, manager, opener: {open: () => {}, opened: {connect: () => {}}}});
  const editors = new CodeMirrorEditorFactory({extensions: editorExtensions(), languages});
  registry.addModelFactory(new NotebookModelFactory({}));
  registry.addWidgetFactory(new NotebookWidgetFactory({
    name: 'Notebook', modelName: 'notebook', fileTypes: ['notebook'], defaultFor: ['notebook'], preferKernel: true, canStartKernel: true,
    rendermime: new RenderMimeRegistry({initialFactories: standardRendererFactories}),
    contentFactory: new NotebookPanel.ContentFactory({editorFactory: editors.newInlineEditor}),
    mimeTypeService: new CodeMirrorMimeTypeService(languages),
    notebookConfig: {...NotebookPanelConfig(), windowingMode: 'none'},
  }));
  const panel = documents.open(path);
  panel.node.style.cssText = 'position: absolute; inset: 0; min-height: 100vh';
  Widget.attach(panel, document.body);
  await panel.context.ready;
  await panel.context.sessionContext.ready;
  const completer = new Completer({editor: panel.content.activeCell.editor, model: new CompleterModel()});
  completer.hide();
  Widget.attach(completer, document.body);
  const handler = new CompletionHandler({
    completer,
    reconciliator: new ProviderReconciliator({
      context: {widget: panel, editor: panel.content.activeCell.editor, session: panel.context.sessionContext.session},
      providers: [new KernelCompleterProvider()], timeout: 100_000}),
  });
  return {panel, handler};
}

function NotebookPanelConfig() {
  return {scrollPastEnd: false, defaultCell: 'code', recordTiming: false, maxNumberOutputs: 0, overscanCount: 1,
    inputHistoryScope: 'global', enableKernelInitNotification: false, showHiddenCellsButton: true, renderingLayout: 'default',
    sideBySideLeftMarginOverride: '10px', sideBySideRightMarginOverride: '10px', sideBySideOutputRatio: 1, showEditorForReadOnlyMarkdown: true};
}

window.lab = {
  async start(path) {
    await manager.ready;
    Object.assign(this, await open(path));
    await this.panel.context.sessionContext.session?.kernel?.info;
  },
  /** Puts a text into a new cell at the end, or the first one while that is empty, and runs it; resolves when it has ended. */
  run(code) {
    const notebook = this.panel.content;
    if (notebook.widgets.at(-1).model.sharedModel.getSource() !== '') {
      notebook.activeCellIndex = notebook.widgets.length - 1;
      NotebookActions.insertBelow(notebook);
    }
    notebook.activeCellIndex = notebook.widgets.length - 1;
    notebook.activeCell.model.sharedModel.setSource(code);
    return NotebookActions.run(notebook, this.panel.context.sessionContext);
  },
  begin(code) { this.running = this.run(code); },
  ended() { return this.running; },
  interrupt() { return this.panel.context.sessionContext.session.kernel.interrupt(); },
  /** Types a text into a new last cell and asks for what it could become. */
  complete(code) {
    const notebook = this.panel.content;
    notebook.activeCellIndex = notebook.widgets.length - 1;
    NotebookActions.insertBelow(notebook);
    notebook.activeCell.model.sharedModel.setSource(code);
    const editor = notebook.activeCell.editor;
    notebook.mode = 'edit';
    editor.focus();
    editor.setCursorPosition({line: 0, column: code.length});
    this.handler.editor = editor;
    this.handler.invoke();
  },
  /** The cell that was typed for completion goes. */
  forget() {
    document.activeElement.blur();
    this.panel.content.mode = 'command';
    NotebookActions.deleteCells(this.panel.content);
  },
  trusted() { return this.panel.content.widgets.every(cell => cell.model.trusted); },
  save() { return this.panel.context.save(); },
  shutdown() { return this.panel.context.sessionContext.shutdown(); },
};
document.title = 'ready';
