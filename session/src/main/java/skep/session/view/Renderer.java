package skep.session.view;

/** Turns views into characters. */
public interface Renderer {
    /** The characters, line ends included; empty if the form does not show it. */
    String render(View view);

    /** Whether a view belongs on standard error in this form. */
    boolean isForStandardError(View view);
}
