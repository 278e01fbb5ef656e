package skep.cli;

import java.io.PrintStream;
import skep.cli.Arguments.Buffering;
import skep.session.ViewSink;
import skep.session.view.Renderer;
import skep.session.view.View;

/** Writes views: results to the script's output, messages to standard error, both in the order they come. */
final class Terminal implements ViewSink {
    private static final String NOTIFY_ATTACHED = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";

    private final Renderer renderer;
    private final PrintStream out;
    private final PrintStream err;
    private final Buffering buffering;
    private final boolean quiet;
    private final boolean warnings;
    private final boolean notifyAttached;

    /** Whether the first line is that of versions before 0.23, on standard output. */
    private final boolean oldStyle;

    private boolean barShown;
    private volatile Runnable outputGone = () -> {};

    Terminal(Renderer renderer, PrintStream out, PrintStream err, Arguments arguments) {
        this.renderer = renderer;
        this.out = out;
        this.err = err;
        this.buffering = arguments.buffering();
        this.quiet = arguments.quiet();
        this.warnings = arguments.warnings();
        this.oldStyle = arguments.format() == Arguments.Format.TEXT
                && arguments
                        .language()
                        .filter(level -> level.compareTo("0.23") < 0)
                        .isPresent();
        this.notifyAttached = System.getenv(NOTIFY_ATTACHED) != null;
    }

    /** What to do when nobody reads the output any more. */
    void onOutputGone(Runnable action) {
        outputGone = action;
    }

    /** Shows a line at the bottom that moves, until something else is printed; empty to take it away. */
    synchronized void bar(String text) {
        if (!text.isEmpty() || barShown) {
            err.print("\r\033[K" + text);
            err.flush();
            barShown = !text.isEmpty();
        }
    }

    /** Control characters for the terminal that shows the results. */
    synchronized void raw(String text) {
        out.print(text);
        out.flush();
    }

    @Override
    public synchronized void accept(View view) {
        if (barShown) {
            bar("");
        }
        if (isShown(view) && oldStyle && view instanceof View.Attached attached) {
            out.print("Attaching " + attached.probes() + (attached.probes() == 1 ? " probe...\n" : " probes...\n"));
            attached.kernel().ifPresent(this::tellKernel);
            flush(out);
        } else if (isShown(view)) {
            var stream = renderer.isForStandardError(view) ? err : out;
            // What was printed before a message stands before it on a terminal that shows both.
            if (stream == err) {
                out.flush();
            }
            stream.print(renderer.render(view));
            if (stream == err || buffering != Buffering.FULL) {
                flush(stream);
            }
        } else if (view instanceof View.Attached attached) {
            // Quiet or not: results of a simulated kernel are never taken for those of a real one.
            attached.kernel().ifPresent(this::tellKernel);
        }
        if (view instanceof View.Attached && notifyAttached) {
            out.print(NOTIFY_ATTACHED + "\n");
            flush(out);
        }
    }

    private void tellKernel(String kernel) {
        err.print("Results are those of the " + kernel + ".\n");
        err.flush();
    }

    @Override
    public synchronized void batchEnds() {
        flush(out);
    }

    private boolean isShown(View view) {
        return switch (view) {
            case View.Attached _, View.Note _ -> !quiet;
            case View.Located located -> warnings || located.severity() == View.Severity.ERROR;
            case View.RuntimeError _, View.HelperError _ -> warnings;
            default -> true;
        };
    }

    private void flush(PrintStream stream) {
        stream.flush();
        if (stream == out && out.checkError()) {
            outputGone.run();
        }
    }
}
