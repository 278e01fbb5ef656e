/**
 * The conductor: compile, load, attach, start, drain, aggregate, show.
 *
 * <p>{@link skep.session.Session} is the entry: it takes a {@link skep.target.Target} (found by
 * {@link skep.session.Targets} from a spec such as {@code embedded:seed=7}), the text of a script and
 * {@link skep.session.SessionOptions}, and hands {@link skep.session.view.View}s to a {@link skep.session.ViewSink} until
 * the script ends; its result is an exit status. It owns everything it opened and closes it on every path.
 *
 * <p>Inside, {@code ScriptRun} is the loop, {@code Actions} does what ring-buffer records ask for, {@code MapReader} turns
 * maps into {@link skep.session.view.View.MapView}s through {@code ValueReader} and {@code skep.session.aggregate}.
 * Nothing here prints, and nothing knows which target it talks to. Start reading at {@link skep.session.Session}.
 */
@NullMarked
package skep.session;

import org.jspecify.annotations.NullMarked;
