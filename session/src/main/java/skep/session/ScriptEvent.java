package skep.session;

import skep.session.view.View;

/**
 * Something that a script said while it ran.
 *
 * @param kind what said it: {@code printf}, {@code print}, {@code time}, {@code join}, {@code cat}, {@code map}, {@code error},
 *     {@code attached}, {@code note}
 * @param text as the terminal would show it, line end included
 * @param view the thing itself
 */
public record ScriptEvent(String kind, String text, View view) {}
