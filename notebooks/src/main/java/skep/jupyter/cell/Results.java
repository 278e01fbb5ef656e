package skep.jupyter.cell;

import skep.jupyter.protocol.CellOutput;

/** The value of a cell in another language: what has a picture is drawn, else its text is shown. */
final class Results {
    private Results() {}

    /** The last picture is the cell's value, those before it stand above. */
    static void show(Object value, CellOutput output) {
        var bundles = MapBundles.ofValue(value);
        bundles.subList(0, bundles.size() - 1).forEach(output::display);
        output.result(bundles.getLast());
    }
}
