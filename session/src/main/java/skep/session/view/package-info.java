/**
 * What a session shows, as values, and the renderers that only read them.
 *
 * <p>A {@link skep.session.view.Value} is a piece of data of a script with everything looked up that printing needs:
 * symbols, names, time stamps. A {@link skep.session.view.View} is one thing to show: a map, formatted text, a message.
 * {@link skep.session.view.TextRenderer} and {@link skep.session.view.JsonRenderer} turn views into characters exactly as
 * people's scripts and eyes know them from bpftrace; {@link skep.session.view.Printf} is C's formatting over values.
 * Renderers are pure functions: nothing here prints.
 *
 * <p>Values come from {@code skep.session.ValueReader}. Start reading at {@link skep.session.view.View}.
 */
@NullMarked
package skep.session.view;

import org.jspecify.annotations.NullMarked;
