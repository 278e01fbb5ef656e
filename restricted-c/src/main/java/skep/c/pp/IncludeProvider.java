package skep.c.pp;

import java.util.Optional;
import skep.source.Source;

/** Where included text comes from. */
@FunctionalInterface
public interface IncludeProvider {
    /** Nothing can be included. */
    IncludeProvider NONE = (name, angled, includer) -> Optional.empty();

    /**
     * The text of a header, or empty if there is none of that name.
     *
     * @param name as written between the quotes or angle brackets
     * @param angled whether it was written in angle brackets
     * @param includer name of the source with the {@code #include}
     */
    Optional<Source> find(String name, boolean angled, String includer);
}
