package skep.c.lower;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import skep.c.check.Types;
import skep.c.parse.Declaration;
import skep.c.parse.TranslationUnit.FunctionDefinition;
import skep.source.Source;

/**
 * What a source declares outside of functions.
 *
 * @param main the source of the user: instructions of library functions are attributed to their callers in it
 */
public record Unit(Types types, Source main, Map<String, FunctionDefinition> functions, Map<String, Global> globals) {
    public Unit(Types types, Source main) {
        this(types, main, new LinkedHashMap<>(), new HashMap<>());
    }

    /** A variable outside of functions; {@code map} holds it unless it is constant. */
    public record Global(Declaration.Declarator declarator, int type, boolean constant, String map) {}
}
